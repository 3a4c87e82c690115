package interop

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/livetranscode/livetranscode-go"
)

// For the same call, our client and Alibaba's send the same request.
func TestRequestsAreAlibabas(t *testing.T) {
	t.Parallel()
	if n := len(operations()); n != 11 {
		t.Fatalf("%d operations are compared, want 11", n)
	}
	for _, tt := range everyCall {
		for name, creds := range map[string]livetranscode.Credentials{"static": static, "temporary": temporary} {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				rec := newRecorder(t)
				client, err := livetranscode.NewClient(
					livetranscode.WithEndpoint(rec.URL),
					livetranscode.WithHTTPClient(rec.Client()),
					livetranscode.WithCredentials(livetranscode.StaticCredentials(creds.AccessKeyID, creds.AccessKeySecret, creds.SecurityToken)),
				)
				if err != nil {
					t.Fatal(err)
				}
				if err := tt.ours(t.Context(), client); err != nil {
					t.Fatal(err)
				}
				if _, err := newSDK(t, rec.Server, creds, nil).call(tt.operation, tt.alibabas); err != nil {
					t.Fatal(err)
				}
				ours, alibabas := <-rec.received, <-rec.received
				compare(t, ours, alibabas)
			})
		}
	}
}

// receivedRequest is a request as it arrived.
type receivedRequest struct {
	*http.Request
	body  string
	query url.Values
}

func compare(t *testing.T, ours, alibabas receivedRequest) {
	t.Helper()
	same := func(what, ours, alibabas string) {
		t.Helper()
		if ours != alibabas {
			t.Errorf("%s\n ours     %q\n Alibaba's %q", what, ours, alibabas)
		}
	}
	same("method", ours.Method, alibabas.Method)
	same("path", ours.URL.EscapedPath(), alibabas.URL.EscapedPath())
	same("host", ours.Host, alibabas.Host)
	same("body", ours.body, alibabas.body)
	same("length of the body", strconv.FormatInt(ours.ContentLength, 10), strconv.FormatInt(alibabas.ContentLength, 10))
	same("transfer encoding", strings.Join(ours.TransferEncoding, ","), strings.Join(alibabas.TransferEncoding, ","))
	for _, name := range []string{
		"Accept", "Content-Type", "X-Acs-Action", "X-Acs-Version", "X-Acs-Content-Sha256", "X-Acs-Security-Token",
	} {
		same(name, strings.Join(ours.Header.Values(name), ","), strings.Join(alibabas.Header.Values(name), ","))
	}
	same("signed headers", signedHeaders(ours), signedHeaders(alibabas))
	same("names of the parameters", strings.Join(slices.Sorted(maps.Keys(ours.query)), " "), strings.Join(slices.Sorted(maps.Keys(alibabas.query)), " "))
	for name, values := range ours.query {
		if len(values) != 1 || len(alibabas.query[name]) != 1 {
			t.Errorf("%s occurs more than once", name)
			continue
		}
		mine, theirs := values[0], alibabas.query.Get(name)
		same("length of "+name, strconv.Itoa(len(mine)), strconv.Itoa(len(theirs)))
		same(name, sortFields(mine), sortFields(theirs))
	}
}

// signedHeaders returns the names of the headers that a request's signature covers, without those that only Alibaba's
// client sends.
func signedHeaders(req receivedRequest) string {
	_, names, _ := strings.Cut(req.Header.Get("Authorization"), "SignedHeaders=")
	names, _, _ = strings.Cut(names, ",")
	return strings.Join(slices.DeleteFunc(strings.Split(names, ";"), func(name string) bool {
		return name == "x-acs-credentials-provider" || name == "x-acs-accesskey-id"
	}), ";")
}

// sortFields sorts the fields of a JSON object and of the objects in it by name and keeps all other bytes. It returns
// other text unchanged.
//
// The order is the only difference: our fields are in the order of the documentation, those of Alibaba's generated SDKs
// are sorted by name.
func sortFields(text string) string {
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &fields) != nil {
		return text
	}
	sorted := make([]string, 0, len(fields))
	for name, value := range fields {
		sorted = append(sorted, `"`+name+`":`+sortFields(string(value)))
	}
	slices.Sort(sorted)
	return "{" + strings.Join(sorted, ",") + "}"
}

// recorder is a server that records requests and responds to every operation with success.
type recorder struct {
	*httptest.Server
	received chan receivedRequest
}

func newRecorder(t *testing.T) recorder {
	r := recorder{received: make(chan receivedRequest, 2)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		query, err := url.ParseQuery(req.URL.RawQuery)
		if err != nil {
			t.Error(err)
		}
		r.received <- receivedRequest{req, string(body), query}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"RequestId":"r","JobId":"j","Job":{},"JobList":[],"TemplateId":"t","TemplateContent":{},"TemplateContentList":[]}`)
	}))
	t.Cleanup(r.Close)
	return r
}
