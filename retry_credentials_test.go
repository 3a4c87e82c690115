package livetranscode

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
)

// TestNonceUsed checks that a nonce that was used is replaced, once a call.
func TestNonceUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rt := newScript(respondError(400, "SignatureNonceUsed"))
		wantKind(t, getJob(t.Context(), clientOver(t, rt, attempts(9))), ErrAuthentication)
		seen := rt.requests(t)
		if len(seen) != 2 || seen[0].header.Get("x-acs-signature-nonce") == seen[1].header.Get("x-acs-signature-nonce") {
			t.Errorf("%d requests were sent, want 2 with two nonces", len(seen))
		}
	})
}

// A changingProvider returns the next credentials each time, the last one repeatedly, and records the refused ones.
type changingProvider struct {
	all   []Credentials
	asked int
	told  []Credentials
}

func (p *changingProvider) Credentials(context.Context) (Credentials, error) {
	p.asked++
	return p.all[min(p.asked, len(p.all))-1], nil
}

func (p *changingProvider) refused(c Credentials) { p.told = append(p.told, c) }

// TestStaticCredentialsAreNotRetried checks that refused credentials that cannot change cause no retry, and that the
// error does not mention a provider.
func TestStaticCredentialsAreNotRetried(t *testing.T) {
	t.Parallel()
	var r hookRecorder
	rt := newScript(respondError(404, "InvalidAccessKeyId.NotFound"))
	err := getJob(t.Context(), clientOver(t, rt, WithHooks(r.hooks(t, "a"))))
	if len(r.attempts) != 1 || r.attempts[0].Retry || strings.Contains(err.Error(), "provider") {
		t.Errorf("%d attempts; the error is %v", len(r.attempts), err)
	}
	wantKind(t, err, ErrAuthentication)
}

func TestRefusedCredentials(t *testing.T) {
	t.Parallel()
	session := func(n int) Credentials {
		return Credentials{AccessKeyID: fmt.Sprint("STS.", n), AccessKeySecret: fmt.Sprint("secret-", n), SecurityToken: fmt.Sprint("token-", n)}
	}
	key := Credentials{AccessKeyID: "id", AccessKeySecret: "secret"}
	lost := Credentials{AccessKeyID: "STS.lost", AccessKeySecret: "secret"} // its token is missing
	expired := respondError(403, "InvalidSecurityToken.Expired")
	for name, tt := range map[string]struct {
		creds    []Credentials
		steps    []step
		requests int
		asked    int
		told     int
		fails    bool
	}{
		"others":               {[]Credentials{session(1), session(2)}, []step{expired, success}, 2, 2, 1, false},
		"malformed":            {[]Credentials{session(1), session(2)}, []step{respondError(400, "InvalidSecurityToken.Malformed"), success}, 2, 2, 1, false},
		"mismatch":             {[]Credentials{session(1), session(2)}, []step{respondError(400, "InvalidSecurityToken.MismatchWithAccessKey"), success}, 2, 2, 1, false},
		"missing":              {[]Credentials{lost, session(2)}, []step{respondError(400, "MissingSecurityToken"), success}, 2, 2, 1, false},
		"permanent instead":    {[]Credentials{session(1), key}, []step{expired, success}, 2, 2, 1, false},
		"the same":             {[]Credentials{session(1)}, []step{expired, success}, 1, 2, 1, true},
		"permanent":            {[]Credentials{key, session(2)}, []step{expired, success}, 2, 2, 1, false},
		"a rotated key":        {[]Credentials{key, {AccessKeyID: "id-2", AccessKeySecret: "secret-2"}}, []step{respondError(404, "InvalidAccessKeyId.NotFound"), success}, 2, 2, 1, false},
		"a rotated secret":     {[]Credentials{key, {AccessKeyID: "id", AccessKeySecret: "secret-2"}}, []step{respondError(400, "SignatureDoesNotMatch"), success}, 2, 2, 1, false},
		"the same key":         {[]Credentials{key}, []step{respondError(404, "InvalidAccessKeyId.NotFound"), success}, 1, 2, 1, true},
		"once":                 {[]Credentials{session(1), session(2), session(3)}, []step{expired, expired, success}, 2, 2, 2, true},
		"key not found":        {[]Credentials{session(1), session(2)}, []step{respondError(404, "InvalidAccessKeyId.NotFound"), success}, 2, 2, 1, false},
		"key inactive":         {[]Credentials{key, session(2)}, []step{respondError(400, "InvalidAccessKeyId.Inactive"), success}, 2, 2, 1, false},
		"key disabled":         {[]Credentials{key, session(2)}, []step{respondError(403, "Forbidden.AccessKeyDisabled"), success}, 2, 2, 1, false},
		"incomplete":           {[]Credentials{key, session(2)}, []step{respondError(400, "IncompleteSignature"), success}, 1, 1, 0, true},
		"forbidden":            {[]Credentials{session(1), session(2)}, []step{respondError(403, "Forbidden.RAM"), success}, 1, 1, 0, true},
		"throttled":            {[]Credentials{session(1)}, []step{respondError(400, "Throttling"), success}, 2, 2, 0, false},
		"then a server error":  {[]Credentials{session(1), session(2)}, []step{expired, respondError(503, ""), success}, 3, 3, 1, false},
		"after a server error": {[]Credentials{session(1), session(1), session(2)}, []step{respondError(503, ""), expired, success}, 3, 3, 1, false},
		"the refused return":   {[]Credentials{session(1), session(2), session(1)}, []step{expired, respondError(503, ""), success}, 2, 3, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rt, p := newScript(tt.steps...), &changingProvider{all: tt.creds}
				err := getJob(t.Context(), clientOver(t, rt, WithCredentials(p)))
				if (err != nil) != tt.fails {
					t.Errorf("the error is %v", err)
				}
				rt.wantRequests(t, tt.requests)
				if p.asked != tt.asked {
					t.Errorf("the provider was asked %d times, want %d", p.asked, tt.asked)
				}
				if len(p.told) != tt.told {
					t.Errorf("the provider was told of %d refusals, want %d", len(p.told), tt.told)
				}
				if len(p.told) > 0 && p.told[0] != tt.creds[0] {
					t.Errorf("the provider was told of %v", p.told[0])
				}
				if err == nil {
					return
				}
				wantOneLine(t, err)
				api, ok := errors.AsType[*APIError](err)
				if !ok || api.RequestID == "" || api.Attempts != tt.requests {
					t.Errorf("the error is %#v, want the service's after %d attempts", err, tt.requests)
				}
				wantNone(t, err.Error(), "secret-1", "token-1", "secret-2", "token-2")
			})
		})
	}
}
