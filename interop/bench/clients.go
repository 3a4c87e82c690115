package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"

	"github.com/livetranscode/livetranscode-go"
)

// canned is a transport with canned responses.
type canned func(*http.Request) []byte

func (respond canned) RoundTrip(req *http.Request) (*http.Response, error) {
	body := respond(req)
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(body)),
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)), Request: req,
	}, nil
}

// Call implements dara.HttpClient.
func (respond canned) Call(req *http.Request, _ *http.Transport) (*http.Response, error) {
	return respond.RoundTrip(req)
}

func newClient(opts ...livetranscode.Option) *livetranscode.Client {
	return must(livetranscode.NewClient(append([]livetranscode.Option{
		livetranscode.WithCredentials(livetranscode.StaticCredentials(keyID, keySecret, "")),
	}, opts...)...))
}

func newSDK(host, protocol string, via dara.HttpClient) *openapi.Client {
	return must(openapi.NewClient(&openapiutil.Config{
		AccessKeyId: dara.String(keyID), AccessKeySecret: dara.String(keySecret), Endpoint: &host, Protocol: &protocol, HttpClient: via,
	}))
}

// signedHeaders are the headers that a signature adds to a request.
var signedHeaders = http.Header{
	"X-Acs-Date":            {"2022-07-20T02:48:58Z"},
	"X-Acs-Signature-Nonce": {"ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
	"X-Acs-Content-Sha256":  {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	"Authorization": {"ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version," +
		"Signature=c5e82a3328e5ebe28e50ada00558dbb6bc94cff27ac00b847572e5065471622a"},
}

// callClient, callFloor and callSDK make one call and check the response.
func callClient(c *livetranscode.Client) {
	if resp := must(c.GetLiveTranscodeJob(context.Background(), jobID)); resp.Job.Status != livetranscode.JobStatusInProgress {
		panic(resp.Job.Status)
	}
}

func callFloor(ctx context.Context, hc *http.Client, address string, more ...http.Header) {
	req := must(http.NewRequestWithContext(ctx, http.MethodPost, address, nil))
	req.Header["X-Acs-Action"], req.Header["X-Acs-Version"] = []string{"GetLiveTranscodeJob"}, []string{"2020-11-09"}
	req.Header["Accept"] = []string{"application/json"}
	for _, header := range more {
		maps.Copy(req.Header, header)
	}
	resp := must(hc.Do(req))
	defer resp.Body.Close()
	var response plainResponse
	if err := json.NewDecoder(resp.Body).Decode(&response); err != nil || response.Job.Status != 1 {
		panic(fmt.Sprint(err, response.Job.Status))
	}
	_, _ = io.Copy(io.Discard, resp.Body)
}

// sdkResponse is the response as the generated SDK declares it.
type sdkResponse struct {
	Body *struct {
		RequestId *string //nolint:revive // as the SDK spells it
		Job       *struct {
			Name, JobId, TemplateType, TemplateId, TemplateName *string //nolint:revive // as above
			StartMode, Status                                   *int32
			StreamInput                                         *struct{ Type, InputUrl *string }
			OutputStream                                        *struct {
				StreamInfos []*struct{ Type, OutputUrl *string }
			}
			CreateTime *string
		}
	} `json:"body"`
}

var sdkParams = openapiutil.Params{
	Action: dara.String("GetLiveTranscodeJob"), Version: dara.String("2020-11-09"), Protocol: dara.String("HTTPS"),
	Pathname: dara.String("/"), Method: dara.String("POST"), AuthType: dara.String("AK"), Style: dara.String("RPC"),
	ReqBodyType: dara.String("formData"), BodyType: dara.String("json"),
}

func callSDK(c *openapi.Client) {
	params := sdkParams
	result := must(c.CallApi(&params, &openapiutil.OpenApiRequest{Query: openapiutil.Query(map[string]any{"JobId": jobID})}, &dara.RuntimeOptions{}))
	var response sdkResponse
	if err := dara.Convert(result, &response); err != nil || *response.Body.Job.Status != 1 {
		panic(fmt.Sprint(err))
	}
}
