package livetranscode_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	alibaba "github.com/aliyun/credentials-go/credentials"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// canaryPoll polls a few times before canaryWait ends.
const canaryWait = 20 * time.Millisecond

var canaryPoll = livetranscode.PollInterval(canaryWait/4, canaryWait/4)

// canaryCalls are calls with stream keys in their parameters, and others.
var canaryCalls = map[string]func(context.Context, *livetranscode.Client) (any, error){
	"Get": func(ctx context.Context, c *livetranscode.Client) (any, error) {
		return c.GetLiveTranscodeJob(ctx, "job-1")
	},
	"Submit": func(ctx context.Context, c *livetranscode.Client) (any, error) {
		return c.SubmitLiveTranscodeJob(ctx, canarySubmit())
	},
	"Update": func(ctx context.Context, c *livetranscode.Client) (any, error) {
		return c.UpdateLiveTranscodeJob(ctx, canaryUpdate())
	},
	"List": func(ctx context.Context, c *livetranscode.Client) (any, error) {
		return c.ListLiveTranscodeJobs(ctx, &livetranscode.ListLiveTranscodeJobsRequest{Keyword: canaryInput})
	},
	"wait": func(ctx context.Context, c *livetranscode.Client) (any, error) {
		ctx, cancel := context.WithTimeout(ctx, canaryWait)
		defer cancel()
		return c.WaitForStatus(ctx, "job-1", livetranscode.JobStatusStopped, canaryPoll)
	},
	"wait for all": func(ctx context.Context, c *livetranscode.Client) (any, error) {
		ctx, cancel := context.WithTimeout(ctx, canaryWait)
		defer cancel()
		jobs, err := c.WaitForAll(ctx, []string{"job-1", "job-2"}, livetranscode.JobStatusStopped, canaryPoll)
		return slices.Collect(maps.Keys(jobs)), err
	},
}

// checkCalls makes all the calls with a client that logs and has no network, and checks every error and the log.
func checkCalls(t *testing.T, opts ...livetranscode.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { checkSomeCalls(t, allCalls(), opts...) })
}

func allCalls() []string { return slices.Collect(maps.Keys(canaryCalls)) }

func checkSomeCalls(t *testing.T, names []string, opts ...livetranscode.Option) {
	t.Helper()
	var log canaryLog
	client := log.client(t, opts...)
	for _, name := range names {
		_, err := canaryCalls[name](t.Context(), client)
		for e, outermost := err, true; e != nil; e, outermost = errors.Unwrap(e), false {
			if outermost || strings.HasPrefix(fmt.Sprintf("%T", e), "*livetranscode.") {
				wantFitForLogs(t, fmt.Sprintf("the %T of %s", e, name), e, strings.HasPrefix(name, "wait"))
			}
		}
	}
	wantNoCanary(t, "the log", log.b.String(), slices.Concat(secretCanaries, streamCanaries)...)
	if log.b.Len() == 0 {
		t.Error("nothing was logged")
	}
}

