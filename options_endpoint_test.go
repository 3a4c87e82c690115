package livetranscode

import (
	"errors"
	"strings"
	"testing"
)

func TestWithEndpoint(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ address, want string }{
		{"ice-vpc.cn-shanghai.aliyuncs.com", "https://ice-vpc.cn-shanghai.aliyuncs.com/"},
		{"ice.cn-shanghai.aliyuncs.com:443", "https://ice.cn-shanghai.aliyuncs.com:443/"},
		{"ice.cn-shanghai.aliyuncs.com/", "https://ice.cn-shanghai.aliyuncs.com/"},
		{"https://ice.cn-shanghai.aliyuncs.com", "https://ice.cn-shanghai.aliyuncs.com/"},
		{"https://ice.cn-shanghai.aliyuncs.com/", "https://ice.cn-shanghai.aliyuncs.com/"},
		{"HTTPS://ice.cn-shanghai.aliyuncs.com", "https://ice.cn-shanghai.aliyuncs.com/"},
		{"https://host:8443", "https://host:8443/"},
		{"https://host:", "https://host/"},
		{"localhost", "https://localhost/"},
		{"localhost:8443", "https://localhost:8443/"},
		{"127.0.0.1:80", "https://127.0.0.1:80/"},
		{"[::1]:80", "https://[::1]:80/"},
		{"http://localhost", "http://localhost/"},
		{"http://LOCALHOST:8080/", "http://LOCALHOST:8080/"},
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080/"},
		{"http://127.1.2.3", "http://127.1.2.3/"},
		{"http://[::1]", "http://[::1]/"},
		{"http://[::1]:8080", "http://[::1]:8080/"},
	} {
		t.Run(test.address, func(t *testing.T) {
			t.Parallel()
			client := mustClient(t, WithEndpoint(test.address))
			if got := client.template.URL.String(); got != test.want {
				t.Errorf("endpoint %s, want %s", got, test.want)
			}
			if client.template.Host != client.template.URL.Host {
				t.Errorf("Host header %s of endpoint %s", client.template.Host, client.template.URL.Host)
			}
		})
	}
}

func TestWithEndpointRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ address, reason string }{
		{"", "is empty"},
		{"http://ice.cn-shanghai.aliyuncs.com", "has scheme http"},
		{"http://10.0.0.1", "has scheme http"},
		{"http://0.0.0.0", "has scheme http"},
		{"http://[::]", "has scheme http"},
		{"http://localhost.example.com", "has scheme http"},
		{"http://127.0.0.1.example.com", "has scheme http"},
		{"http://notlocalhost", "has scheme http"},
		{"ftp://host", "has a scheme other than"},
		{"rtmp://host/app/sesame", "has a scheme other than"},
		{"https://", "has no host"},
		{"https://:443", "has no host"},
		{"https:///sesame", "has no host"},
		{"://host", "is not a URL"},
		{"https://user:sesame@host", "has user info"},
		{"https://sesame@host", "has user info"},
		{"https://@host", "has user info"},
		{"user:sesame@host", "has user info"},
		{"https://host?sesame", "has a query"},
		{"https://host?", "has a query"},
		{"host/?k=sesame", "has a query"},
		{"https://host#sesame", "has a fragment"},
		{"https://host#", "has a fragment"},
		{"https://host/sesame", "has a path"},
		{"host/sesame", "has a path"},
		{"https://host//", "has a path"},
		{"https://host:port", "is not a URL"},
		{"https://host:0", "has a port"},
		{"https://host:65536", "has a port"},
		{"https://host:123456", "has a host with other characters"},
		{"https://[::1%25eth0]", "has a host with other characters"},
		{"https://直播.example", "has a host with other characters"},
		{"https://h%E7%9B%B4.example", "has a host with other characters"},
		{"https://user:ses%zzame@host", "is not a URL"},
		{"https://user:sesame@ho st", "is not a URL"},
		{"https://user:sesame@host\n", "is not a URL"},
		{" ice.cn-shanghai.aliyuncs.com", "is not a URL"},
		{"ice.cn-shanghai.aliyuncs.com ", "is not a URL"},
		{"[::1", "is not a URL"},
	} {
		t.Run(test.address, func(t *testing.T) {
			t.Parallel()
			err := wantOptionError(t, WithEndpoint(test.address), "WithEndpoint", "rawURL")
			if !strings.Contains(err.Error(), test.reason) {
				t.Errorf("error %q, want %q", err, test.reason)
			}
			if strings.Contains(err.Error(), "sesame") {
				t.Errorf("the error repeats the address: %v", err)
			}
		})
	}
}

// TestWithEndpointRefusesBytes tries every byte in a host: net/url accepts more than a Host header can hold.
func TestWithEndpointRefusesBytes(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		host := "x" + string([]byte{byte(c)}) + "y"
		valid := c < 0x80 && strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._", rune(c))
		for _, address := range []string{host, "https://" + host, "https://" + host + ":443/", "https://host" + host} {
			client, err := NewClient(WithEndpoint(address))
			switch {
			case valid && err != nil:
				t.Errorf("%q is refused: %v", address, err)
			case !valid && (err == nil || client != nil || !errors.Is(err, ErrInvalidRequest)):
				t.Errorf("%q is accepted, or %v is not ErrInvalidRequest", address, err)
			}
		}
	}
}

func TestWithRegion(t *testing.T) {
	t.Parallel()
	if got := mustClient(t).template.URL.String(); got != "https://ice.cn-shanghai.aliyuncs.com/" {
		t.Errorf("without a region: %s", got)
	}
	all := []string{"cn-shanghai", "cn-beijing", "cn-hangzhou", "cn-shenzhen", "ap-southeast-1", "us-west-1"}
	for _, region := range all {
		client := mustClient(t, WithRegion(region))
		if got, want := client.template.URL.String(), "https://ice."+region+".aliyuncs.com/"; got != want || client.template.Host != client.template.URL.Host {
			t.Errorf("endpoint %s, Host %s, want %s", got, client.template.Host, want)
		}
	}
	for _, region := range []string{"", "shanghai", "CN-SHANGHAI", "cn-shanghai ", "evil.example/"} {
		err := wantOptionError(t, WithRegion(region), "WithRegion", "region")
		for _, known := range all {
			if !strings.Contains(err.Error(), known) {
				t.Errorf("error %q does not list %s", err, known)
			}
		}
	}
}

func TestEndpointWinsOverRegion(t *testing.T) {
	t.Parallel()
	const want = "https://ice-vpc.cn-shanghai.aliyuncs.com/"
	endpoint, region := WithEndpoint("ice-vpc.cn-shanghai.aliyuncs.com"), WithRegion("us-west-1")
	for name, opts := range map[string][]Option{"region last": {endpoint, region}, "region first": {region, endpoint}} {
		if got := mustClient(t, opts...).template.URL.String(); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if _, err := NewClient(endpoint, WithRegion("nowhere")); err == nil {
		t.Error("an unknown region is accepted with an endpoint")
	}
}
