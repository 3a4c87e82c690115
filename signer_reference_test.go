package livetranscode

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
)

// signable returns a request to address as a caller of Sign would make it.
func signable(t testing.TB, address string) *http.Request {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Request{
		Method: http.MethodPost, URL: u, Host: u.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{acs3.HeaderAction: {"GetLiveTranscodeJob"}, acs3.HeaderVersion: {"2020-11-09"}},
	}
}

// referenceAuthorization is a second implementation of the signature, written after the documentation. It starts
// from the bytes that net/http sends, so that it also finds differences between what is signed and what is sent.
func referenceAuthorization(t testing.TB, req *http.Request, body []byte, creds Credentials) string {
	t.Helper()
	out := req.Clone(t.Context())
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	var wire bytes.Buffer
	if err := out.Write(&wire); err != nil {
		t.Fatal(err)
	}
	seen, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		t.Fatal(err)
	}

	path, query, _ := strings.Cut(seen.RequestURI, "?")
	var segments []string
	for segment := range strings.SplitSeq(path, "/") {
		plain, bad := url.PathUnescape(segment)
		if bad != nil {
			t.Fatal(bad)
		}
		segments = append(segments, referenceEncode(plain))
	}

	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	var names, pairs []string
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range values[name] {
			pairs = append(pairs, referenceEncode(name)+"="+referenceEncode(value))
		}
	}
	canonical := strings.Join(pairs, "&")
	if query != canonical {
		t.Errorf("query on the wire:\n%s\nits canonical form:\n%s", query, canonical)
	}

	lines := []string{"host:" + seen.Host}
	for key, values := range seen.Header {
		name := strings.ToLower(key)
		if name != "content-type" && !strings.HasPrefix(name, "x-acs-") {
			continue
		}
		var trimmed []string
		for _, v := range values {
			trimmed = append(trimmed, strings.TrimSpace(v))
		}
		slices.Sort(trimmed)
		lines = append(lines, name+":"+strings.Join(trimmed, ","))
	}
	nameOf := func(line string) string { name, _, _ := strings.Cut(line, ":"); return name }
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(nameOf(a), nameOf(b)) })
	var signed []string
	for _, line := range lines {
		signed = append(signed, nameOf(line))
	}

	hash := func(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }
	request := strings.Join([]string{
		seen.Method, strings.Join(segments, "/"), canonical, strings.Join(lines, "\n") + "\n", strings.Join(signed, ";"), hash(body),
	}, "\n")
	mac := hmac.New(sha256.New, []byte(creds.AccessKeySecret))
	io.WriteString(mac, "ACS3-HMAC-SHA256\n"+hash([]byte(request)))
	return fmt.Sprintf("ACS3-HMAC-SHA256 Credential=%s,SignedHeaders=%s,Signature=%x", creds.AccessKeyID, strings.Join(signed, ";"), mac.Sum(nil))
}

func referenceEncode(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