// TestSecretsAreNowhere sends canaries as secret, token, stream key and password through every failure it knows,
// and searches errors, logs and printed values for them.
func TestSecretsAreNowhere(t *testing.T) {
	t.Parallel()
	t.Run("values", func(t *testing.T) {
		t.Parallel()
		values := exportedValues(t)
		for _, name := range append(exportedTypes(t, ".", ""), exportedTypes(t, "livetranscodetest", "livetranscodetest.")...) {
			value, ok := values[name]
			if !ok {
				t.Errorf("there is no value of the type %s to check", name)
				continue
			}
			wantFitForLogs(t, name, value, slices.Contains(holdsStreams, name))
		}
	})
	for form, encode := range echoes {
		for place, respond := range echoResponders {
			t.Run("echo/"+form+"/"+place, func(t *testing.T) {
				t.Parallel()
				transport := livetranscode.WithHTTPClient(&http.Client{Transport: echo(encode, respond)})
				if form == "plain" {
					checkCalls(t, transport)
				} else {
					checkSomeCalls(t, []string{"Submit"}, transport) // its request holds all that is to hide
				}
			})
		}
	}
	for _, code := range []string{
		"SignatureDoesNotMatch", "IncompleteSignature", "SignatureNonceUsed", "InvalidTimeStamp.Expired", "InvalidAccessKeyId.NotFound",
		"InvalidSecurityToken.Expired", "Forbidden.RAM", "ServiceUnavailable", "InvalidAction.NotFound", "InvalidParameter.ResourceNotFound",
	} {
		t.Run("service/"+code, func(t *testing.T) {
			t.Parallel()
			srv := livetranscodetest.NewServer(livetranscodetest.WithCredentials(canaryCreds))
			srv.AddJob(*canaryJob())
			srv.Inject(livetranscodetest.Fault{Code: code, Times: -1, Message: "secret=" + canarySecret + " token=" + canaryToken + " " + canaryInput})
			checkCalls(t, livetranscode.WithHTTPClient(&http.Client{Transport: srv.Transport()}))
			if calls := srv.Calls(); code == "SignatureDoesNotMatch" {
				wantNoCanary(t, "the emulator's record", fmt.Sprintf("%+v", calls), secretCanaries...)
			}
		})
	}
	t.Run("wrong secret", func(t *testing.T) {
		t.Parallel()
		other := canaryCreds
		other.AccessKeySecret = "another"
		srv := livetranscodetest.NewServer(livetranscodetest.WithCredentials(other))
		checkCalls(t, livetranscode.WithHTTPClient(&http.Client{Transport: srv.Transport()}))
	})
	t.Run("success", func(t *testing.T) {
		t.Parallel()
		srv := livetranscodetest.NewServer(livetranscodetest.WithCredentials(canaryCreds))
		job := canaryJob()
		id := srv.AddJob(*job)
		var log canaryLog
		client := log.client(t, livetranscode.WithHTTPClient(&http.Client{Transport: srv.Transport()}))
		resp, err := client.GetLiveTranscodeJob(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		wantFitForLogs(t, "the response", resp, true)
		if _, err := client.WaitForStatus(t.Context(), id, livetranscode.JobStatusNotStarted, livetranscode.OnPoll(func(*livetranscode.Job) {
			srv.SetStatus(id, livetranscode.JobStatusStopped)
		}), livetranscode.PollInterval(1, 1)); !errors.Is(err, livetranscode.ErrJobStopped) {
			t.Error(err)
		} else {
			wantFitForLogs(t, "the WaitError", err, true)
		}
		wantNoCanary(t, "the log", log.b.String(), slices.Concat(secretCanaries, streamCanaries)...)
	})
	t.Run("refused", testRefusedSecrets)
	t.Run("provider", testProviderSecrets)
	for name, answer := range map[string]func(dump string) string{
		"nothing": func(string) string { return "" },
		"407": func(dump string) string {
			return "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
		},
		"a reason that echoes": func(dump string) string {
			return "HTTP/1.1 502 " + strings.ReplaceAll(dump, "\r\n", " ") + "\r\nContent-Length: 0\r\n\r\n"
		},
		"a page that echoes": func(dump string) string {
			return fmt.Sprintf("HTTP/1.1 502 Bad Gateway\r\nContent-Length: %d\r\n\r\n%s", len(dump), dump)
		},
		"a header that echoes": func(dump string) string {
			return "HTTP/1.1 502 No\r\n" + strings.ReplaceAll(dump, "\r\n", " ") + "\r\n\r\n"
		},
		"no HTTP": func(dump string) string { return dump },
	} {
		for _, scheme := range []string{"http", "https"} {
			t.Run("proxy/"+name+"/"+scheme, func(t *testing.T) {
				t.Parallel()
				testProxySecrets(t, scheme, answer)
			})
		}
	}
}

// testRefusedSecrets: what is refused before anything is sent.
func testRefusedSecrets(t *testing.T) {
	t.Parallel()
	all := slices.Concat(secretCanaries, streamCanaries)
	for name, opt := range map[string]livetranscode.Option{
		"user info": livetranscode.WithEndpoint("https://proxyuser:" + canaryPassword + "@host"),
		"query":     livetranscode.WithEndpoint("https://host/?token=" + canaryToken),
		"no URL":    livetranscode.WithEndpoint("https://" + canaryToken + ":port/"),
		"control":   livetranscode.WithUserAgent(canaryToken + "\r\n"),
	} {
		_, err := livetranscode.NewClient(opt)
		if err == nil {
			t.Fatalf("%s is accepted", name)
		}
		wantFitForLogs(t, name, err, false)
		func() {
			defer func() { wantNoCanary(t, "the panic over "+name, fmt.Sprintf("%v %#v", recover(), err), all...) }()
			livetranscodetest.NewServer().Client(opt)
		}()
	}
	for name, creds := range map[string]livetranscode.Credentials{
		"secret with a line break": {AccessKeyID: canaryID, AccessKeySecret: canarySecret + "\n", SecurityToken: canaryToken},
		"token with a space":       {AccessKeyID: canaryID, AccessKeySecret: canarySecret, SecurityToken: canaryToken + " "},
		"no id":                    {AccessKeySecret: canarySecret, SecurityToken: canaryToken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkCalls(t, livetranscode.WithCredentials(livetranscode.StaticCredentials(creds.AccessKeyID, creds.AccessKeySecret, creds.SecurityToken)))
		})
	}
	client := livetranscodetest.NewServer().Client()
	submit := canarySubmit()
	submit.StreamInput.InputURL += "\xff"
	_, err := client.SubmitLiveTranscodeJob(t.Context(), submit)
	if err == nil {
		t.Fatal("invalid UTF-8 is accepted")
	}
	wantFitForLogs(t, "invalid UTF-8", err, false)
}

