package livetranscode

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// This file has sources of the default credentials: files in a home directory, and a metadata server.

// writeHome writes a file in the home directory of a child process, and returns its path.
func writeHome(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(os.Getenv("HOME"), name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	return path
}

// newHome gives a test of a child process a home directory of its own.
func newHome(t *testing.T) {
	t.Helper()
	home := t.TempDir()
	setenv(t, map[string]string{"HOME": home, "USERPROFILE": home})
}

func setenv(t *testing.T, variables map[string]string) {
	t.Helper()
	for name, value := range variables {
		t.Setenv(name, value)
	}
}

const (
	cliName = ".aliyun/config.json"
	iniName = ".alibabacloud/credentials"
)

// cliFile is a configuration of the command line tool with a profile for each id; the last one is current.
func cliFile(ids ...string) string {
	var profiles []string
	for _, id := range ids {
		profiles = append(profiles, fmt.Sprintf(`{"name":%q,"mode":"AK","access_key_id":%[1]q,"access_key_secret":%q}`, id, hiddenSecret))
	}
	return fmt.Sprintf(`{"current":%q,"profiles":[%s]}`, ids[len(ids)-1], strings.Join(profiles, ","))
}

func stsCLIFile(id, token string) string {
	return fmt.Sprintf(`{"current":"p","profiles":[{"name":"p","mode":"StsToken","access_key_id":%q,"access_key_secret":%q,"sts_token":%q}]}`,
		id, hiddenSecret, token)
}

// iniFile is a credentials file.
func iniFile(id string) string {
	return fmt.Sprintf("[default]\ntype = access_key\naccess_key_id = %s\naccess_key_secret = %s\n", id, hiddenSecret)
}

// session is a response of the metadata service or of a credentials URI.
func session(id string) string {
	return fmt.Sprintf(`{"Code":"Success","AccessKeyId":%q,"AccessKeySecret":%q,"SecurityToken":%q,"Expiration":%q}`,
		id, hiddenSecret, hiddenToken, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
}

// A metadataServer is both a proxy that responds as the metadata service does, and a credentials URI.
type metadataServer struct {
	*httptest.Server
	// respond gets the number of the request for a session, or for the role, from 1.
	respond  func(n int) (status int, body string)
	requests atomic.Int32
}

// newMetadataServer starts the metadata server of a child process. A process reads HTTP_PROXY once.
func newMetadataServer(t *testing.T) *metadataServer {
	t.Helper()
	m := new(metadataServer)
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Connection", "close")
		if req.Method == http.MethodPut { // of the token of IMDSv2
			fmt.Fprint(w, "metadata-token")
			return
		}
		status, body := m.respond(int(m.requests.Add(1)))
		if status == http.StatusOK && strings.HasSuffix(req.URL.Path, "/security-credentials/") {
			body = "role"
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(m.Close)
	t.Setenv("HTTP_PROXY", m.URL)
	return m
}

// use sets what the server responds from now on, and uses it as the credentials URI instead if asURI is set.
func (m *metadataServer) use(t *testing.T, asURI bool, respond func(n int) (int, string)) {
	t.Helper()
	m.requests.Store(0)
	if m.respond = respond; asURI {
		setenv(t, map[string]string{envURI: m.URL + "/c?token=" + hiddenToken, envMetadataDisabled: "true"})
	}
}

const envMetadataDisabled = "ALIBABA_CLOUD_ECS_METADATA_DISABLED"
