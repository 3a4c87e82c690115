package livetranscode_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
)

// This file has responses and errors that echo the request.

// echoes are the encodings of an echo.
var echoes = map[string]func(string) string{
	"plain":           func(s string) string { return s },
	"in HTML":         html.EscapeString,
	"in an attribute": strings.NewReplacer("+", "&#43;", "/", "&#x2F;", "=", "&#61;", `"`, "&#34;", "&", "&amp;").Replace,
	"in a script":     strings.NewReplacer("+", `\u002b`, "/", `\u002F`, "=", `\u003d`, `"`, `\"`, "&", `\u0026`).Replace,
	"in JSON":         func(s string) string { b, _ := json.Marshal(s); return string(b) },
	"in a query":      url.QueryEscape,
	"upper case":      func(s string) string { return strings.Replace(s, "http/1.1", "HTTP/1.1", 1) },
	"as slices":       func(s string) string { return fmt.Sprintf("%q", strings.Split(s, "\r\n")) },
	"JSON's \\/":      func(s string) string { return strings.ReplaceAll(s, "/", `\/`) },
}

// An echoResponder returns a response, or an error, with a dump of the request in it.
type echoResponder func(req *http.Request, dump string) (*http.Response, error)

// echo returns everything that is known of a request, and the secret, too.
func echo(encode func(string) string, respond echoResponder) roundTripper {
	return func(req *http.Request) (*http.Response, error) {
		dump, err := httputil.DumpRequest(req, false)
		if err != nil {
			return nil, err
		}
		// The shortest come first, so that truncation does not hide them.
		known := fmt.Sprintf("token %s secret %s input %s output %s\r\nProxy-Authorization: Basic %s\r\nPOST %s HTTP/1.1\r\n%s", canaryToken, canarySecret,
			canaryInput, canaryOutput, base64.StdEncoding.EncodeToString([]byte("proxyuser:"+canaryPassword)), req.URL, dump)
		return respond(req, encode(known))
	}
}

// errorBody is an error of the service with a text in some of its fields.
func errorBody(fields ...string) echoResponder {
	return func(req *http.Request, dump string) (*http.Response, error) {
		body := map[string]any{"RequestId": "r", "Code": "InvalidParameter", "Message": "m"}
		for _, field := range fields {
			if name, ok := strings.CutPrefix(field, "AccessDeniedDetail."); ok {
				body["Code"], body["AccessDeniedDetail"] = "Forbidden.RAM", map[string]string{name: dump}
			} else {
				body[field] = dump
			}
		}
		b, err := json.Marshal(body)
		return response(req, 400, string(b)), err
	}
}

type brokenBody struct {
	io.Reader
	err error
}

func (b brokenBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		err = b.err
	}
	return n, err
}

func (brokenBody) Close() error { return nil }

// echoResponders put an echo into every part of a response or error.
var echoResponders = map[string]echoResponder{
	"page with 502": func(req *http.Request, dump string) (*http.Response, error) {
		return response(req, 502, "<html>"+dump), nil
	},
	"page with 404": func(req *http.Request, dump string) (*http.Response, error) {
		return response(req, 404, dump), nil
	},
	"page with 200": func(req *http.Request, dump string) (*http.Response, error) {
		return response(req, 200, dump), nil
	},
	"page, cut off": func(req *http.Request, dump string) (*http.Response, error) {
		return response(req, 502, dump[:len(dump)/2]), nil
	},
	"redirect": func(req *http.Request, dump string) (*http.Response, error) {
		return response(req, 302, dump, "Location", "https://elsewhere.example/?"+dump), nil
	},
	"error with 200": func(req *http.Request, dump string) (*http.Response, error) {
		resp, err := errorBody("Message")(req, dump)
		resp.StatusCode = 200
		return resp, err
	},
	"malformed date": func(req *http.Request, dump string) (*http.Response, error) {
		b, err := json.Marshal(map[string]any{"RequestId": dump, "Job": map[string]string{"JobId": "j", "CreateTime": dump}})
		return response(req, 200, string(b)), err
	},
	"wrong type": func(req *http.Request, dump string) (*http.Response, error) {
		b, err := json.Marshal(map[string]any{"RequestId": "r", "Job": map[string]any{"Status": dump, dump: 1}})
		return response(req, 200, string(b)), err
	},
	"header": func(req *http.Request, dump string) (*http.Response, error) {
		return response(req, 500, "", "X-Acs-Request-Id", dump), nil
	},
	"Message":                  errorBody("Message"),
	"Code":                     errorBody("Code"),
	"RequestId":                errorBody("RequestId"),
	"HostId":                   errorBody("HostId"),
	"Recommend":                errorBody("Recommend"),
	"AuthAction":               errorBody("AccessDeniedDetail.AuthAction"),
	"EncodedDiagnosticMessage": errorBody("AccessDeniedDetail.EncodedDiagnosticMessage"),
	"AuthPrincipalDisplayName": errorBody("AccessDeniedDetail.AuthPrincipalDisplayName"),
	"error of the transport":   func(_ *http.Request, dump string) (*http.Response, error) { return nil, errors.New(dump) },
	"network error": func(_ *http.Request, dump string) (*http.Response, error) {
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: errors.New(dump)}
	},
	"address error": func(req *http.Request, dump string) (*http.Response, error) {
		return nil, &url.Error{Op: "Post", URL: req.URL.String(), Err: errors.New(dump)}
	},
	"error of the body": func(req *http.Request, dump string) (*http.Response, error) {
		resp := response(req, 200, "")
		resp.Body = brokenBody{strings.NewReader(`{"RequestId":"r",`), &url.Error{Op: "Post", URL: req.URL.String(), Err: errors.New(dump)}}
		return resp, nil
	},
}
