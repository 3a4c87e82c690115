package livetranscodeotel

import (
	"cmp"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/livetranscode/livetranscode-go"
)

// Keys that the semantic conventions do not define. They have request ids of AWS and Azure, but none of Alibaba Cloud.
const (
	requestIDKey     = attribute.Key("alibaba_cloud.request_id")
	jobIDKey         = attribute.Key("livetranscode.job.id")
	templateIDKey    = attribute.Key("livetranscode.template.id")
	jobStatusKey     = attribute.Key("livetranscode.job.status")
	requestTypeKey   = attribute.Key("livetranscode.request.type")
	retryDelayKey    = attribute.Key("livetranscode.retry.delay") // seconds
	watcherNameKey   = attribute.Key("livetranscode.watcher.name")
	sweepJobsKey     = attribute.Key("livetranscode.sweep.jobs")
	sweepFullKey     = attribute.Key("livetranscode.sweep.full")
	sweepGetsKey     = attribute.Key("livetranscode.sweep.gets")
	sweepPagesKey    = attribute.Key("livetranscode.sweep.pages")
	sweepFailedKey   = attribute.Key("livetranscode.sweep.failed")
	sweepThrottleKey = attribute.Key("livetranscode.sweep.throttled")
	sweepUnreadKey   = attribute.Key("livetranscode.sweep.unread")
	sweepEventsKey   = attribute.Key("livetranscode.sweep.events")
)

const (
	retryEvent = "livetranscode.retry"
	sweepSpan  = "livetranscode.sweep"
)

// rpcSystem is not among the systems of the semantic conventions, which have gRPC, Dubbo, Connect and JSON-RPC. They
// call the cloud so in cloud.provider.
var rpcSystem = semconv.RPCSystemNameKey.String(semconv.CloudProviderAlibabaCloud.Value.AsString())

// An operation is one of the service's operations at an endpoint, as attributes that are made once.
type operation struct {
	method      string
	callSpan    []trace.SpanStartOption
	attemptSpan []trace.SpanStartOption
	measured    []attribute.KeyValue // of metrics
	outcomes    sync.Map             // metric.MeasurementOption by outcome
}

// An outcome is what tells the measurements of an operation apart. It has few values.
type outcome struct {
	status int    // 0: not measured, or there was no response
	kind   string // of the error; empty if there was none
}

func newOperation(name, host string) *operation {
	server, url := serverAttributes(host)
	o := &operation{method: "ice/" + name}
	o.measured = append([]attribute.KeyValue{rpcSystem, semconv.RPCMethod(o.method)}, server...)
	request := append([]attribute.KeyValue{semconv.HTTPRequestMethodPost, semconv.URLFull(url)}, server...)
	client := trace.WithSpanKind(trace.SpanKindClient)
	o.callSpan = []trace.SpanStartOption{client, trace.WithAttributes(o.measured...)}
	o.attemptSpan = []trace.SpanStartOption{client, trace.WithAttributes(request...)}
	return o
}

// outcome returns the attributes of a measurement.
func (o *operation) outcome(status int, err error) metric.MeasurementOption {
	key := outcome{status, livetranscode.ErrorKind(err)}
	if known, ok := o.outcomes.Load(key); ok {
		return known.(metric.MeasurementOption)
	}
	attrs := slices.Clone(o.measured)
	if status != 0 {
		attrs = append(attrs, semconv.HTTPResponseStatusCode(status))
	}
	if err != nil {
		attrs = append(attrs, errorType(err))
	}
	added, _ := o.outcomes.LoadOrStore(key, metric.WithAttributeSet(attribute.NewSet(attrs...)))
	return added.(metric.MeasurementOption)
}

// serverAttributes returns a host, which may have a port, as attributes, and its URL without the query. A client uses
// http for loopback addresses only, so the scheme and the default port of all others are known.
func serverAttributes(host string) (attrs []attribute.KeyValue, address string) {
	u := url.URL{Host: host, Path: "/"}
	name, port := u.Hostname(), u.Port()
	if !strings.EqualFold(name, "localhost") && !net.ParseIP(name).IsLoopback() {
		u.Scheme, port = "https", cmp.Or(port, "443")
	}
	attrs = []attribute.KeyValue{semconv.ServerAddress(name)}
	if n, err := strconv.Atoi(port); err == nil {
		attrs = append(attrs, semconv.ServerPort(n))
	}
	return attrs, u.String()
}

// errorType returns the kind of an error.
func errorType(err error) attribute.KeyValue {
	return semconv.ErrorTypeKey.String(livetranscode.ErrorKind(err))
}

// resourceIDKey returns what the resource of an operation is: a template or a job.
func resourceIDKey(operation string) attribute.Key {
	if strings.HasSuffix(operation, "Template") {
		return templateIDKey
	}
	return jobIDKey
}

// jobStatus returns the name of a status. Those that package livetranscode has no name for are other.
func jobStatus(s livetranscode.JobStatus) string {
	if s.Known() || s == livetranscode.JobStatusUnknown {
		return s.String()
	}
	return "other"
}
