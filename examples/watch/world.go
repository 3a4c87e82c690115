package main

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

// A world is an emulator in which something happens: jobs come, start, stop and vanish, and now and then the
// service stumbles. The same seed makes the same world.
type world struct {
	srv    *livetranscodetest.Server
	rand   *rand.Rand
	size   int           // how many jobs there are to be
	period time.Duration // between two steps
	made   int
	alive  []string // those that have not ended
	ended  []string // at the start
}

func newWorld(seed uint64, size int) *world {
	w := &world{
		srv:    livetranscodetest.NewServer(),
		rand:   rand.New(rand.NewPCG(seed, 0)),
		size:   size,
		period: max(24*time.Second/time.Duration(size), time.Millisecond),
	}
	for range size {
		created := time.Now().Add(-time.Duration(w.rand.Int64N(int64(3 * time.Hour))))
		switch n := w.rand.IntN(10); {
		case n < 6:
			w.add(livetranscode.JobStatusInProgress, created)
		case n < 9:
			w.add(livetranscode.JobStatusNotStarted, created)
		default:
			w.add(livetranscode.JobStatusStopped, created)
		}
	}
	return w
}

// jobIDs returns the jobs that the world began with.
func (w *world) jobIDs() []string { return slices.Concat(w.alive, w.ended) }

// run makes things happen until ctx ends, and tells added of each new job.
func (w *world) run(ctx context.Context, added func(jobIDs ...string)) {
	ticker := time.NewTicker(w.period)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if id := w.step(); id != "" {
				added(id)
			}
		}
	}
}

// step makes one thing happen, or none. It returns the id of a job that came.
func (w *world) step() (added string) {
	if w.rand.Float64() < w.period.Seconds()/15 {
		w.stumble()
	}
	if len(w.alive) < w.size && w.rand.IntN(2) == 0 || len(w.alive) == 0 {
		return w.add(livetranscode.JobStatusNotStarted, time.Now())
	}
	i := w.rand.IntN(len(w.alive))
	job, _ := w.srv.Job(w.alive[i])
	over := true
	switch n := w.rand.IntN(100); {
	case n < 6:
		w.srv.RemoveJob(job.JobID)
	case job.Status == livetranscode.JobStatusNotStarted:
		over = false
		w.srv.SetStatus(job.JobID, livetranscode.JobStatusInProgress)
	case n < 40:
		w.srv.SetStatus(job.JobID, livetranscode.JobStatusStopped)
	default:
		over = false // it goes on
	}
	if over {
		w.alive = slices.Delete(w.alive, i, i+1)
	}
	return ""
}

// add adds a job and returns its id.
func (w *world) add(status livetranscode.JobStatus, created time.Time) string {
	w.made++
	event, city := pick(w.rand, events), pick(w.rand, cities)
	name := fmt.Sprintf("%s-%s-%03d", event, city, w.made)
	template := pick(w.rand, templates)
	id := w.srv.AddJob(livetranscode.Job{
		Name:         name,
		JobID:        w.hex(),
		TemplateID:   template.TemplateID,
		TemplateName: template.TemplateName,
		TemplateType: template.TemplateType,
		Status:       status,
		StreamInput: livetranscode.StreamInput{Type: "rtmp", InputURL: fmt.Sprintf(
			"rtmp://ingest:%s@in-%d.example.net/%s/%s?auth_key=%s", w.hex()[:8], 1+w.rand.IntN(4), event, w.hex()[:16], w.hex())},
		OutputStream: livetranscode.OutputStream{StreamInfos: []livetranscode.StreamInfo{
			{Type: "rtmp", OutputURL: "rtmp://play.example.net/live/" + name},
		}},
		CreateTime: created.UTC().Truncate(time.Second),
	})
	if status == livetranscode.JobStatusStopped {
		w.ended = append(w.ended, id)
	} else {
		w.alive = append(w.alive, id)
	}
	return id
}

// stumble makes the next request fail, as the best of services do.
func (w *world) stumble() {
	w.srv.Inject(pick(w.rand, []livetranscodetest.Fault{
		{Code: "Throttling.User", RetryAfter: 300 * time.Millisecond},
		{Code: "ServiceUnavailable"},
		{StatusCode: http.StatusBadGateway, Body: "<html>Bad Gateway</html>"},
		{Drop: true},
	}))
}

// hex returns 32 hexadecimal digits, as ids have.
func (w *world) hex() string { return fmt.Sprintf("%016x%016x", w.rand.Uint64(), w.rand.Uint64()) }

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

var (
	events = []string{"football", "concert", "news", "chess", "theatre", "lecture", "cycling", "auction"}
	cities = []string{"bergen", "cusco", "dakar", "hanoi", "lyon", "osaka", "perth", "quito", "riga", "tunis"}

	templates = []livetranscode.Job{
		{TemplateID: "b6491d5b3e514b7d895d14b5453ea119", TemplateName: "hd", TemplateType: livetranscode.TemplateTypeNormal},
		{TemplateID: "2c0f4be83f6a4ac6a7b9a5f02f7d1c3e", TemplateName: "sd", TemplateType: livetranscode.TemplateTypeNormal},
		{TemplateID: "91d2a7c0e5b84f1d8a6c3b2e4f5d6a70", TemplateName: "narrow-hd", TemplateType: livetranscode.TemplateTypeNarrowBand},
		{TemplateID: "47ae09f3c2d14be5b8d1e6f7a0c9b3d2", TemplateName: "sound", TemplateType: livetranscode.TemplateTypeAudioOnly},
	}
)
