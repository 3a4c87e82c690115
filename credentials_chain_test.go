package livetranscode

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aliyun/credentials-go/credentials"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
)

// TestDefaultCredentials finds credentials in each source, and compares with the chain of credentials-go.
func TestDefaultCredentials(t *testing.T) { inChild(t, testDefaultCredentials) } //nolint:paralleltest // it sets environment variables

func testDefaultCredentials(t *testing.T) {
	permanent := Credentials{AccessKeyID: shownID, AccessKeySecret: hiddenSecret}
	env := map[string]string{envAccessKeyID: shownID, envAccessKeySecret: hiddenSecret}
	for _, test := range []struct {
		name  string
		env   map[string]string
		files map[string]string
		want  Credentials
	}{
		{name: "environment", env: env, want: permanent},
		{
			name: "environment, temporary", want: secretCreds,
			env: map[string]string{envAccessKeyID: shownID, envAccessKeySecret: hiddenSecret, envSecurityToken: hiddenToken},
		},
		{name: "environment before files", env: env, files: map[string]string{cliName: cliFile("cli"), iniName: iniFile("ini")}, want: permanent},
		{name: "CLI profile", files: map[string]string{cliName: cliFile(shownID)}, want: permanent},
		{name: "CLI profile, temporary", files: map[string]string{cliName: stsCLIFile(shownID, hiddenToken)}, want: secretCreds},
		{name: "CLI profile before the credentials file", files: map[string]string{cliName: cliFile(shownID), iniName: iniFile("ini")}, want: permanent},
		{name: "current CLI profile", files: map[string]string{cliName: cliFile("other", shownID)}, want: permanent},
		{
			name: "CLI profile by name", env: map[string]string{envProfile: shownID},
			files: map[string]string{cliName: cliFile(shownID, "other")}, want: permanent,
		},
		{
			name: "CLI profile disabled", env: map[string]string{envCLIDisabled: "True"},
			files: map[string]string{cliName: cliFile("cli"), iniName: iniFile(shownID)}, want: permanent,
		},
		{name: "CLI profile half written", files: map[string]string{cliName: cliFile("cli")[:70], iniName: iniFile(shownID)}, want: permanent},
		{name: "credentials file", files: map[string]string{iniName: iniFile(shownID)}, want: permanent},
		{
			name: "credentials file by name", env: map[string]string{envProfile: "other"},
			files: map[string]string{iniName: iniFile("ini") + strings.Replace(iniFile(shownID), "default", "other", 1)}, want: permanent,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			newHome(t)
			setenv(t, test.env)
			for name, text := range test.files {
				writeHome(t, name, text)
			}
			if got, err := DefaultCredentials().Credentials(t.Context()); err != nil || got != test.want {
				t.Errorf("%v, %v, want %v", got, err, test.want)
			}
			c, err := credentials.NewCredential(nil)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := FromCredential(c).Credentials(t.Context()); err != nil || got != test.want {
				t.Errorf("credentials-go finds %v, %v", got, err)
			}
		})
	}
}

func TestDefaultCredentialsOfFilesByVariable(t *testing.T) {
	inChild(t, func(t *testing.T) {
		t.Setenv(envConfigFile, writeHome(t, "elsewhere.json", cliFile("cli")))
		wantID(t, DefaultCredentials(), "cli")
		t.Setenv(envConfigFile, "")
		t.Setenv(envCredentialsFile, writeHome(t, "elsewhere.ini", iniFile("ini")))
		wantID(t, DefaultCredentials(), "ini")
	})
}

