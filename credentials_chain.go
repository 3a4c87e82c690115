package livetranscode

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/aliyun/credentials-go/credentials/providers"
)

// DefaultCredentials returns a provider that searches the sources of the default chain of
// github.com/aliyun/credentials-go in its order, and uses the first that has credentials:
//
//  1. The environment variables ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET and
//     ALIBABA_CLOUD_SECURITY_TOKEN.
//  2. OIDC: ALIBABA_CLOUD_OIDC_TOKEN_FILE or ALIBABA_CLOUD_OIDC_TOKEN, ALIBABA_CLOUD_OIDC_PROVIDER_ARN and
//     ALIBABA_CLOUD_ROLE_ARN.
//  3. The profile of the command line tool: ALIBABA_CLOUD_CONFIG_FILE, defaulting to ~/.aliyun/config.json, and
//     ALIBABA_CLOUD_PROFILE.
//  4. The credentials file: ALIBABA_CLOUD_CREDENTIALS_FILE, defaulting to ~/.alibabacloud/credentials, and
//     ALIBABA_CLOUD_PROFILE.
//  5. The RAM role of the ECS instance: ALIBABA_CLOUD_ECS_METADATA names the role.
//  6. The credentials URI: ALIBABA_CLOUD_CREDENTIALS_URI.
//
// SECURITY.md lists the other variables that these sources read. Two things may surprise: a profile of mode External
// runs a command, whose output credentials-go prints if it is not JSON; and requests for the RAM role use HTTP_PROXY,
// unless NO_PROXY contains 100.100.100.200.
//
// A source that has had credentials is used until it fails or the service refuses its credentials. Then the chain is
// searched again, and all files and variables are read again. A source that has had credentials is not left for a later
// one as long as it is configured, so that a failure does not change the identity.
//
// The error is [ErrNoCredentials] if no source is configured. A source that is configured but fails is another error,
// which names the source and the reason; waits and watches tolerate it. Caching is that of [FromCredential].
func DefaultCredentials() CredentialsProvider {
	return newCachedCredentials(new(defaultChain).fetch)
}

// A defaultChain searches the sources of the default chain. It does so itself because the chain of credentials-go does
// not tell which sources are configured, and never leaves the last one after a failure.
type defaultChain struct {
	current *credentialsSource // nil: search
	worked  string             // the name of the last source that had credentials
}

// fetch returns the credentials of the current source, or searches the chain. It is called by one goroutine at a time.
func (c *defaultChain) fetch(refused bool) (Credentials, error) {
	if c.current == nil || refused {
		return c.search()
	}
	creds, err := lookUp(c.current.get)
	if err != nil {
		err = lookupError(c.current.name + ": " + err.Error())
		c.current = nil
	}
	return creds, err
}

// search returns the credentials of the first source that has some.
func (c *defaultChain) search() (Credentials, error) {
	c.current = nil
	var failed, hints []string // the reasons of configured sources, and of others that help the reader
	for _, source := range newSources() {
		creds, err := lookUp(source.get)
		if err == nil {
			c.current, c.worked = source, source.name
			return creds, nil
		}
		reason := source.name + ": " + err.Error()
		malformed := errors.Is(err, errMalformedCredentials)
		if !malformed && !source.isConfigured(err) {
			if source.hinted {
				hints = append(hints, reason)
			}
			continue
		}
		if failed = append(failed, reason); malformed || source.name == c.worked {
			break // a later source may be another identity
		}
	}
	switch {
	case len(failed) > 0:
		return Credentials{}, lookupError(failed...)
	case c.worked != "":
		return Credentials{}, lookupError(c.worked + ": no longer configured")
	}
	return Credentials{}, fmt.Errorf("%w: set %s and %s (and %s for temporary ones), or configure another source%s",
		ErrNoCredentials, envAccessKeyID, envAccessKeySecret, envSecurityToken, joinReasons(hints))
}

// The environment variables that tell whether a source is configured.
const (
	envAccessKeyID     = "ALIBABA_CLOUD_ACCESS_KEY_ID"
	envAccessKeySecret = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
	envSecurityToken   = "ALIBABA_CLOUD_SECURITY_TOKEN"
	envOIDCToken       = "ALIBABA_CLOUD_OIDC_TOKEN"
	envOIDCTokenFile   = "ALIBABA_CLOUD_OIDC_TOKEN_FILE"
	envOIDCProvider    = "ALIBABA_CLOUD_OIDC_PROVIDER_ARN"
	envRoleARN         = "ALIBABA_CLOUD_ROLE_ARN"
	envProfile         = "ALIBABA_CLOUD_PROFILE"
	envConfigFile      = "ALIBABA_CLOUD_CONFIG_FILE"
	envCredentialsFile = "ALIBABA_CLOUD_CREDENTIALS_FILE"
	envCLIDisabled     = "ALIBABA_CLOUD_CLI_PROFILE_DISABLED"
	envInstanceRole    = "ALIBABA_CLOUD_ECS_METADATA"
	envURI             = "ALIBABA_CLOUD_CREDENTIALS_URI"
)

