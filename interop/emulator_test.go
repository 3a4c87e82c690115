package interop

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

var (
	static    = livetranscode.Credentials{AccessKeyID: "key-id", AccessKeySecret: "key/secret+="}
	temporary = livetranscode.Credentials{AccessKeyID: "STS.key-id", AccessKeySecret: "key/secret+=", SecurityToken: "CAIS+token/=="}
)

// Alibaba's client can execute every operation on the emulator.
func TestAlibabaCallsEmulator(t *testing.T) {
	t.Parallel()
	for name, creds := range map[string]livetranscode.Credentials{"static": static, "temporary": temporary} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			emulator := livetranscodetest.NewServer(livetranscodetest.WithCredentials(creds))
			srv := httptest.NewServer(emulator)
			defer srv.Close()
			s := session{t, newSDK(t, srv, creds, nil)}
			s.templates()
			s.jobs()

			succeeded := map[string]bool{}
			for _, call := range emulator.Calls() {
				if call.StatusCode == http.StatusOK {
					succeeded[call.Operation] = true
				}
			}
			if got := slices.Sorted(maps.Keys(succeeded)); !slices.Equal(got, operations()) {
				t.Errorf("the executed operations are %q, want %q", got, operations())
			}
		})
	}
}

var invalidRequests = []struct {
	name    string
	creds   livetranscode.Credentials
	skew    time.Duration       // of x-acs-date
	headers []string            // signed
	ahead   time.Duration       // of the server's clock
	change  func(*http.Request) // after signing
	replay  bool                // each request is sent twice
	calls   int                 // 0 means one
	want    string
}{
	{name: "valid", creds: static, calls: 2},
	{name: "date within the limit", creds: static, skew: -14 * time.Minute},
	{name: "old date", creds: static, skew: -16 * time.Minute, want: "InvalidTimeStamp.Expired"},
	{name: "future date", creds: static, skew: 16 * time.Minute, want: "InvalidTimeStamp.Expired"},
	{name: "server's clock", creds: static, ahead: 16 * time.Minute, want: "InvalidTimeStamp.Expired"},
	{name: "replay", creds: static, replay: true, want: "SignatureNonceUsed"},
	{
		name: "nonce in a new signature", creds: static, want: "SignatureNonceUsed",
		headers: []string{"x-acs-signature-nonce", "nonce"}, calls: 2,
	},
	{name: "wrong secret", creds: withSecret("wrong"), want: "SignatureDoesNotMatch"},
	{
		name: "value altered in transit", creds: static, want: "SignatureDoesNotMatch",
		change: func(r *http.Request) { r.URL.RawQuery = "PageSize=11" },
	},
	{
		name: "operation altered in transit", creds: static, want: "SignatureDoesNotMatch",
		change: func(r *http.Request) { r.Header["x-acs-action"] = []string{"ListLiveTranscodeTemplates"} },
	},
}

func withSecret(secret string) livetranscode.Credentials {
	return livetranscode.Credentials{AccessKeyID: static.AccessKeyID, AccessKeySecret: secret}
}

// The emulator refuses invalid requests of Alibaba's client.
func TestEmulatorRefusesAlibaba(t *testing.T) {
	t.Parallel()
	for _, tt := range invalidRequests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(livetranscodetest.NewServer(
				livetranscodetest.WithCredentials(static), livetranscodetest.WithClockOffset(tt.ahead),
			))
			defer srv.Close()
			client := newSDK(t, srv, tt.creds, func(req *http.Request) (*http.Response, error) {
				if tt.change != nil {
					tt.change(req)
				}
				resp, err := srv.Client().Do(req)
				if err == nil && tt.replay {
					resp.Body.Close()
					resp, err = srv.Client().Do(req)
				}
				return resp, err
			})
			for i := range max(1, tt.calls) {
				want := tt.want
				if i < tt.calls-1 {
					want = "" // only the last call is refused
				}
				headers := tt.headers
				if tt.skew != 0 {
					headers = []string{"x-acs-date", wireTime(tt.skew)}
				}
				_, err := client.call("ListLiveTranscodeJobs", parameters{"PageSize": int32(10)}, headers...)
				if codeOf(err) != want || (want == "" && err != nil) {
					t.Errorf("call %d: %v, want %q", i, err, want)
				}
			}
		})
	}
}

// wireTime formats the time in from now as the service writes times.
func wireTime(in time.Duration) string {
	return time.Now().Add(in).UTC().Format("2006-01-02T15:04:05Z")
}
