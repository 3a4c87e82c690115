package livetranscodeotel

import (
	"errors"
	"reflect"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// scope is the name of the instrumentation.
const scope = "github.com/livetranscode/livetranscode-go/livetranscodeotel"

// An Option configures [Hooks] and [Watch]. A nil Option is ignored.
type Option func(*config) error

type config struct {
	tracers trace.TracerProvider
	meters  metric.MeterProvider
	watcher []attribute.KeyValue // the watcher's name, if it has one
}

// WithTracerProvider sets the provider of the tracer. A nil one is an error. Defaults to the global provider.
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(c *config) error {
		if isNil(p) {
			return errors.New("livetranscodeotel: WithTracerProvider: the provider is nil")
		}
		c.tracers = p
		return nil
	}
}

// WithMeterProvider sets the provider of the meter. A nil one is an error. Defaults to the global provider.
func WithMeterProvider(p metric.MeterProvider) Option {
	return func(c *config) error {
		if isNil(p) {
			return errors.New("livetranscodeotel: WithMeterProvider: the provider is nil")
		}
		c.meters = p
		return nil
	}
}

// WithWatcherName sets the attribute livetranscode.watcher.name of what is measured of a watcher. Two watchers need
// different names, or one overwrites the other. Hooks belong to a client: to tell the sweeps of two watchers apart,
// give each watcher its own client. Defaults to no such attribute.
func WithWatcherName(name string) Option {
	return func(c *config) error {
		c.watcher = nil
		if name != "" {
			c.watcher = []attribute.KeyValue{watcherNameKey.String(name)}
		}
		return nil
	}
}

func newConfig(opts []Option) (*config, error) {
	c := &config{tracers: otel.GetTracerProvider(), meters: otel.GetMeterProvider()}
	var errs []error
	for _, opt := range opts {
		if opt != nil {
			errs = append(errs, opt(c))
		}
	}
	return c, errors.Join(errs...)
}

func (c *config) meter() metric.Meter {
	return c.meters.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL))
}

// isNil reports whether an interface is nil or holds a nil pointer, which would panic at the first use.
func isNil(provider any) bool {
	v := reflect.ValueOf(provider)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}
