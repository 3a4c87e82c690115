package livetranscodeotel

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/livetranscode/livetranscode-go"
)

// Watch measures a watcher until stop is called. It reads [livetranscode.Watcher.Stats] whenever metrics are collected,
// whether the watcher is ranged over or not. A nil watcher is an error.
func Watch(w *livetranscode.Watcher, opts ...Option) (stop func() error, err error) {
	if w == nil {
		return nil, errors.New("livetranscodeotel: Watch: the watcher is nil")
	}
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	meter := c.meter()
	jobs, err1 := meter.Int64ObservableUpDownCounter("livetranscode.watcher.jobs", metric.WithUnit("{job}"),
		metric.WithDescription("Number of watched jobs, by the status that was read last."))
	pending, err2 := meter.Int64ObservableUpDownCounter("livetranscode.watcher.pending", metric.WithUnit("{event}"),
		metric.WithDescription("Number of events that are not delivered yet."))
	oldest, err3 := meter.Float64ObservableGauge("livetranscode.watcher.oldest_poll", metric.WithUnit("s"),
		metric.WithDescription("Time since the job that was polled least recently was polled; with AddAll at least the time since List responded."))
	oldestPending, err4 := meter.Float64ObservableGauge("livetranscode.watcher.oldest_pending", metric.WithUnit("s"),
		metric.WithDescription("Time for which the oldest undelivered event has been waiting, 0 if there is none."))
	if err = errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	registration, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		stats, watcher := w.Stats(), metric.WithAttributes(c.watcher...)
		for status, n := range jobsByStatus(stats) {
			o.ObserveInt64(jobs, n, watcher, metric.WithAttributes(jobStatusKey.String(status)))
		}
		o.ObserveInt64(pending, int64(stats.Pending), watcher)
		o.ObserveFloat64(oldest, time.Since(stats.OldestPoll).Seconds(), watcher)
		waiting := time.Duration(0)
		if !stats.OldestPending.IsZero() {
			waiting = time.Since(stats.OldestPending)
		}
		o.ObserveFloat64(oldestPending, waiting.Seconds(), watcher)
		return nil
	}, jobs, pending, oldest, oldestPending)
	if err != nil {
		return nil, err
	}
	return registration.Unregister, nil
}

// jobsByStatus counts the jobs by the name of their status. Each known status has a count, so that no series ends.
func jobsByStatus(stats livetranscode.WatcherStats) map[string]int64 {
	counts := make(map[string]int64)
	for s := livetranscode.JobStatusUnknown; s <= livetranscode.JobStatusStopped; s++ {
		counts[jobStatus(s)] = 0
	}
	for s, n := range stats.Jobs {
		counts[jobStatus(s)] += int64(n)
	}
	return counts
}
