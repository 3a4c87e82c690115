package livetranscode

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/credentials-go/credentials"
)

// acceptOnly responds as the service does to requests with a key that it accepts, and to others.
func acceptOnly(accepted *string) step {
	return func(req *http.Request) (*http.Response, error) {
		if strings.Contains(req.Header.Get("Authorization"), "Credential="+*accepted+",") {
			return respond(http.StatusOK, documentedJob)(req)
		}
		return respondError(http.StatusNotFound, "InvalidAccessKeyId.NotFound")(req)
	}
}

// TestRenewedCredentialsAreRead rewrites each source of credentials while it is in use: after the service has refused
// the old key, the next call has the new one.
func TestRenewedCredentialsAreRead(t *testing.T) { inChild(t, testRenewedCredentials) } //nolint:paralleltest // it sets environment variables

func testRenewedCredentials(t *testing.T) {
	fromCredential := func() CredentialsProvider {
		c, err := credentials.NewCredential(nil)
		if err != nil {
			t.Fatal(err)
		}
		return FromCredential(c)
	}
	for name, write := range map[string]func(t *testing.T, id string){
		"environment": func(t *testing.T, id string) {
			setenv(t, map[string]string{envAccessKeyID: id, envAccessKeySecret: hiddenSecret})
		},
		"CLI profile":      func(t *testing.T, id string) { writeHome(t, cliName, cliFile(id)) },
		"CLI session":      func(t *testing.T, id string) { writeHome(t, cliName, stsCLIFile(id, hiddenToken)) },
		"credentials file": func(t *testing.T, id string) { writeHome(t, iniName, iniFile(id)) },
		"file by variable": func(t *testing.T, id string) { t.Setenv(envConfigFile, writeHome(t, "x.json", cliFile(id))) },
	} {
		for kind, newProvider := range map[string]func() CredentialsProvider{"default": DefaultCredentials, "credential": fromCredential} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				newHome(t)
				write(t, "old")
				accepted := "old"
				client := clientOver(t, acceptOnly(&accepted), WithCredentials(newProvider()))
				if err := getJob(t.Context(), client); err != nil {
					t.Fatal(err)
				}
				write(t, "new")
				if err := getJob(t.Context(), client); err != nil {
					t.Errorf("credentials that are accepted are not kept: %v", err)
				}
				accepted = "new"
				_ = getJob(t.Context(), client) // may be refused
				if err := getJob(t.Context(), client); err != nil {
					t.Errorf("the new key is not read: %v", err)
				}
			})
		}
	}
}

// TestFailureKeepsTheIdentity checks that no later source replaces one that has worked and is still configured.
func TestFailureKeepsTheIdentity(t *testing.T) { //nolint:paralleltest // it sets environment variables
	inChild(t, func(t *testing.T) {
		chain := new(defaultChain)
		want := func(refused bool, id, reason string) {
			t.Helper()
			creds, err := chain.fetch(refused)
			if creds.AccessKeyID != id || (err == nil) != (reason == "") || err != nil && !strings.Contains(err.Error(), reason) {
				t.Errorf("%v, %v, want %q, %q", creds, err, id, reason)
			}
			if errors.Is(err, ErrNoCredentials) {
				t.Errorf("%v is ErrNoCredentials although a source has worked", err)
			}
		}
		writeHome(t, iniName, iniFile("ini"))
		writeHome(t, cliName, cliFile("cli"))
		want(false, "cli", "")
		writeHome(t, cliName, cliFile("cli")[:50]) // half written
		want(false, "cli", "")                     // not read again
		want(true, "", "unmarshal")
		want(false, "", "unmarshal")
		writeHome(t, cliName, cliFile("cli 2"))
		want(false, "cli 2", "")

		if err := os.Remove(filepath.Join(os.Getenv("HOME"), cliName)); err != nil {
			t.Fatal(err)
		}
		want(true, "ini", "") // the profile is no longer configured
		setenv(t, map[string]string{envAccessKeyID: "env", envAccessKeySecret: hiddenSecret})
		want(false, "ini", "")
		want(true, "env", "") // an earlier source is now configured
		setenv(t, map[string]string{envAccessKeyID: "", envAccessKeySecret: ""})
		if err := os.Remove(filepath.Join(os.Getenv("HOME"), iniName)); err != nil {
			t.Fatal(err)
		}
		want(false, "", "environment variables: ")
		want(false, "", "no longer configured")
	})
}

// TestSourceRecovers checks that a wait survives a source that fails at first.
func TestSourceRecovers(t *testing.T) { //nolint:paralleltest // it sets environment variables
	inChild(t, func(t *testing.T) {
		srv := newMetadataServer(t)
		for name, test := range map[string]struct {
			uri    bool
			status int
			body   string
		}{
			"metadata service":       {status: http.StatusServiceUnavailable},
			"credentials URI":        {uri: true, status: http.StatusServiceUnavailable},
			"half a response":        {uri: true, status: http.StatusOK, body: session(shownID)[:40]},
			"an id with a tabulator": {uri: true, status: http.StatusOK, body: session(shownID + "\t")},
		} {
			t.Run(name, func(t *testing.T) {
				srv.use(t, test.uri, func(n int) (int, string) {
					if n <= 3 {
						return test.status, test.body
					}
					return http.StatusOK, session(shownID)
				})
				client := clientOver(t, respond(http.StatusOK, documentedJob), WithCredentials(DefaultCredentials()))
				job, err := client.WaitForStatus(t.Context(), "job-1", JobStatusInProgress, PollInterval(time.Millisecond, time.Millisecond))
				if err != nil || job.Status != JobStatusInProgress {
					t.Errorf("%v, %v", job, err)
				}
				if n := srv.requests.Load(); n < 4 {
					t.Errorf("%d requests", n)
				}
			})
		}
	})
}

// TestFromCredentialOfAFailedChain: credentials-go uses only the last source of its chain after a failure.
func TestFromCredentialOfAFailedChain(t *testing.T) { //nolint:paralleltest // it sets environment variables
	inChild(t, func(t *testing.T) {
		c, err := credentials.NewCredential(nil)
		if err != nil {
			t.Fatal(err)
		}
		provider := FromCredential(c)
		_, err = provider.Credentials(t.Context())
		if err == nil || !strings.Contains(err.Error(), "get role name failed") || !strings.Contains(err.Error(), "refused") {
			t.Errorf("the error %q does not show the reason at its end", err)
		}
		writeHome(t, cliName, cliFile(shownID))
		wantID(t, provider, shownID)
	})
}

// TestFromCredentialIsNotReplaced: a credential is replaced by the default chain only if it is that chain.
func TestFromCredentialIsNotReplaced(t *testing.T) { //nolint:paralleltest // it sets environment variables
	inChild(t, func(t *testing.T) {
		writeHome(t, cliName, cliFile("another identity"))
		own := fakeCredential{get: func() (*credentials.CredentialModel, error) {
			return model(shownID, hiddenSecret, "").SetType("default").SetProviderName("mine"), nil
		}}
		provider := FromCredential(own)
		wantID(t, provider, shownID)
		provider.(credentialsRejecter).refused(Credentials{AccessKeyID: shownID, AccessKeySecret: hiddenSecret})
		wantID(t, provider, shownID)
	})
}
