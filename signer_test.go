package livetranscode

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
)

var (
	signerCreds = Credentials{AccessKeyID: "testid", AccessKeySecret: "testsecret"}
	signerTime  = time.Date(2022, 7, 20, 2, 48, 58, 0, time.UTC)
)

// mustSign signs req and compares the result with the reference.
func mustSign(t testing.TB, s *Signer, req *http.Request, body []byte, creds Credentials) {
	t.Helper()
	mustSignAt(t, s, req, body, creds, signerTime, "nonce-0001")
}

func mustSignAt(t testing.TB, s *Signer, req *http.Request, body []byte, creds Credentials, at time.Time, nonce string) {
	t.Helper()
	if err := s.Sign(req, body, creds, at, nonce); err != nil {
		t.Error(err)
		return
	}
	if got, want := req.Header.Get("Authorization"), referenceAuthorization(t, req, body, creds); got != want {
		t.Errorf("Authorization\n got %s\nwant %s", got, want)
	}
	if got, want := req.Header[acs3.HeaderDate], at.UTC().Format("2006-01-02T15:04:05Z"); len(got) != 1 || got[0] != want {
		t.Errorf("the date of %v is %q, want %s", at, got, want)
	}
}

// TestSignVectors signs the request of the documentation, V1, and others that were verified with Alibaba Cloud's own
// code.
func TestSignVectors(t *testing.T) {
	t.Parallel()
	documented := Credentials{AccessKeyID: "YourAccessKeyId", AccessKeySecret: "YourAccessKeySecret"}
	const ice, version, date = "https://ice.cn-shanghai.aliyuncs.com/", "2020-11-09", "2022-07-20T02:48:58Z"
	for _, test := range []struct {
		name                                  string
		creds                                 Credentials
		address, action, version, date, nonce string
		query, body                           string
		hashed, signature                     string
	}{
		{
			"V1", documented, "https://ecs.cn-shanghai.aliyuncs.com/", "RunInstances", "2014-05-26", "2023-10-26T10:22:32Z", "3156853299f313e23d1673dc12e1703d",
			"RegionId=cn-shanghai&ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd", "",
			"7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259", "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
		},
		{
			"V7", signerCreds, ice, "GetLiveTranscodeJob", version, date, "nonce-0001", "JobId=****20b48fb04483915d4f2cd8ac****", "",
			"e25198655cf3545b2ae4a424d844e6ea6f8f4df794628a2fc98d9fc738c7bc09", "c5e82a3328e5ebe28e50ada00558dbb6bc94cff27ac00b847572e5065471622a",
		},
		{
			"V9", signerCreds, ice, "ListLiveTranscodeJobs", version, date, "nonce-0002", "", "",
			"f00d32a81a4009f9f35967473c8befe913ba17b69358c47161a7d510f43beafe", "6beaa5427a0d65565377c472a23277f8141289d4d3f2006cd0e716a405c6e0e5",
		},
		{
			"V11", signerCreds, ice, "SubmitLiveTranscodeJob", version, date, "nonce-0004",
			`TranscodeOutput={"Type":"LiveCenter","DomainName":"mydomain"}&StreamInput={"Type":"rtmp","InputUrl":"rtmp://mydomain/app/stream1"}` +
				`&TemplateId=****96e8864746a0b6f3****&StartMode=0&Name=task1`, "",
			"99392014dca7d1c8f390b3d8811a1b390c2d4fe3deaa42ae53be79aafb6314a9", "3a8353df4f81d55f9d465dc919485ec90382a2707b67382221eedd425f490b37",
		},
		{
			"V13", signerCreds, ice, "GetLiveTranscodeJob", version, date, "nonce-0006", "", "JobId=J",
			"8c1e81cc0b13fe00a1ded77650fbacc015cdd8794b8a2bb49fe4db78d43f38ad", "6d4046d57ba6caa7416734db55a7b7e4e072d1fdaf39d70a4dceb743ae30eacf",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			req := signable(t, test.address)
			req.URL.RawQuery = test.query
			req.Header = http.Header{acs3.HeaderAction: {test.action}, acs3.HeaderVersion: {test.version}}
			if test.body != "" {
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			at, err := time.Parse(time.RFC3339, test.date)
			if err != nil {
				t.Fatal(err)
			}
			mustSignAt(t, new(Signer), req, []byte(test.body), test.creds, at, test.nonce)
			canonical := acs3.CanonicalRequest(req)
			if got := sha256.Sum256([]byte(canonical)); hex.EncodeToString(got[:]) != test.hashed {
				t.Errorf("hashed canonical request %x, want %s, of\n%s", got, test.hashed, canonical)
			}
			if _, got, _ := strings.Cut(req.Header.Get("Authorization"), ",Signature="); got != test.signature {
				t.Errorf("signature %s, want %s", got, test.signature)
			}
			if got := req.Header.Get(acs3.HeaderDate); got != test.date {
				t.Errorf("date %s, want %s", got, test.date)
			}
		})
	}
}

