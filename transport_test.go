package livetranscode

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"
)

// TestConnectionsAreKept checks that as many idle connections are kept as there are concurrent callers.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	const callers, rounds = 64, 8
	var gates [rounds]chan struct{} // closed when every caller has its request of the round in flight
	for i := range gates {
		gates[i] = make(chan struct{})
	}
	s := newRawServer(t, func(n int, _ string) (string, connectionEnd) {
		gate := gates[n/callers]
		if (n+1)%callers == 0 {
			close(gate)
		}
		<-gate
		return rawResponse(200, documentedJob), keepOpen
	})
	c := s.client(t, attempts(1))
	for range rounds { // between rounds all connections are idle at once
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				if err := getJob(t.Context(), c); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	if _, conns := s.seen(); conns != callers {
		t.Errorf("%d callers opened %d connections", callers, conns)
	}
}

// TestSubmitOnTheWire checks that the errors and traces of net/http's transport decide whether a Submit is retried.
func TestSubmitOnTheWire(t *testing.T) {
	t.Parallel()
	submitted := rawResponse(200, `{"RequestId":"r","JobId":"j"}`)
	t.Run("throttled", func(t *testing.T) {
		t.Parallel()
		s := newRawServer(t, func(n int, _ string) (string, connectionEnd) {
			if n == 0 {
				return rawResponse(400, errorBodyJSON("Throttling.User", "m"), "x-acs-retry-after", "1"), keepOpen
			}
			return submitted, keepOpen
		})
		if err := submitJob(t.Context(), s.client(t)); err != nil {
			t.Error(err)
		}
		if heads, conns := s.seen(); len(heads) != 2 || conns != 2 {
			t.Errorf("%d requests arrived on %d connections, want 2 on 2", len(heads), conns)
		}
	})
	t.Run("canceled while dialing", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			cancel() // net/http does not cancel the context of the dial
			return nil, errors.New("the dial comes too late")
		}}
		err := submitJob(ctx, clientOver(t, transport))
		if !errors.Is(err, context.Canceled) || errors.Is(err, ErrAmbiguous) {
			t.Errorf("the error is %v, want one that is not ambiguous", err)
		}
	})
	t.Run("canceled after the write", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		s := newRawServer(t, func(int, string) (string, connectionEnd) { cancel(); return "", stallConn })
		err := submitJob(ctx, s.client(t))
		if !errors.Is(err, context.Canceled) || !errors.Is(err, ErrAmbiguous) {
			t.Errorf("the error is %v, want context.Canceled and ErrAmbiguous", err)
		}
		s.wantRequests(t, 1)
	})
	// net/http resends a POST on a connection that the server closed while it was idle, but only if nothing of it was
	// written.
	t.Run("closed while idle", func(t *testing.T) {
		t.Parallel()
		s := newRawServer(t, func(n int, _ string) (string, connectionEnd) {
			if n == 1 {
				return "", closeConn
			}
			return submitted, keepOpen
		})
		c := s.client(t)
		if err := submitJob(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if err := submitJob(t.Context(), c); !errors.Is(err, ErrAmbiguous) {
			t.Errorf("the error is %v, want ErrAmbiguous", err)
		}
		s.wantRequests(t, 2)
	})
}

// TestIdleConnectionIsReset resets the connection of an earlier call while it is idle. Whether the next call notices in
// time is a race. Either way it must succeed, or be an ambiguous Submit that is not retried.
func TestIdleConnectionIsReset(t *testing.T) {
	t.Parallel()
	for _, op := range faultOperations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			for range 20 {
				s := newRawServer(t, func(n int, _ string) (string, connectionEnd) {
					if n == 0 {
						return rawResponse(200, anySuccess), resetConn
					}
					return rawResponse(200, anySuccess), keepOpen
				})
				var conns connCounter
				c := s.client(t, WithHTTPClient(&http.Client{Transport: conns.transport(nil)}), WithRetryPolicy(RetryPolicy{BaseDelay: 1}))
				if err := getJob(t.Context(), c); err != nil && !errors.Is(err, ErrBadResponse) {
					t.Fatal(err) // the reset may overtake the response
				}
				before, _ := s.seen()
				err := op.call(t.Context(), c)
				heads, _ := s.seen()
				switch {
				case err == nil:
				case !op.idempotent && errors.Is(err, ErrAmbiguous) && errors.Is(err, ErrUnavailable):
				default:
					t.Errorf("the error is %v", err)
				}
				if len(heads)-len(before) > 1 {
					t.Errorf("%d requests arrived", len(heads)-len(before))
				}
				conns.wantNoneOpen(t, c)
				s.close()
			}
		})
	}
}
