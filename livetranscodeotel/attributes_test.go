package livetranscodeotel

import (
	"testing"

	"go.opentelemetry.io/otel/attribute"

	"github.com/livetranscode/livetranscode-go"
)

func TestServerAttributes(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]struct{ attributes, url string }{
		"ice.cn-shanghai.aliyuncs.com": {"server.address=ice.cn-shanghai.aliyuncs.com,server.port=443", "https://ice.cn-shanghai.aliyuncs.com/"},
		"proxy.example:8443":           {"server.address=proxy.example,server.port=8443", "https://proxy.example:8443/"},
		"[2001:db8::1]":                {"server.address=2001:db8::1,server.port=443", "https://[2001:db8::1]/"},
		"[2001:db8::1]:8443":           {"server.address=2001:db8::1,server.port=8443", "https://[2001:db8::1]:8443/"},
		// These may be http or https.
		"127.0.0.1:8080": {"server.address=127.0.0.1,server.port=8080", "//127.0.0.1:8080/"},
		"LocalHost":      {"server.address=LocalHost", "//LocalHost/"},
		"[::1]:8080":     {"server.address=::1,server.port=8080", "//[::1]:8080/"},
	} {
		attrs, url := serverAttributes(host)
		if got := encode(attribute.NewSet(attrs...)); got != want.attributes || url != want.url {
			t.Errorf("%s is %s and %s, want %s and %s", host, got, url, want.attributes, want.url)
		}
	}
}

func TestJobStatus(t *testing.T) {
	t.Parallel()
	for status, want := range map[livetranscode.JobStatus]string{
		livetranscode.JobStatusUnknown:    "unknown",
		livetranscode.JobStatusNotStarted: "not started",
		livetranscode.JobStatusInProgress: "in progress",
		livetranscode.JobStatusStopped:    "stopped",
		7:                                 "other",
		-7:                                "other",
	} {
		if got := jobStatus(status); got != want {
			t.Errorf("status %d is %q, want %q", int(status), got, want)
		}
	}
}