// A credentialsSource is one source of the default chain.
type credentialsSource struct {
	name         string
	get          func() (Credentials, error)
	isConfigured func(error) bool // given the error of get
	hinted       bool             // something suggests that it was meant to be configured
}

// newSources returns the sources of the default chain of credentials-go in its order.
func newSources() []*credentialsSource {
	config, hasConfig := configFile(envConfigFile, ".aliyun/config.json")
	ini, hasINI := configFile(envCredentialsFile, ".alibabacloud/credentials")
	hasToken := isSet(envOIDCToken) || isSet(envOIDCTokenFile)
	always := func(configured bool) func(error) bool { return func(error) bool { return configured } }
	return []*credentialsSource{
		{
			"environment variables", getter(providers.NewEnvironmentVariableCredentialsProviderBuilder().Build),
			always(isSet(envAccessKeyID) && isSet(envAccessKeySecret)), isSet(envAccessKeyID) || isSet(envAccessKeySecret),
		},
		{
			"OIDC", getter(providers.NewOIDCCredentialsProviderBuilder().Build),
			always(hasToken && isSet(envOIDCProvider) && isSet(envRoleARN)), hasToken || isSet(envOIDCProvider),
		},
		{
			"CLI profile in " + config, getter(providers.NewCLIProfileCredentialsProviderBuilder().Build),
			always(hasConfig && !strings.EqualFold(os.Getenv(envCLIDisabled), "true")), isSet(envProfile),
		},
		{
			"credentials file " + ini, getter(providers.NewProfileCredentialsProviderBuilder().Build),
			always(hasINI), isSet(envProfile),
		},
		{
			"RAM role of the instance", getter(providers.NewECSRAMRoleCredentialsProviderBuilder().Build),
			func(err error) bool { return hasInstanceRole(err, isECSInstance(productNameFile)) }, true,
		},
		{
			"credentials URI", getter(providers.NewURLCredentialsProviderBuilder().Build),
			always(isSet(envURI)), false,
		},
	}
}

// getter returns the lookup of a provider of credentials-go. A provider that cannot be built is not configured.
func getter[P providers.CredentialsProvider](build func() (P, error)) func() (Credentials, error) {
	provider, err := build()
	return func() (Credentials, error) {
		if err != nil {
			return Credentials{}, err
		}
		creds, err := provider.GetCredentials()
		if err != nil {
			return Credentials{}, err
		}
		return Credentials{creds.AccessKeyId, creds.AccessKeySecret, creds.SecurityToken}, nil
	}
}

func isSet(variable string) bool { return os.Getenv(variable) != "" }

// configFile returns the path of a configuration file, and whether it is configured: named by a variable, or there.
func configFile(variable, name string) (path string, configured bool) {
	if path = os.Getenv(variable); path != "" {
		return path, true
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "~/" + name, false
	}
	path = filepath.Join(home, name)
	_, err = os.Stat(path)
	return path, !errors.Is(err, fs.ErrNotExist)
}

// metadataFailed matches the error of a metadata service that responds, but not as it should. Before the role is known
// it is "get role name failed: GET http://100.100.100.200/latest/meta-data/ram/security-credentials/ 503".
var metadataFailed = regexp.MustCompile(`/security-credentials/ (?:429|5[0-9][0-9])|^refresh Ecs sts token err`)

// hasInstanceRole reports whether this is an instance with a RAM role, though the metadata service returned err.
// Without a response that is not known: it is assumed if a variable names the role, or the machine is an ECS instance.
func hasInstanceRole(err error, isInstance bool) bool {
	switch text := err.Error(); {
	case strings.Contains(text, "IMDS credentials is disabled"), strings.Contains(text, "/security-credentials/ 404"):
		return false
	case isSet(envInstanceRole), metadataFailed.MatchString(text):
		return true
	}
	return isInstance
}

// productNameFile holds the product name of the machine on Linux.
const productNameFile = "/sys/class/dmi/id/product_name"

// isECSInstance reports whether a product name says that the machine is an ECS instance.
func isECSInstance(productNameFile string) bool {
	name, err := os.ReadFile(productNameFile)
	return err == nil && strings.HasPrefix(string(name), "Alibaba Cloud ECS")
}
