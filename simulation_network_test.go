package livetranscode_test

import (
	"context"
	"net/http"
	"time"
)

// roundTrip is the network between the Watcher and the emulator.
func (s *simulation) roundTrip(req *http.Request) (*http.Response, error) {
	s.requestsInFlight.Add(1)
	defer s.requestsInFlight.Add(-1)
	var out, back time.Duration
	s.locked(func() {
		s.count(req)
		if l := s.phase.latency; l > 0 && s.netRNG.IntN(2) == 0 {
			out, back = time.Duration(s.netRNG.Int64N(int64(l))), time.Duration(s.netRNG.Int64N(int64(l)))
		}
	})
	if err := pause(req.Context(), out); err != nil {
		return nil, err
	}
	list := req.Header.Get("X-Acs-Action") == "ListLiveTranscodeJobs"
	s.changeInFlight(true, list)
	resp, err := s.srv.Transport().RoundTrip(req)
	s.changeInFlight(false, list)
	if late := pause(req.Context(), back); err == nil && late != nil {
		resp.Body.Close()
		return nil, late
	}
	if err == nil && (resp.StatusCode == http.StatusOK || resp.Header.Get("Content-Type") == "application/json;charset=utf-8") {
		s.locked(func() { s.answered = time.Now() })
	}
	return resp, err
}

func pause(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// changeInFlight changes jobs, and injects faults, while a request is in flight: more often for a List, whose many
// jobs may change, or be removed and added again, before it arrives.
func (s *simulation) changeInFlight(out, list bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	faultless := 1 - s.phase.inFlight
	if list {
		faultless /= 4
	}
	for s.phase.inFlight > 0 && s.netRNG.Float64() > faultless {
		s.counts["changed in flight"]++
		if j := s.pick(); list && !out && j.watched && j.active() {
			s.readd(j)
		} else {
			s.step()
		}
	}
	if out && s.netRNG.Float64() < s.phase.fails {
		s.srv.Inject(s.phase.faults[s.netRNG.IntN(len(s.phase.faults))])
	}
}
