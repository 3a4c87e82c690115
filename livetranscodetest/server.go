package livetranscodetest

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

// The key pair that is accepted when WithCredentials is not used.
const (
	defaultKeyID     = "emulator-key-id"
	defaultKeySecret = "emulator-key-secret"
)

// Server is an emulator of the live transcoding service. It is an http.Handler; where no port is wanted, use
// [Server.Client] or [Server.Transport]. All methods are safe for concurrent use. A Server holds no
// resources: there is nothing to close. Make one with NewServer; the zero value is not usable.
//
// However it is printed, a Server shows no secret.
type Server struct {
	startDelay, visibilityDelay time.Duration

	mu          sync.Mutex // guards everything below
	accepted    []key
	clockOffset time.Duration
	nonces      nonceLog
	faults      []*Fault
	calls       callLog
	jobs        jobStore
	templates   templateStore
}

// key holds credentials in a function, so that printing a copy of the Server shows an address and no secret.
type key func() livetranscode.Credentials

// Option configures a Server. A nil Option is ignored.
type Option func(*Server)

// WithCredentials adds credentials that the server accepts; it may be given more than once. With a
// SecurityToken, the key is accepted with this token only. If not set, the server accepts one fixed pair,
// which Server.Credentials returns.
func WithCredentials(c livetranscode.Credentials) Option {
	return func(s *Server) { s.accepted = append(s.accepted, keyOf(c)) }
}

// WithStartDelay keeps an immediate job in the state not started until d after it was submitted. If not set,
// an immediate job is in progress from the first look on.
func WithStartDelay(d time.Duration) Option { return func(s *Server) { s.startDelay = d } }

// WithVisibilityDelay hides a submitted job from GetLiveTranscodeJob and ListLiveTranscodeJobs until d after its
// submission, as a replica or an index that lags does. The other operations, [Server.Job] and [Server.Jobs] see
// the job at once, and so do all for a job added by [Server.AddJob]. Defaults to 0: jobs are visible at once.
func WithVisibilityDelay(d time.Duration) Option {
	return func(s *Server) { s.visibilityDelay = d }
}

// WithClockOffset sets the server's clock ahead of the machine's by d, or behind it if d is negative; see
// Server.SetClockOffset. If not set, the two agree.
func WithClockOffset(d time.Duration) Option { return func(s *Server) { s.clockOffset = d } }

// NewServer returns a Server without jobs and templates.
func NewServer(opts ...Option) *Server {
	s := &Server{nonces: newNonceLog(), jobs: newJobStore()}
	for _, opt := range opts {
		if opt != nil {
			opt(s)
		}
	}
	if len(s.accepted) == 0 {
		s.accepted = []key{keyOf(livetranscode.Credentials{AccessKeyID: defaultKeyID, AccessKeySecret: defaultKeySecret})}
	}
	return s
}

func keyOf(c livetranscode.Credentials) key {
	return func() livetranscode.Credentials { return c }
}

// Credentials returns the first of the credentials that the server accepts; the zero value if it accepts none.
func (s *Server) Credentials() livetranscode.Credentials {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.accepted) == 0 {
		return livetranscode.Credentials{}
	}
	return s.accepted[0]()
}

// SetCredentials replaces the credentials that the server accepts, from the next request on: a test rotates
// or revokes keys with it. Without an argument every request is refused.
func (s *Server) SetCredentials(c ...livetranscode.Credentials) {
	keys := make([]key, len(c))
	for i := range c {
		keys[i] = keyOf(c[i])
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted = keys
}

// SetClockOffset sets the server's clock ahead of the machine's by d, or behind it if d is negative. The
// server's clock decides on the timestamps of requests, dates the answers, and starts and ends jobs.
func (s *Server) SetClockOffset(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clockOffset = d
}

// Client returns a new client of the server that needs no network. It signs with what Credentials returns at
// this moment; a later SetCredentials does not reach it. opts are applied after the server's own options, so
// they win. Client panics on an option that livetranscode.NewClient refuses.
func (s *Server) Client(opts ...livetranscode.Option) *livetranscode.Client {
	c := s.Credentials()
	own := []livetranscode.Option{
		livetranscode.WithHTTPClient(&http.Client{Transport: s.Transport()}),
		livetranscode.WithCredentials(livetranscode.StaticCredentials(c.AccessKeyID, c.AccessKeySecret, c.SecurityToken)),
	}
	client, err := livetranscode.NewClient(slices.Concat(own, opts)...)
	if err != nil {
		panic("livetranscodetest: " + err.Error())
	}
	return client
}

// Format implements fmt.Formatter. For every verb it prints the name of the type only.
func (s *Server) Format(f fmt.State, _ rune) { fmt.Fprint(f, "livetranscodetest.Server") }

// now is the server's clock. The caller holds the lock.
func (s *Server) now() time.Time { return time.Now().Add(s.clockOffset).UTC() }
