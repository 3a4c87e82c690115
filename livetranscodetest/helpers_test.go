package livetranscodetest_test

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

const (
	endpoint = "https://ice.cn-shanghai.aliyuncs.com"
	layout   = "2006-01-02T15:04:05Z"
)

var nonces atomic.Int64

// call is a request to be signed. Zero fields default to valid values.
type call struct {
	action, method, url, date, nonce, body string
	header                                 http.Header
	params                                 []string // name, value, name, value, ...
	creds                                  livetranscode.Credentials
	unsigned                               []string // headers left out of the signature
}

// sign returns the signed request. It follows the steps of the documentation and shares no code with the server.
func (c call) sign(t testing.TB) *http.Request {
	t.Helper()
	c.setDefaults()
	query := c.query()
	req, err := http.NewRequestWithContext(t.Context(), c.method, c.url+"?"+query, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	hash := hexSHA256(c.body)
	maps.Copy(req.Header, c.header)
	for name, value := range map[string]string{
		"x-acs-action": c.action, "x-acs-version": "2020-11-09", "x-acs-date": c.date,
		"x-acs-signature-nonce": c.nonce, "x-acs-content-sha256": hash, "x-acs-security-token": c.creds.SecurityToken,
	} {
		if value != "" && req.Header.Get(name) == "" {
			req.Header.Set(name, value)
		}
	}

	names := []string{"host"}
	for name := range req.Header {
		names = append(names, strings.ToLower(name))
	}
	names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(c.unsigned, name) })
	slices.Sort(names)
	canonical := c.method + "\n/\n" + query + "\n"
	for _, name := range names {
		value := req.Header.Get(name)
		if name == "host" {
			value = req.URL.Host
		}
		canonical += name + ":" + value + "\n"
	}
	signed := strings.Join(names, ";")
	canonical += "\n" + signed + "\n" + hash
	mac := hmac.New(sha256.New, []byte(c.creds.AccessKeySecret))
	mac.Write([]byte("ACS3-HMAC-SHA256\n" + hexSHA256(canonical)))
	req.Header.Set("Authorization", "ACS3-HMAC-SHA256 Credential="+c.creds.AccessKeyID+
		",SignedHeaders="+signed+",Signature="+hex.EncodeToString(mac.Sum(nil)))
	return req
}

func (c *call) setDefaults() {
	c.action = cmp.Or(c.action, "GetLiveTranscodeJob")
	c.method = cmp.Or(c.method, http.MethodPost)
	c.url = cmp.Or(c.url, endpoint+"/")
	c.date = cmp.Or(c.date, time.Now().UTC().Format(layout))
	c.nonce = cmp.Or(c.nonce, fmt.Sprintf("nonce-%d", nonces.Add(1)))
	if c.creds.AccessKeyID == "" {
		c.creds = livetranscode.Credentials{AccessKeyID: "emulator-key-id", AccessKeySecret: "emulator-key-secret"}
	}
}

