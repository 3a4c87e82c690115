package livetranscodetest

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

// The credentials that a server accepts without WithCredentials.
const (
	defaultKeyID     = "emulator-key-id"
	defaultKeySecret = "emulator-key-secret"
)

// Server is an emulator of the live transcoding service. [Server.Client] and [Server.Transport] use it in memory; over
// TCP it is an [http.Handler]. All methods are safe for concurrent use. Create one with [NewServer]: the zero value is
// not usable. A Server needs no closing.
//
// A Server prints without its secrets, whatever the format.
type Server struct {
	startDelay, visibilityDelay time.Duration
	strictCommands              bool

	mu          sync.Mutex // guards everything below
	accepted    []key
	clockOffset time.Duration
	nonces      nonceLog
	faults      []*fault
	calls       callLog
	jobs        jobStore
	templates   templateStore
}

// key holds credentials in a function: a printed copy of the Server shows an address instead of a secret.
type key func() livetranscode.Credentials

// Option configures a Server. A nil Option is ignored.
type Option func(*Server)

// WithCredentials adds credentials that the server accepts; it can be repeated. A key with a SecurityToken is accepted
// only with that token. Defaults to one fixed access key, which [Server.Credentials] returns.
func WithCredentials(c livetranscode.Credentials) Option {
	return func(s *Server) { s.accepted = append(s.accepted, newKey(c)) }
}

// WithStartDelay sets the time from the submission of an immediate job until it is in progress. Defaults to 0: the
// first response that shows the job has it in progress.
func WithStartDelay(d time.Duration) Option { return func(s *Server) { s.startDelay = d } }

// WithVisibilityDelay hides a submitted job from GetLiveTranscodeJob and ListLiveTranscodeJobs until d after its
// submission, as a replica or an index that lags does. The other operations, [Server.Job] and [Server.Jobs] see
// the job at once, and so do all for a job added by [Server.AddJob]. Defaults to 0: jobs are visible at once.
func WithVisibilityDelay(d time.Duration) Option {
	return func(s *Server) { s.visibilityDelay = d }
}

// WithStrictCommands makes a stop of a job that is not in progress fail with 403 OperationDenied, as a related service
// does for a job in the wrong state. Defaults to accepting a stop in every state.
func WithStrictCommands() Option { return func(s *Server) { s.strictCommands = true } }

// WithClockOffset sets the server's clock ahead of the machine's by d, or behind it if d is negative; see
// [Server.SetClockOffset]. Defaults to 0.
func WithClockOffset(d time.Duration) Option { return func(s *Server) { s.clockOffset = d } }

// NewServer returns a server without jobs and templates.
func NewServer(opts ...Option) *Server {
	s := &Server{nonces: newNonceLog(), jobs: newJobStore()}
	for _, opt := range opts {
		if opt != nil {
			opt(s)
		}
	}
	if len(s.accepted) == 0 {
		s.accepted = []key{newKey(livetranscode.Credentials{AccessKeyID: defaultKeyID, AccessKeySecret: defaultKeySecret})}
	}
	return s
}

func newKey(c livetranscode.Credentials) key {
	return func() livetranscode.Credentials { return c }
}

// Credentials returns the first credentials that the server accepts; the zero value if it accepts none.
func (s *Server) Credentials() livetranscode.Credentials {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.accepted) == 0 {
		return livetranscode.Credentials{}
	}
	return s.accepted[0]()
}

// SetCredentials replaces the credentials that the server accepts, starting with the next request: tests rotate or
// revoke keys with it. Without an argument, the server refuses every request.
func (s *Server) SetCredentials(c ...livetranscode.Credentials) {
	keys := make([]key, len(c))
	for i := range c {
		keys[i] = newKey(c[i])
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted = keys
}

// SetClockOffset sets the server's clock ahead of the machine's by d, or behind it if d is negative. That clock checks
// the timestamps of requests, dates responses, and starts and ends jobs.
func (s *Server) SetClockOffset(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clockOffset = d
}

// Client returns a new client of the server that needs no network. It signs with the current [Server.Credentials]; a
// later [Server.SetCredentials] does not change it. opts are applied after the server's own options and so override
// them. Client panics if [livetranscode.NewClient] returns an error.
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

// Format implements [fmt.Formatter]. It prints only the name of the type, whatever the verb.
func (s *Server) Format(f fmt.State, _ rune) { fmt.Fprint(f, "livetranscodetest.Server") }

// now returns the time of the server's clock. The caller holds the lock.
func (s *Server) now() time.Time { return time.Now().Add(s.clockOffset).UTC() }
