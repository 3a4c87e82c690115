package interop

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
	"github.com/alibabacloud-go/tea/tea"
	"github.com/livetranscode/livetranscode-go"
)

// sdk is Alibaba's generic client, used as their generated SDK for the service uses it.
type sdk struct {
	*openapi.Client
	runtime dara.RuntimeOptions
}

// sendVia sends the requests of an sdk.
type sendVia func(*http.Request) (*http.Response, error)

// Call implements dara.HttpClient.
func (send sendVia) Call(req *http.Request, _ *http.Transport) (*http.Response, error) {
	return send(req)
}

// newSDK returns an sdk that calls a server on loopback.
func newSDK(t *testing.T, srv *httptest.Server, c livetranscode.Credentials, send sendVia) sdk {
	t.Helper()
	if send == nil {
		send = srv.Client().Do
	}
	config := &openapiutil.Config{
		AccessKeyId:     &c.AccessKeyID,
		AccessKeySecret: &c.AccessKeySecret,
		Endpoint:        dara.String(srv.Listener.Addr().String()),
		Protocol:        dara.String("HTTP"),
		HttpClient:      send,
	}
	if c.SecurityToken != "" {
		config.SecurityToken = &c.SecurityToken
	}
	client, err := openapi.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	return sdk{Client: client}
}

// parameters are the parameters of a call by name.
type parameters map[string]any

// The objects among the parameters, with their fields in the order in which the generated SDK declares and sends them:
// sorted by name.
type (
	streamInput struct {
		InputURL string `json:"InputUrl,omitempty"`
		Type     string `json:",omitempty"`
	}
	transcodeOutput struct {
		DomainName string `json:",omitempty"`
		Type       string `json:",omitempty"`
	}
	timedConfig struct {
		EndTime   string `json:",omitempty"`
		StartTime string `json:",omitempty"`
	}
	templateConfig struct {
		AudioParams *audioParams `json:",omitempty"`
		VideoParams *videoParams `json:",omitempty"`
	}
	audioParams struct {
		Bitrate, Channels, Codec, Profile, Samplerate string `json:",omitempty"`
	}
	videoParams struct {
		Bitrate, Codec, Fps, Gop, Height, Profile, Width string `json:",omitempty"`
	}
)

// call executes an operation and returns the body of the response. headers override the SDK's own.
func (s sdk) call(operation string, in parameters, headers ...string) (map[string]any, error) {
	query := map[string]any{}
	for name, value := range in {
		if reflect.TypeOf(value).Kind() == reflect.Pointer {
			value = openapiutil.ArrayToStringWithSpecifiedStyle(value, &name, dara.String("json"))
		}
		query[name] = value
	}
	req := &openapiutil.OpenApiRequest{Query: openapiutil.Query(query), Headers: map[string]*string{}}
	for i := 0; i < len(headers); i += 2 {
		req.Headers[headers[i]] = &headers[i+1]
	}
	params := &openapiutil.Params{
		Action:      &operation,
		Version:     dara.String("2020-11-09"),
		Protocol:    dara.String("HTTPS"), // the config overrides it
		Pathname:    dara.String("/"),
		Method:      dara.String("POST"),
		AuthType:    dara.String("AK"),
		Style:       dara.String("RPC"),
		ReqBodyType: dara.String("formData"),
		BodyType:    dara.String("json"),
	}
	result, err := s.CallApi(params, req, &s.runtime)
	if err != nil {
		return nil, err
	}
	body, _ := result["body"].(map[string]any)
	return body, nil
}

// codeOf returns the code of an error response, "" for any other error.
func codeOf(err error) string {
	if sdkErr, ok := errors.AsType[*tea.SDKError](err); ok {
		return dara.StringValue(sdkErr.Code)
	}
	return ""
}