func TestDefaultCredentialsOfServices(t *testing.T) {
	inChild(t, func(t *testing.T) {
		srv := newMetadataServer(t)
		for _, test := range []struct {
			name     string
			role     string
			uri      bool
			requests int
		}{
			{name: "RAM role", requests: 2}, {name: "RAM role by name", role: "role", requests: 1}, {name: "credentials URI", uri: true, requests: 1},
		} {
			t.Run(test.name, func(t *testing.T) {
				srv.use(t, test.uri, func(int) (int, string) { return http.StatusOK, session(shownID) })
				t.Setenv(envInstanceRole, test.role)
				if got, err := DefaultCredentials().Credentials(t.Context()); err != nil || got != secretCreds {
					t.Errorf("%v, %v, want %v", got, err, secretCreds)
				}
				if got := int(srv.requests.Load()); got != test.requests {
					t.Errorf("%d requests, want %d", got, test.requests)
				}
			})
		}
	})
}

// wantLookupError checks the error of a call whose chain has no credentials: whether it is ErrNoCredentials, that it
// shows the reason and names the source, and that it leaks nothing.
func wantLookupError(t *testing.T, none bool, shows ...string) {
	t.Helper()
	client := clientOver(t, newScript(respond(http.StatusOK, documentedJob)), WithCredentials(DefaultCredentials()))
	err := getJob(t.Context(), client)
	var call *CallError
	if !errors.As(err, &call) || errors.Is(err, ErrNoCredentials) != none || isPermanent(err) != none {
		t.Fatalf("the error is %v, want ErrNoCredentials: %t", err, none)
	}
	for _, want := range shows {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error %q does not show %q", err, want)
		}
	}
	wantHidden(t, "the error", err.Error())
	if len(err.Error()) > 1500 || acs3.HasControl(err.Error()) {
		t.Errorf("the error has %d bytes: %q", len(err.Error()), err)
	}
}

const leak = hiddenSecret + " " + hiddenToken // in files and responses

func TestDefaultCredentialsFail(t *testing.T) { //nolint:paralleltest // it sets environment variables
	inChild(t, testDefaultCredentialsFail, "HTTPS_PROXY=http://127.0.0.1:1")
}