// TestSignWhatIsSent signs requests of every form. The reference checks that what is signed is what net/http sends;
// the tests of internal/acs3 say what that is.
func TestSignWhatIsSent(t *testing.T) {
	t.Parallel()
	req := signable(t, "https://127.0.0.1:1234/?b=2&a=1+*")
	req.Host = "ice.cn-shanghai.aliyuncs.com"
	mustSign(t, new(Signer), req, nil, signerCreds)
	if want := "a=1%20%2A&b=2"; req.URL.RawQuery != want {
		t.Errorf("the query is %s, want %s", req.URL.RawQuery, want)
	}
	if canonical := acs3.CanonicalRequest(req); !strings.Contains(canonical, "\nhost:"+req.Host+"\n") {
		t.Errorf("no host %s in\n%s", req.Host, canonical)
	}
	for _, test := range []struct{ name, address string }{
		{"method of the zero value", ""},
		{"no path", ""},
		{"path", "/a/b/"},
		{"empty path segment", "//a"},
		{"path to encode", "/a b+c*~-_.:@中"},
		{"encoded path", "/a%2fb/%2F/%25/%41"},
		{"query", "/?JobId=****20b4****"},
		{"query out of order", "/?b=2&a=1&B=0&ab=3&a=0"},
		{"query with spaces and a plus sign", "/?a=b+c&d=e%20f&g=h%2Bi"},
		{"query in lower-case hex", "/?a=%e4%b8%ad"},
		{"query that is not ASCII", "/?a=中&%C3%A9=1&~=2"},
		{"query that is not UTF-8", "/?a=%FF"},
		{"needlessly encoded query", "/?%61=%62&c=%7E"},
		{"query without values", "/?a&b=&=1&&c=d=e&"},
		{"only ampersands", "/?&&"},
		{"JSON", `/?a={"k":"<>"}`},
	} {
		for _, host := range []string{"https://ice.cn-shanghai.aliyuncs.com", "https://localhost:8443", "https://host:443", "https://[::1]:8443"} {
			for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodPut, ""} {
				req := signable(t, host+test.address)
				req.Method = method
				mustSign(t, new(Signer), req, nil, signerCreds)
			}
		}
	}
}

func TestSignBody(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		body []byte
		hash string
	}{
		{nil, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{[]byte{}, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{[]byte("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	} {
		req := signable(t, "https://host/")
		req.Body = failingBody{t} // Sign is given the body and leaves the request's alone
		if err := new(Signer).Sign(req, test.body, signerCreds, signerTime, "nonce"); err != nil {
			t.Fatal(err)
		}
		if got := req.Header.Get(acs3.HeaderContentSHA256); got != test.hash {
			t.Errorf("hash of %q is %s, want %s", test.body, got, test.hash)
		}
		mustSign(t, new(Signer), req, test.body, signerCreds)
	}
}

func TestSignConcurrently(t *testing.T) {
	t.Parallel()
	var signer Signer
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 50 {
				// The secret changes with every call: a pooled HMAC must not be used with another key.
				key := (worker + i) % 3
				creds := Credentials{AccessKeyID: fmt.Sprint("id", key), AccessKeySecret: fmt.Sprint("secret", key)}
				if key == 2 {
					creds.SecurityToken = fmt.Sprint("token", i)
				}
				req := signable(t, fmt.Sprintf("https://host%d/?JobId=%d+%d&A=*", worker, worker, i))
				at, nonce := signerTime.Add(time.Duration(i%4)*time.Second), fmt.Sprintf("nonce-%d-%d", worker, i)
				mustSignAt(t, &signer, req, nil, creds, at, nonce)
			}
		})
	}
	group.Wait()
}

//nolint:paralleltest // AllocsPerRun counts the allocations of all goroutines.
func TestSignAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	var signer Signer
	req := signable(t, "https://ice.cn-shanghai.aliyuncs.com/?JobId=%2A%2A%2A%2A20b48fb04483915d4f2cd8ac%2A%2A%2A%2A")
	req.Header["Accept"], req.Header["User-Agent"] = []string{"application/json"}, []string{"test"}
	creds := Credentials{AccessKeyID: "STS.id", AccessKeySecret: "secret", SecurityToken: strings.Repeat("token", 100)}
	at := signerTime
	allocs := testing.AllocsPerRun(200, func() {
		at = at.Add(time.Second) // the worst case: no signature can reuse the date
		if err := signer.Sign(req, nil, creds, at, "3156853299f313e23d1673dc12e1703d"); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 3 {
		t.Errorf("Sign makes %v allocations, want at most 3", allocs)
	}
}

func TestSignDate(t *testing.T) {
	t.Parallel()
	var signer Signer // caches the date, which it must not use for another second
	for at, want := range map[time.Time]string{
		signerTime:                                    "2022-07-20T02:48:58Z",
		signerTime.Add(999 * time.Millisecond):        "2022-07-20T02:48:58Z", // never rounded up
		signerTime.In(time.FixedZone("CST", 8*60*60)): "2022-07-20T02:48:58Z",
		signerTime.Add(time.Second):                   "2022-07-20T02:48:59Z",
		signerTime.Add(-time.Hour):                    "2022-07-20T01:48:58Z",
		time.Unix(0, 0):                               "1970-01-01T00:00:00Z",
	} {
		for _, s := range []*Signer{new(Signer), &signer} {
			req := signable(t, "https://host/")
			mustSignAt(t, s, req, nil, signerCreds, at, "nonce")
			if got := req.Header.Get(acs3.HeaderDate); got != want {
				t.Errorf("the date of %v is %s, want %s", at, got, want)
			}
		}
	}
}
