package livetranscode

import (
	"context"
	"crypto/fips140"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
)

// Credentials are what a request is signed with: an access key pair and, if they are temporary, the security
// token that belongs to it.
//
// The secret and the token are redacted by package fmt with every verb but %p, by log/slog, and in JSON, XML and
// text. One case cannot be redacted: package fmt calls no method of a value in an unexported field. It prints the
// secret of a struct with a Credentials in such a field, and with an invalid verb, such as %s, also of a struct with a
// *Credentials. Store a [CredentialsProvider] there instead.
type Credentials struct {
	// AccessKeyID identifies the key. It is not secret.
	AccessKeyID string
	// AccessKeySecret is the key that signs requests.
	AccessKeySecret string
	// SecurityToken is the token of temporary credentials (STS), empty for permanent ones.
	SecurityToken string
}

// Format implements [fmt.Formatter]. It prints the id and redacts the rest.
func (c Credentials) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.redacted()) }

// MarshalJSON encodes the id and redacts the rest. The result cannot be decoded.
func (c Credentials) MarshalJSON() ([]byte, error) { return json.Marshal(c.redacted()) }

// MarshalText encodes the id and redacts the rest.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.redacted()), nil }

// LogValue implements [slog.LogValuer]. It shows the id and redacts the rest.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.redacted()) }

// malformed returns the first field that no request can be signed with, and why.
func (c Credentials) malformed() (field, reason string) {
	if reason = acs3.InvalidHeaderValue(c.AccessKeyID); reason != "" {
		return "AccessKeyID", reason
	}
	if reason = acs3.InvalidHeaderValue(c.AccessKeySecret); reason != "" {
		return "AccessKeySecret", reason
	}
	if len(c.AccessKeySecret) < minFIPSKey && fips140.Enforced() {
		return "AccessKeySecret", "is shorter than 14 bytes, which FIPS 140-only mode does not allow"
	}
	if reason = acs3.InvalidHeaderValue(c.SecurityToken); reason != "" && c.SecurityToken != "" {
		return "SecurityToken", reason
	}
	return "", ""
}

// minFIPSKey is the length of the shortest key that package crypto/hmac accepts in FIPS 140-only mode, where it panics.
const minFIPSKey = 112 / 8

func (c Credentials) redacted() string {
	s := "AccessKeyID=" + c.AccessKeyID
	if c.AccessKeySecret != "" {
		s += " AccessKeySecret=[redacted]"
	}
	if c.SecurityToken != "" {
		s += " SecurityToken=[redacted]"
	}
	return "Credentials{" + s + "}"
}

// CredentialsProvider supplies the credentials of requests. A [Client] calls it before every attempt, so that
// credentials may change at any time. It must be safe for concurrent use.
type CredentialsProvider interface {
	// Credentials returns the current credentials. It should return as soon as ctx ends.
	Credentials(ctx context.Context) (Credentials, error)
}

// CredentialsFunc is an adapter that makes a function a [CredentialsProvider].
type CredentialsFunc func(ctx context.Context) (Credentials, error)

// Credentials calls f(ctx).
func (f CredentialsFunc) Credentials(ctx context.Context) (Credentials, error) { return f(ctx) }

// StaticCredentials returns a provider that always returns the given key. securityToken is empty for a permanent
// key.
func StaticCredentials(accessKeyID, accessKeySecret, securityToken string) CredentialsProvider {
	return staticCredentials(func() Credentials { return Credentials{accessKeyID, accessKeySecret, securityToken} })
}

// staticCredentials is a function, so that printing a value that holds the provider shows an address and no secret.
type staticCredentials func() Credentials

func (f staticCredentials) Credentials(context.Context) (Credentials, error) { return f(), nil }

// isNil reports whether the value in an interface is missing, a nil pointer, or a nil function.
func isNil(value any) bool {
	v := reflect.ValueOf(value)
	return !v.IsValid() || (v.Kind() == reflect.Pointer || v.Kind() == reflect.Func) && v.IsNil()
}