// testProviderSecrets: credentials-go puts whole responses and files into its errors, and panics.
func testProviderSecrets(t *testing.T) {
	t.Parallel()
	text := fmt.Sprintf(`httpStatus: 403, message = {"AccessKeySecret":%q,"SecurityToken":%q}`, canarySecret, canaryToken)
	for name, get := range map[string]func() (*alibaba.CredentialModel, error){
		"error": func() (*alibaba.CredentialModel, error) { return nil, errors.New(text) },
		"panic": func() (*alibaba.CredentialModel, error) { panic(text) },
		"URL": func() (*alibaba.CredentialModel, error) {
			return nil, &url.Error{Op: "Get", URL: "http://h/?SecurityToken=" + canaryToken, Err: io.EOF}
		},
		"no key": func() (*alibaba.CredentialModel, error) {
			return &alibaba.CredentialModel{SecurityToken: new(canaryToken)}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkCalls(t, livetranscode.WithCredentials(livetranscode.FromCredential(canaryCredential{get: get})))
		})
	}
}

// testProxySecrets sends through a proxy that wants a password, gets it, and then gives it away.
func testProxySecrets(t *testing.T, scheme string, answer func(dump string) string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var head bytes.Buffer
		req.Header.Write(&head)
		if !strings.Contains(head.String(), "Proxy-Authorization: Basic ") {
			t.Error("the password is not sent")
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, answer(fmt.Sprintf("%s %s HTTP/1.1\r\n%s", req.Method, req.RequestURI, &head)))
	}))
	t.Cleanup(server.Close)
	proxy := &url.URL{Scheme: "http", Host: server.Listener.Addr().String(), User: url.UserPassword("proxyuser", canaryPassword)}
	transport := &http.Transport{Proxy: http.ProxyURL(proxy)}
	t.Cleanup(transport.CloseIdleConnections)
	checkSomeCalls(t, allCalls(), livetranscode.WithEndpoint(scheme+"://localhost"), livetranscode.WithHTTPClient(&http.Client{Transport: transport}))
}
