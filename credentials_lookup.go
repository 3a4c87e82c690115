package livetranscode

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aliyun/credentials-go/credentials"

	"github.com/livetranscode/livetranscode-go/internal/redact"
)

// FromCredential returns a provider that wraps c, a credential of github.com/aliyun/credentials-go, and makes it
// safe for concurrent use: c is called by one goroutine at a time, a caller whose ctx ends returns at once, and the
// next caller waits for the lookup that is still running.
//
// Credentials are cached. After 60 s they are refreshed in the background, and served until they are 150 s old, so
// that a lookup may fail now and then without failing a call. Credentials that the service has refused are
// fetched again before the next attempt. What c itself caches, such as a profile that it has read, only c can
// refresh; the default chain, which credentials.NewCredential(nil) returns, is rebuilt then, and after a failure.
//
// A panic of c is an error, and so are credentials that no request can be signed with, such as those of a file that
// is half written. Error texts are redacted and truncated to about 512 bytes; errors.Is and errors.As do not find the
// error that c returned. The error is [ErrNoCredentials] if c is nil or a nil pointer.
//
// Nothing else may use c, which is not safe for concurrent use.
func FromCredential(c credentials.Credential) CredentialsProvider {
	isChain, failed := false, false
	return newCachedCredentials(func(refused bool) (Credentials, error) {
		if isNil(c) {
			return Credentials{}, fmt.Errorf("%w: the credential is nil", ErrNoCredentials)
		}
		if isChain && (refused || failed) {
			c, _ = credentials.NewCredential(nil) // never fails
		}
		creds, err := lookUp(func() (Credentials, error) {
			model, err := c.GetCredential()
			isChain = isDefaultChain(model, err)
			return credentialsOf(model), err
		})
		if failed = err != nil; failed {
			err = lookupError(err.Error())
		}
		return creds, err
	})
}

// lookupError is the error of a lookup that failed. The reasons are safe to show.
func lookupError(reasons ...string) error {
	return errors.New("the credentials lookup failed" + joinReasons(reasons))
}

// joinReasons returns ": " and the reasons, truncated to some 1024 bytes in all.
func joinReasons(reasons []string) string {
	text, separator := "", ": "
	for _, reason := range reasons {
		text += separator + redact.Abbreviate(reason, max(1024/len(reasons), 256))
		separator = "; "
	}
	return text
}

// chainPreamble begins the error of the default chain of credentials-go. The reason is at the end of that error.
const chainPreamble = "unable to get credentials from any of the providers in the chain: "

// isDefaultChain reports whether the result of a lookup is that of the default chain of credentials-go.
func isDefaultChain(model *credentials.CredentialModel, err error) bool {
	if err != nil {
		return strings.HasPrefix(err.Error(), chainPreamble)
	}
	return model != nil && value(model.Type) == "default" && strings.HasPrefix(value(model.ProviderName), "default/")
}

func credentialsOf(model *credentials.CredentialModel) Credentials {
	if model == nil {
		return Credentials{}
	}
	return Credentials{value(model.AccessKeyId), value(model.AccessKeySecret), value(model.SecurityToken)}
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// errMalformedCredentials is the reason of a lookup whose credentials no request can be signed with.
var errMalformedCredentials = errors.New("returned malformed credentials")

// lookUp calls get. Its error is the reason of a failure, safe to show.
func lookUp(get func() (Credentials, error)) (creds Credentials, err error) {
	defer func() {
		if r := recover(); r != nil {
			creds, err = Credentials{}, errors.New("panicked: "+reasonText(fmt.Sprint(r)))
		}
	}()
	creds, err = get()
	if err != nil {
		return Credentials{}, errors.New(reasonText(err.Error()))
	}
	if creds.AccessKeyID == "" || creds.AccessKeySecret == "" {
		return Credentials{}, errors.New("returned no access key")
	}
	if field, reason := creds.malformed(); field != "" {
		return Credentials{}, fmt.Errorf("%w: %s %s", errMalformedCredentials, field, reason)
	}
	return creds, nil
}

// maxReason is the length of the longest reason of a failed lookup.
const maxReason = 512

// fileContent matches the contents of configuration files in errors of credentials-go: a whole file, or a line.
var fileContent = regexp.MustCompile(`(?s)(unmarshal aliyun cli config from '[^']*' failed|` +
	`(?:delimiter not found|empty key name|unclosed section|missing closing key quote)): .*`)

// reasonText redacts the text of an error of credentials-go, which can contain whole responses and files. Of the error
// of the default chain it keeps the end.
func reasonText(text string) string {
	text, isChain := strings.CutPrefix(text, chainPreamble)
	text = fileContent.ReplaceAllString(text, "$1: ...")
	text = redact.Opaque(redact.Text(withoutBodies(text)))
	if over := len(text) - maxReason; isChain && over > 0 {
		return "..." + strings.ToValidUTF8(text[over+3:], "")
	}
	return redact.Abbreviate(text, maxReason)
}

// withoutBodies replaces JSON objects, and everything from where markup or another line begins.
func withoutBodies(text string) string {
	var b strings.Builder
	for {
		i := strings.IndexAny(text, "{<\r\n")
		if i < 0 {
			return b.String() + text
		}
		b.WriteString(text[:i] + "...")
		body := json.NewDecoder(strings.NewReader(text[i:]))
		if text[i] != '{' || body.Decode(new(json.RawMessage)) != nil {
			return b.String()
		}
		text = text[i+int(body.InputOffset()):]
	}
}