// query returns the canonical query string.
func (c *call) query() string {
	var pairs []string
	for i := 0; i < len(c.params); i += 2 {
		pair := url.QueryEscape(c.params[i]) + "=" + url.QueryEscape(c.params[i+1])
		pairs = append(pairs, strings.ReplaceAll(pair, "+", "%20"))
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func hexSHA256(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// response is a response with the fields of its JSON body that the tests use.
type response struct {
	status int
	header http.Header
	body   string

	RequestID string `json:"RequestId"`
	HostID    string `json:"HostId"`
	Code      string
	Message   string
	Recommend string
	JobID     string `json:"JobId"`
	Job       map[string]any
	JobList   []struct {
		Name, CreateTime string
		JobID            string `json:"JobId"`
	}
	TotalCount          int
	TemplateID          string `json:"TemplateId"`
	TemplateContent     map[string]any
	TemplateContentList []struct{ Name string }
}

func send(t testing.TB, rt http.RoundTripper, req *http.Request) response {
	t.Helper()
	res, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	r := response{status: res.StatusCode, header: res.Header, body: string(body)}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(body, &r); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
	}
	return r
}

// do signs a call and sends it in memory.
func do(t testing.TB, srv *livetranscodetest.Server, action string, params ...string) response {
	t.Helper()
	return send(t, srv.Transport(), call{action: action, params: params}.sign(t))
}

// mustDo is do for a call that must succeed.
func mustDo(t testing.TB, srv *livetranscodetest.Server, action string, params ...string) response {
	t.Helper()
	r := do(t, srv, action, params...)
	if r.status != http.StatusOK {
		t.Fatalf("%s: %d %s %s", action, r.status, r.Code, r.Message)
	}
	return r
}

// wantCode checks the status, the code and a part of the message of an error.
func wantCode(t testing.TB, r response, status int, code, inMessage string) {
	t.Helper()
	if r.status != status || r.Code != code || !strings.Contains(r.Message, inMessage) {
		t.Errorf("got %d %s %q, want %d %s with %q", r.status, r.Code, r.Message, status, code, inMessage)
	}
}

// with returns params with some values replaced; an empty value removes the parameter.
func with(params []string, changes ...string) []string {
	params = slices.Clone(params)
	for i := 0; i < len(changes); i += 2 {
		for j := 0; j < len(params); j += 2 {
			if params[j] == changes[i] {
				params = slices.Delete(params, j, j+2)
				break
			}
		}
		if changes[i+1] != "" {
			params = append(params, changes[i], changes[i+1])
		}
	}
	return params
}

const (
	notStarted = livetranscode.JobStatusNotStarted
	inProgress = livetranscode.JobStatusInProgress
	stopped    = livetranscode.JobStatusStopped
)

func submission(changes ...string) []string {
	return with([]string{
		"Name", "task1", "TemplateId", "t1", "StartMode", "0",
		"StreamInput", `{"Type":"rtmp","InputUrl":"rtmp://in/app/s?key=a&b=<c>"}`,
		"TranscodeOutput", `{"Type":"LiveCenter","DomainName":"out"}`,
	}, changes...)
}

// timed returns a TimedConfig of times in seconds from now; 0 omits a time.
func timed(start, end int) string {
	var fields []string
	for _, m := range []struct {
		name string
		in   int
	}{{"StartTime", start}, {"EndTime", end}} {
		if m.in != 0 {
			fields = append(fields, fmt.Sprintf("%q:%q", m.name, time.Now().UTC().Add(time.Duration(m.in)*time.Second).Format(layout)))
		}
	}
	return "{" + strings.Join(fields, ",") + "}"
}

func wantStatus(t *testing.T, srv *livetranscodetest.Server, id string, want livetranscode.JobStatus) {
	t.Helper()
	r := mustDo(t, srv, "GetLiveTranscodeJob", "JobId", id)
	if got := r.Job["Status"]; got != float64(want) {
		t.Errorf("Get has status %v, want %d", got, want)
	}
	if j, _ := srv.Job(id); j.Status != want {
		t.Errorf("Job has status %v, want %v", j.Status, want)
	}
	for s := notStarted; s <= stopped; s++ {
		r := mustDo(t, srv, "ListLiveTranscodeJobs", "Status", strconv.Itoa(int(s)), "KeyWord", id)
		if (r.TotalCount == 1) != (s == want) {
			t.Errorf("List of status %v has %d jobs, want the job under %v", s, r.TotalCount, want)
		}
	}
}

func names(r response) string {
	var all []string
	for _, j := range r.JobList {
		all = append(all, j.Name)
	}
	return strings.Join(all, " ")
}

// lose sends a request that must get no response, and returns the error.
func lose(t *testing.T, rt http.RoundTripper, req *http.Request) error {
	t.Helper()
	res, err := rt.RoundTrip(req)
	if err == nil {
		res.Body.Close()
		t.Fatal("a response arrived")
	}
	return err
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("broken") }

type closeRecorder struct {
	io.Reader
	closed bool
}

func (c *closeRecorder) Close() error { c.closed = true; return nil }
