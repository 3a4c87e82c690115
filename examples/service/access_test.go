package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// With a token, POST and DELETE require it; reads do not.
func TestToken(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		const token = "a-token-of-some-length"
		i := startWith(t, srv, config{database: file, token: token})
		for _, test := range []struct {
			method, path, authorization string
			status                      int
		}{
			{"POST", "/jobs", "", 401},
			{"POST", "/jobs", "Bearer", 401},
			{"POST", "/jobs", "Bearer ", 401},
			{"POST", "/jobs", token, 401},
			{"POST", "/jobs", "Basic " + token, 401},
			{"POST", "/jobs", "Bearer " + token[1:], 401},
			{"POST", "/jobs", "Bearer " + token + "x", 401},
			{"DELETE", "/jobs/1", "", 401},
			{"DELETE", "/jobs/1", "Bearer " + strings.ToUpper(token), 401},
			{"POST", "/jobs", "Bearer" + token, 401},
			{"POST", "/jobs", "Bearer " + token, 201},
			{"POST", "/jobs", "Bearer " + token, 200},
			{"DELETE", "/jobs/1", "Bearer " + token, 404},
			{"GET", "/jobs", "", 200},
		} {
			status, header, text := i.send(test.method, "http://wall.example.net"+test.path, someJob("show"), test.authorization)
			if status != test.status || (header.Get("WWW-Authenticate") == "Bearer") != (status == 401) {
				t.Errorf("%s %s with %q: %d %s, want %d", test.method, test.path, test.authorization, status, text, test.status)
			}
			if strings.Contains(text, token) {
				t.Errorf("the response has the token: %s", text)
			}
		}
		if len(srv.Jobs()) != 1 {
			t.Error("a POST without the token submitted a job")
		}
		i.stop()
		if strings.Contains(i.log.String(), token) {
			t.Errorf("the log has the token:\n%s", i.log)
		}
	})
}

// On a loopback address the service is for this machine: a page whose name resolves to that address belongs to another
// site.
func TestHosts(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		hosts := map[string]int{
			"localhost": 200, "localhost:8080": 200, "127.0.0.1": 200, "127.9.9.9:8080": 200, "[::1]": 200, "[::1]:8080": 200,
			"example.net": 403, "localhost.example.net": 403, "192.0.2.1:8080": 403, "[2001:db8::1]": 403, "0.0.0.0": 403,
		}
		withToken := startWith(t, srv, config{local: true, token: "a-token-of-some-length"})
		for host, want := range hosts {
			if status, _, text := withToken.send("GET", "http://"+host+"/jobs", "", ""); status != want {
				t.Errorf("with a token, %s: %d %s, want %d", host, status, text, want)
			}
		}
		withToken.stop()
		i := start(t, srv, file)
		for host, want := range hosts {
			if status, _, text := i.send("GET", "http://"+host+"/jobs", "", ""); status != want {
				t.Errorf("%s: %d %s, want %d", host, status, text, want)
			}
		}
		req, err := http.NewRequestWithContext(t.Context(), "POST", "http://localhost/jobs", strings.NewReader(someJob("show")))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		resp, err := i.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden || len(srv.Jobs()) != 0 {
			t.Errorf("a POST from the page of another site: %s", resp.Status)
		}
		i.stop()
	})
}

// Browsers must not guess the type of a response.
func TestNosniff(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		for _, url := range []string{
			"http://localhost/", "http://localhost/jobs", "http://localhost/jobs/none", "http://localhost/none", "http://localhost/metrics",
			"http://localhost/readyz", "http://example.net/jobs",
		} {
			if _, header, _ := i.send("GET", url, "", ""); header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: %v", url, header)
			}
		}
		i.stop()
	})
}

// Errors that anyone can read show their kind, not the service's message, which can quote a stream.
func TestPublicErrors(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		id := i.post("show")
		time.Sleep(2 * time.Minute)
		srv.Inject(livetranscodetest.Fault{Code: "ServiceUnavailable", Message: "stream quoted is lost", Times: -1})
		time.Sleep(10 * time.Minute)
		_, _, ready := i.do("GET", "/readyz", "")
		client := i.stream()
		client.statuses(t, "")
		first, _ := client.first()
		for _, text := range []string{ready, first.Stale} {
			if strings.Contains(text, "quoted") || !strings.Contains(text, "ago: unavailable") {
				t.Errorf("an error is %q", text)
			}
		}
		srv.ClearFaults()
		srv.RemoveJob(id)
		srv.Inject(livetranscodetest.Fault{Operation: "GetLiveTranscodeJob", Code: "JobNotFound", Message: "stream quoted is lost", Times: -1})
		time.Sleep(10 * time.Minute)
		if _, _, text := i.do("GET", "/jobs/"+id, ""); strings.Contains(text, "quoted") || !strings.Contains(text, `"status":"lost"`) || !strings.Contains(text, `"error":"not_found"`) {
			t.Errorf("the lost job is %s", text)
		}
		i.stop()
		if !strings.Contains(i.log.String(), "stream quoted is lost") {
			t.Errorf("the log does not have the message:\n%s", i.log)
		}
	})
}

// The page needs no other host, and its policy allows none.
func TestPage(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		status, header, text := i.do("GET", "/", "")
		if status != http.StatusOK || header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.HasSuffix(text, "</html>\n") {
			t.Errorf("GET /: %d %v", status, header)
		}
		policy := header.Get("Content-Security-Policy")
		nonce := regexp.MustCompile(`nonce="(\w+)"`).FindAllStringSubmatch(text, -1)
		if len(nonce) != 2 || nonce[0][1] != nonce[1][1] || len(nonce[0][1]) < 22 {
			t.Fatalf("the nonces are %q", nonce)
		}
		if _, _, again := i.do("GET", "/", ""); strings.Contains(again, nonce[0][1]) {
			t.Error("two responses have the same nonce")
		}
		for _, want := range []string{
			"default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'",
			"style-src 'nonce-" + nonce[0][1] + "'", "script-src 'nonce-" + nonce[0][1] + "'", "require-trusted-types-for 'script'",
		} {
			if !strings.Contains(policy, want) {
				t.Errorf("the policy %q has no %s", policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
			t.Errorf("the policy is too lax: %q", policy)
		}
		for _, address := range regexp.MustCompile(`https?:[^\s"')]*`).FindAllString(text, -1) {
			if address != "http://www.w3.org/2000/svg" { // a name, not an address
				t.Errorf("the page has the address %s", address)
			}
		}
		if strings.Count(text, "<script") != 1 || strings.Count(text, "<style") != 1 || regexp.MustCompile(`\s(on[a-z]+|style)=`).MatchString(text) {
			t.Error("the page has what the policy does not allow")
		}
		i.stop()
	})
}
