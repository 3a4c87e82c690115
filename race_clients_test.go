package livetranscode_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	alibaba "github.com/aliyun/credentials-go/credentials"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// A rotation is a source of credentials that change all the time.
type rotation struct {
	sameID  bool // only secret and token change
	current atomic.Pointer[livetranscode.Credentials]
}

// generation returns the credentials of a generation.
func (r *rotation) generation(n int) livetranscode.Credentials {
	creds := livetranscode.Credentials{
		AccessKeyID: fmt.Sprint("STS.id-", n), AccessKeySecret: fmt.Sprint("secret-", n), SecurityToken: fmt.Sprint("token-", n),
	}
	if r.sameID {
		creds.AccessKeyID = "STS.id"
	}
	return creds
}

// TestRotatingCredentials: 64 callers of one client, while the credentials change under them. The server checks
// for real that id, secret and token belong together: a mixture is SignatureDoesNotMatch, or a token that does
// not match its key.
func TestRotatingCredentials(t *testing.T) {
	t.Parallel()
	for _, refused := range []bool{false, true} { // whether the credentials of before are refused at once
		for name, provider := range map[string]func(*rotation) livetranscode.CredentialsProvider{
			"function": func(r *rotation) livetranscode.CredentialsProvider {
				return livetranscode.CredentialsFunc(func(context.Context) (livetranscode.Credentials, error) { return *r.current.Load(), nil })
			},
			"credential": func(r *rotation) livetranscode.CredentialsProvider {
				return livetranscode.FromCredential(canaryCredential{get: func() (*alibaba.CredentialModel, error) {
					c := *r.current.Load()
					return &alibaba.CredentialModel{AccessKeyId: &c.AccessKeyID, AccessKeySecret: &c.AccessKeySecret, SecurityToken: &c.SecurityToken}, nil
				}})
			},
		} {
			t.Run(fmt.Sprintf("%s, refused %t", name, refused), func(t *testing.T) {
				t.Parallel()
				testRotation(t, refused, provider)
			})
		}
	}
}

func testRotation(t *testing.T, refused bool, provider func(*rotation) livetranscode.CredentialsProvider) {
	const callers, calls = 64, 20
	r := &rotation{sameID: refused} // another id is not worth a second try, another token is
	accepted := []livetranscode.Credentials{r.generation(0)}
	r.current.Store(&accepted[0])
	srv := livetranscodetest.NewServer(livetranscodetest.WithCredentials(accepted[0]))
	id := srv.AddJob(livetranscode.Job{Status: livetranscode.JobStatusInProgress})
	tcp := httptest.NewServer(srv)
	t.Cleanup(tcp.Close)
	client, err := livetranscode.NewClient(livetranscode.WithEndpoint(tcp.URL), livetranscode.WithCredentials(provider(r)),
		livetranscode.WithRetryPolicy(livetranscode.RetryPolicy{BaseDelay: 1}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)

	var (
		workers  sync.WaitGroup
		finished atomic.Int64
		turning  sync.Mutex
	)
	turn := func() {
		turning.Lock()
		defer turning.Unlock()
		creds := r.generation(int(finished.Load()))
		if refused { // at once, and what is in flight too
			r.current.Store(&creds)
			srv.SetCredentials(creds)
			return
		}
		accepted = append(accepted, creds)
		srv.SetCredentials(accepted...)
		r.current.Store(&creds)
	}
	for range callers {
		workers.Go(func() {
			for range calls {
				resp, err := client.GetLiveTranscodeJob(t.Context(), id)
				var api *livetranscode.APIError
				switch {
				case err == nil && resp.Job.JobID == id:
				case refused && errors.As(err, &api) && strings.HasPrefix(api.Code, "InvalidSecurityToken."): // twice in one call
				default:
					t.Errorf("the error is %v", err)
				}
				if finished.Add(1)%150 == 0 {
					turn()
				}
			}
		})
	}
	workers.Wait()
	seen := make(map[string]int)
	for _, call := range srv.Calls() {
		seen[call.Code]++
	}
	for code := range seen {
		if code != "" && (!refused || !strings.HasPrefix(code, "InvalidSecurityToken.")) {
			t.Errorf("the server answered %s %d times", code, seen[code])
		}
	}
	if seen[""] < callers*calls/2 {
		t.Errorf("of %d calls only %d succeeded", callers*calls, seen[""])
	}
	if refused && len(seen) < 2 {
		t.Error("nothing was refused")
	}
}