func testDefaultCredentialsFail(t *testing.T) {
	oidc := map[string]string{envOIDCTokenFile: "/nonexistent/token", envOIDCProvider: "acs:ram::1:oidc-provider/p", envRoleARN: "acs:ram::1:role/r"}
	for _, test := range []struct {
		name  string
		env   map[string]string
		files map[string]string
		none  bool // ErrNoCredentials
		shows []string
	}{
		{name: "nothing", none: true, shows: []string{envAccessKeyID, envAccessKeySecret, "RAM role of the instance: ", "refused"}},
		{name: "metadata service disabled", none: true, env: map[string]string{envMetadataDisabled: "true"}, shows: []string{envAccessKeyID}},
		{name: "id without secret", none: true, env: map[string]string{envAccessKeyID: shownID}, shows: []string{"environment variables: ", "secret must be specified"}},
		{name: "secret without id", none: true, env: map[string]string{envAccessKeySecret: hiddenSecret}, shows: []string{"environment variables: ", "ID must be specified"}},
		{name: "OIDC without role", none: true, env: map[string]string{envOIDCToken: hiddenToken, envOIDCProvider: "p"}, shows: []string{"OIDC: ", "RoleArn is empty"}},
		{name: "profile without file", none: true, env: map[string]string{envProfile: "p"}, shows: []string{"CLI profile in ", "credentials file ", "refused"}},

		{name: "OIDC without token file", env: oidc, shows: []string{"OIDC: ", "/nonexistent/token"}},
		{
			name: "OIDC without network", shows: []string{"OIDC: ", "refused"},
			env: map[string]string{envOIDCToken: hiddenToken, envOIDCProvider: "p", envRoleARN: "r"},
		},
		{name: "CLI file half written", files: map[string]string{cliName: cliFile(shownID)[:120]}, shows: []string{"CLI profile in ", cliName, "unmarshal"}},
		{name: "CLI file from its middle", files: map[string]string{cliName: cliFile(shownID)[60:]}, shows: []string{"CLI profile in ", "unmarshal"}},
		{name: "CLI file of text", files: map[string]string{cliName: leak}, shows: []string{"CLI profile in ", "unmarshal"}},
		{name: "CLI file empty", files: map[string]string{cliName: ""}, shows: []string{"CLI profile in ", "unmarshal"}},
		{name: "CLI file a directory", files: map[string]string{cliName + "/x": ""}, shows: []string{"CLI profile in ", "reading aliyun cli config"}},
		{name: "CLI profile not there", env: map[string]string{envProfile: "p"}, files: map[string]string{cliName: cliFile("q")}, shows: []string{"CLI profile in ", "'p'"}},
		{name: "CLI profile without key", files: map[string]string{cliName: cliFile("")}, shows: []string{"CLI profile in ", "empty"}},
		{name: "CLI file by variable not there", env: map[string]string{envConfigFile: "/nonexistent/cli"}, shows: []string{"CLI profile in /nonexistent/cli"}},
		{name: "credentials file of a line", files: map[string]string{iniName: "[default]\naccess_key_secret " + leak}, shows: []string{"credentials file ", "delimiter not found: ..."}},
		{name: "credentials file half written", files: map[string]string{iniName: iniFile(shownID)[:40]}, shows: []string{"credentials file "}},
		{name: "credentials file with an open section", files: map[string]string{iniName: "[default " + leak}, shows: []string{"credentials file ", "unclosed section: ..."}},
		{name: "credentials file empty", files: map[string]string{iniName: ""}, shows: []string{"credentials file "}},
		{name: "credentials file by variable not there", env: map[string]string{envCredentialsFile: "/nonexistent/ini"}, shows: []string{"credentials file /nonexistent/ini"}},
		{name: "role cannot be reached", env: map[string]string{envInstanceRole: "role"}, shows: []string{"RAM role of the instance: ", "refused"}},
		{name: "URI refused", env: map[string]string{envURI: "http://127.0.0.1:1/c?token=" + hiddenToken}, shows: []string{"credentials URI: ", "refused"}},
		{
			name: "environment with a line break does not make way for a file", shows: []string{"environment variables: ", "AccessKeySecret has control characters"},
			env: map[string]string{envAccessKeyID: shownID, envAccessKeySecret: hiddenSecret + "\n"}, files: map[string]string{cliName: cliFile("another identity")},
		},
		{
			name: "several", env: oidc, files: map[string]string{cliName: "x", iniName: "x"},
			shows: []string{"OIDC: ", "; CLI profile in ", "; credentials file "},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.none && test.env[envMetadataDisabled] == "" && isECSInstance(productNameFile) {
				t.Skip("an ECS instance may have a role")
			}
			newHome(t)
			setenv(t, test.env)
			for name, text := range test.files {
				writeHome(t, name, text)
			}
			wantLookupError(t, test.none, test.shows...)
		})
	}
}

func TestDefaultCredentialsFailOfServices(t *testing.T) { //nolint:paralleltest // it sets environment variables
	inChild(t, func(t *testing.T) {
		srv := newMetadataServer(t)
		const role = "RAM role of the instance: "
		status := func(status int, body string) func(int) (int, string) {
			return func(int) (int, string) { return status, body }
		}
		for _, test := range []struct {
			name    string
			uri     bool
			respond func(n int) (int, string)
			none    bool // ErrNoCredentials
			shows   []string
		}{
			{name: "no role", none: true, respond: status(http.StatusNotFound, leak), shows: []string{envAccessKeyID, role, "404"}},
			{name: "metadata unavailable", respond: status(http.StatusServiceUnavailable, leak), shows: []string{role, "503"}},
			{name: "metadata busy", respond: status(http.StatusTooManyRequests, leak), shows: []string{role, "429"}},
			{name: "metadata of HTML", respond: status(http.StatusOK, "<html>"+leak), shows: []string{role}},
			{
				name: "metadata fails after the role", shows: []string{role, "500"},
				respond: func(n int) (int, string) {
					if n == 1 {
						return http.StatusOK, ""
					}
					return http.StatusInternalServerError, `{"AccessKeySecret":"` + hiddenSecret + `"}`
				},
			},
			{name: "URI fails", uri: true, respond: status(http.StatusBadGateway, "<p>"+leak), shows: []string{"credentials URI: ", "failed"}},
			{name: "URI of other JSON", uri: true, respond: status(http.StatusOK, `{"token":"`+hiddenToken+`"}`), shows: []string{"credentials URI: "}},
			{name: "URI of malformed credentials", uri: true, respond: status(http.StatusOK, session(shownID+"\t")), shows: []string{"credentials URI: ", "AccessKeyID has control"}},
		} {
			t.Run(test.name, func(t *testing.T) {
				srv.use(t, test.uri, test.respond)
				wantLookupError(t, test.none, test.shows...)
			})
		}
	})
}

