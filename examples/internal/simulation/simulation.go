// Package simulation is an emulator with traffic, for the examples: jobs appear, start, stop and vanish, and some
// requests fail.
package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// A Simulation changes the jobs of an emulator. The same seed gives the same changes. Jobs that a client submits are
// left alone.
type Simulation struct {
	// Server is the emulator.
	Server *livetranscodetest.Server

	rand    *rand.Rand
	size    int           // number of active jobs to keep up
	period  time.Duration // between two steps
	created int
	active  []string // ids of jobs that have not ended
	stopped []string // ids of jobs that were stopped at the start
}

// New returns a simulation with size jobs, whose emulator has the options.
func New(seed uint64, size int, opts ...livetranscodetest.Option) *Simulation {
	s := &Simulation{
		Server: livetranscodetest.NewServer(opts...),
		rand:   rand.New(rand.NewPCG(seed, 0)),
		size:   size,
		period: max(24*time.Second/time.Duration(size), time.Millisecond),
	}
	for range size {
		created := time.Now().Add(-time.Duration(s.rand.Int64N(int64(3 * time.Hour))))
		switch n := s.rand.IntN(10); {
		case n < 6:
			s.add(livetranscode.JobStatusInProgress, created)
		case n < 9:
			s.add(livetranscode.JobStatusNotStarted, created)
		default:
			s.add(livetranscode.JobStatusStopped, created)
		}
	}
	return s
}

// JobIDs returns the ids of the jobs at the start.
func (s *Simulation) JobIDs() []string { return slices.Concat(s.active, s.stopped) }

// Created returns the number of jobs so far. It must not be called while Run runs.
func (s *Simulation) Created() int { return s.created }

// Run changes jobs until ctx ends, and calls added for each new one.
func (s *Simulation) Run(ctx context.Context, added func(jobIDs ...string)) {
	ticker := time.NewTicker(s.period)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if id := s.Step(); id != "" {
				added(id)
			}
		}
	}
}

// Step changes at most one job. If it adds one, it returns the id.
func (s *Simulation) Step() (added string) {
	if s.rand.Float64() < s.period.Seconds()/15 {
		s.injectFault()
	}
	if len(s.active) < s.size && s.rand.IntN(2) == 0 || len(s.active) == 0 {
		return s.add(livetranscode.JobStatusNotStarted, time.Now())
	}
	i := s.rand.IntN(len(s.active))
	job, _ := s.Server.Job(s.active[i])
	ended := true
	switch n := s.rand.IntN(100); {
	case n < 6:
		s.Server.RemoveJob(job.JobID)
	case job.Status == livetranscode.JobStatusNotStarted:
		ended = false
		s.Server.SetStatus(job.JobID, livetranscode.JobStatusInProgress)
	case n < 40:
		s.Server.SetStatus(job.JobID, livetranscode.JobStatusStopped)
	default:
		ended = false // it continues
	}
	if ended {
		s.active = slices.Delete(s.active, i, i+1)
	}
	return ""
}

// add adds a job and returns its id.
func (s *Simulation) add(status livetranscode.JobStatus, created time.Time) string {
	s.created++
	show, city := pick(s.rand, shows), pick(s.rand, cities)
	name := fmt.Sprintf("%s-%s-%03d", show, city, s.created)
	template := pick(s.rand, templates)
	id := s.Server.AddJob(livetranscode.Job{
		Name:         name,
		JobID:        s.hex(),
		TemplateID:   template.TemplateID,
		TemplateName: template.TemplateName,
		TemplateType: template.TemplateType,
		Status:       status,
		StreamInput: livetranscode.StreamInput{Type: "rtmp", InputURL: fmt.Sprintf(
			"rtmp://ingest:%s@%s/live/%s?auth_key=%s", s.hex()[:8], pick(s.rand, hosts), s.hex()[:16], s.hex())},
		OutputStream: livetranscode.OutputStream{StreamInfos: []livetranscode.StreamInfo{
			{Type: "rtmp", OutputURL: "rtmp://play.example.net/live/" + name},
		}},
		CreateTime: created.UTC().Truncate(time.Second),
	})
	if status == livetranscode.JobStatusStopped {
		s.stopped = append(s.stopped, id)
	} else {
		s.active = append(s.active, id)
	}
	return id
}

// injectFault makes the next request fail.
func (s *Simulation) injectFault() {
	s.Server.Inject(pick(s.rand, []livetranscodetest.Fault{
		{Code: "Throttling.User", RetryAfter: 300 * time.Millisecond},
		{Code: "ServiceUnavailable"},
		{StatusCode: http.StatusBadGateway, Body: "<html>Bad Gateway</html>"},
		{Drop: true},
	}))
}

// hex returns 32 hexadecimal digits, the form of ids.
func (s *Simulation) hex() string { return fmt.Sprintf("%016x%016x", s.rand.Uint64(), s.rand.Uint64()) }

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

var (
	shows = []string{
		"evening-news", "city-council", "matchday", "jazz-night", "chess-open", "opera", "lecture", "cycling", "auction", "marathon",
	}
	cities = []string{"bergen", "cusco", "dakar", "hanoi", "lyon", "osaka", "perth", "quito", "riga", "tunis"}
	hosts  = []string{"ingest-1.example.net", "ingest-2.example.net", "studio.example.com", "arena.example.com", "field.example.org"}

	templates = []livetranscode.Job{
		{TemplateID: "b6491d5b3e514b7d895d14b5453ea119", TemplateName: "hd", TemplateType: livetranscode.TemplateTypeNormal},
		{TemplateID: "2c0f4be83f6a4ac6a7b9a5f02f7d1c3e", TemplateName: "sd", TemplateType: livetranscode.TemplateTypeNormal},
		{TemplateID: "91d2a7c0e5b84f1d8a6c3b2e4f5d6a70", TemplateName: "narrow-hd", TemplateType: livetranscode.TemplateTypeNarrowBand},
		{TemplateID: "47ae09f3c2d14be5b8d1e6f7a0c9b3d2", TemplateName: "audio", TemplateType: livetranscode.TemplateTypeAudioOnly},
	}
)
