package livetranscodetest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func TestCalls(t *testing.T) {
	t.Parallel()
	const token, secret = "the-token", "the-secret"
	srv := livetranscodetest.NewServer(livetranscodetest.WithCredentials(
		livetranscode.Credentials{AccessKeyID: "id", AccessKeySecret: secret, SecurityToken: token}))
	c := call{
		creds:  livetranscode.Credentials{AccessKeyID: "id", AccessKeySecret: secret, SecurityToken: token},
		params: []string{"JobId", "j", "SecurityToken", token}, header: http.Header{"User-Agent": {"ua/1"}},
	}
	r := send(t, srv.Transport(), c.sign(t))
	c.action, c.params = "NoSuchAction", nil
	send(t, srv.Transport(), c.sign(t))

	calls := srv.Calls()
	if len(calls) != 2 {
		t.Fatal(calls)
	}
	if calls[0].Time.IsZero() {
		t.Error("a call without a time")
	}
	want := livetranscodetest.Call{
		Operation: "GetLiveTranscodeJob", Query: map[string][]string{"JobId": {"j"}}, Time: calls[0].Time, StatusCode: 404,
		Code: "JobNotFound", RequestID: r.RequestID, UserAgent: "ua/1", AccessKeyID: "id",
	}
	if diff := cmp.Diff(want, calls[0]); diff != "" {
		t.Error(diff)
	}
	if calls[1].Operation != "NoSuchAction" || calls[1].Code != "InvalidAction.NotFound" {
		t.Error(calls[1])
	}
	calls[0].Query.Set("JobId", "changed")
	if got := srv.Calls()[0].Query.Get("JobId"); got != "j" {
		t.Error("Calls returns the server's own memory")
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, text := range []string{fmt.Sprintf(verb, srv), fmt.Sprintf(verb, struct{ s *livetranscodetest.Server }{srv}), fmt.Sprintf(verb, srv.Calls())} {
			if strings.Contains(text, token) || strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
				t.Errorf("%s shows a secret: %s", verb, text)
			}
		}
	}
	srv.ResetCalls()
	if n := len(srv.Calls()); n != 0 {
		t.Errorf("%d calls after ResetCalls", n)
	}
}

func TestCallsKeepsLast10000(t *testing.T) {
	t.Parallel()
	srv := livetranscodetest.NewServer()
	const n = 10_000
	for i := range n + 7 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("%s/?i=%d", endpoint, i), nil)
		if err != nil {
			t.Fatal(err)
		}
		send(t, srv.Transport(), req)
	}
	calls := srv.Calls()
	if len(calls) != n {
		t.Fatalf("%d calls", len(calls))
	}
	for i, c := range calls {
		if c.Query.Get("i") != fmt.Sprint(i+7) {
			t.Fatalf("call %d has i=%s", i, c.Query.Get("i"))
		}
	}
}