func TestHasInstanceRole(t *testing.T) {
	const list = "get role name failed: GET http://100.100.100.200/latest/meta-data/ram/security-credentials/ "
	inChild(t, func(t *testing.T) {
		for _, test := range []struct {
			err                   string
			elsewhere, onInstance bool
		}{
			{"get role name failed: dial tcp 100.100.100.200:80: i/o timeout", false, true},
			{list + "503", true, true},
			{list + "429", true, true},
			{list + "404", false, false},
			{list + "403", false, true},
			{"refresh Ecs sts token err, httpStatus: 404, message = ", true, true},
			{"IMDS credentials is disabled", false, false},
		} {
			if got := hasInstanceRole(errors.New(test.err), false); got != test.elsewhere {
				t.Errorf("elsewhere, %q means a role: %t", test.err, got)
			}
			if got := hasInstanceRole(errors.New(test.err), true); got != test.onInstance {
				t.Errorf("on an instance, %q means a role: %t", test.err, got)
			}
		}
		t.Setenv(envInstanceRole, "role")
		if !hasInstanceRole(errors.New("i/o timeout"), false) {
			t.Error("a role that a variable names is not there")
		}
	})
}

func TestIsECSInstance(t *testing.T) {
	t.Parallel()
	for product, want := range map[string]bool{"Alibaba Cloud ECS\n": true, "Alibaba Cloud ECS": true, "OptiPlex 7070\n": false, "": false} {
		file := filepath.Join(t.TempDir(), "product_name")
		if err := os.WriteFile(file, []byte(product), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := isECSInstance(file); got != want {
			t.Errorf("isECSInstance is %t for %q", got, product)
		}
	}
	if isECSInstance("/nonexistent") {
		t.Error("a machine without a product name is an ECS instance")
	}
}

// credentials-go panics if http.DefaultTransport is not an *http.Transport, before it opens a connection.
func TestDefaultCredentialsOverAReplacedTransport(t *testing.T) {
	inChild(t, func(t *testing.T) {
		t.Setenv(envURI, "http://127.0.0.1:1/credentials?token="+hiddenToken)
		http.DefaultTransport = respond(http.StatusOK, "{}")
		_, err := DefaultCredentials().Credentials(t.Context())
		if err == nil || !strings.Contains(err.Error(), "credentials URI: panicked") {
			t.Fatalf("the error %v does not show the panic", err)
		}
		wantHidden(t, "the error", err.Error())
	})
}

func TestClientWithoutCredentials(t *testing.T) { //nolint:paralleltest // it sets environment variables
	inChild(t, func(t *testing.T) {
		script := newScript(respond(http.StatusOK, documentedJob))
		err := getJob(t.Context(), mustClient(t, WithHTTPClient(&http.Client{Transport: script})))
		script.wantRequests(t, 0)
		var call *CallError
		if !errors.As(err, &call) || call.Attempts != 0 || !errors.Is(err, ErrNoCredentials) {
			t.Errorf("the error is %v, want a *CallError without attempts that is ErrNoCredentials", err)
		}
	}, "ALIBABA_CLOUD_ECS_METADATA_DISABLED=true")
}
