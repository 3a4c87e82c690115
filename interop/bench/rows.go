package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
	"github.com/livetranscode/livetranscode-go"
)

const (
	keyID     = "testid"
	keySecret = "testsecret"
	jobID     = "****20b48fb04483915d4f2cd8ac****"
	endpoint  = "https://ice.cn-shanghai.aliyuncs.com"
	rawQuery  = "JobId=%2A%2A%2A%2A20b48fb04483915d4f2cd8ac%2A%2A%2A%2A"
)

const jobText = `{"Name":"task1","JobId":"%s","TemplateType":"normal","TemplateId":"b6491d5b3e514b7d895d14b5453ea119","TemplateName":"basic","StartMode":0,"Status":1,"StreamInput":{"Type":"rtmp","InputUrl":"rtmp://mydomain/app/stream1"},"OutputStream":{"StreamInfos":[{"Type":"rtmp","OutputUrl":"rtmp://mydomain/app/mytranscode1"}]},"CreateTime":"2022-07-20T02:48:58Z"}`

var (
	jobAnswer  = fmt.Appendf(nil, `{"RequestId":"******3B-0E1A-586A-AC29-742247******","Job":`+jobText+`}`, jobID)
	pageAnswer = page(100, 100, 0)
)

// page returns the answer to a List: n jobs of total, with ids from first on.
func page(n, total, first int) []byte {
	jobs := make([]string, n)
	for i := range jobs {
		jobs[i] = fmt.Sprintf(jobText, fmt.Sprintf("%032x", first+i))
	}
	return fmt.Appendf(nil, `{"RequestId":"R","TotalCount":%d,"JobList":[%s]}`, total, strings.Join(jobs, ","))
}

// The answers as a careful programmer would decode them by hand.
type (
	plainJob struct {
		Name, JobId, TemplateType, TemplateId, TemplateName string //nolint:revive // the names of the wire, for lack of tags
		StartMode, Status                                   int
		StreamInput                                         struct{ Type, InputUrl string }
		OutputStream                                        struct {
			StreamInfos []struct{ Type, OutputUrl string }
		}
		CreateTime time.Time
	}
	plainAnswer struct {
		RequestId string //nolint:revive // as above
		Job       plainJob
	}
	plainPage struct {
		RequestId  string //nolint:revive // as above
		TotalCount int
		JobList    []*plainJob
	}
)

// signatureRow: what one signature cannot avoid, ours with all headers set, and Alibaba's function.
func signatureRow() row {
	mac := hmac.New(sha256.New, []byte(keySecret))
	canonical, toSign := make([]byte, 480), make([]byte, 81)
	var sum, text []byte
	var signer livetranscode.Signer
	creds := livetranscode.Credentials{AccessKeyID: keyID, AccessKeySecret: keySecret}
	action, version, accept := []string{"GetLiveTranscodeJob"}, []string{"2020-11-09"}, []string{"application/json"}
	return row{name: "signature", contestants: []contestant{
		{"crypto floor", func(n int) {
			for range n {
				hashed := sha256.Sum256(canonical)
				hex.Encode(toSign[17:], hashed[:])
				mac.Reset()
				mac.Write(toSign)
				sum = mac.Sum(sum[:0])
				text = hex.AppendEncode(text[:0], sum)
			}
		}},
		{"livetranscode", func(n int) {
			req := must(http.NewRequest(http.MethodPost, endpoint+"/?"+rawQuery, nil))
			req.Header["X-Acs-Action"], req.Header["X-Acs-Version"] = action, version
			req.Header["Accept"], req.Header["User-Agent"] = accept, accept
			for range n {
				if err := signer.Sign(req, nil, creds, time.Now(), rand.Text()); err != nil {
					panic(err)
				}
			}
		}},
		{"livetranscode, new header map", func(n int) {
			req := must(http.NewRequest(http.MethodPost, endpoint+"/?"+rawQuery, nil))
			for range n {
				req.Header = make(http.Header, 8)
				req.Header["X-Acs-Action"], req.Header["X-Acs-Version"] = action, version
				req.Header["Accept"], req.Header["User-Agent"] = accept, accept
				if err := signer.Sign(req, nil, creds, time.Now(), rand.Text()); err != nil {
					panic(err)
				}
			}
		}},
		{"Alibaba's", func(n int) {
			for range n {
				req := &dara.Request{
					Method: dara.String("POST"), Pathname: dara.String("/"),
					Query: map[string]*string{"JobId": dara.String(jobID)},
					Headers: map[string]*string{
						"host": dara.String("ice.cn-shanghai.aliyuncs.com"), "x-acs-action": &action[0], "x-acs-version": &version[0],
						"x-acs-date": openapiutil.GetTimestamp(), "x-acs-signature-nonce": openapiutil.GetNonce(),
						"x-acs-content-sha256": dara.String(hex.EncodeToString(openapiutil.Hash(nil, dara.String("ACS3-HMAC-SHA256")))),
					},
				}
				openapiutil.GetAuthorization(req, dara.String("ACS3-HMAC-SHA256"), req.Headers["x-acs-content-sha256"], dara.String(keyID), dara.String(keySecret))
			}
		}},
	}}
}

// canned is a transport that has the answer ready.
type canned func(*http.Request) []byte

func (answer canned) RoundTrip(req *http.Request) (*http.Response, error) {
	body := answer(req)
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(body)),
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)), Request: req,
	}, nil
}

// Call implements dara.HttpClient.
func (answer canned) Call(req *http.Request, _ *http.Transport) (*http.Response, error) {
	return answer.RoundTrip(req)
}

func newOurs(opts ...livetranscode.Option) *livetranscode.Client {
	return must(livetranscode.NewClient(append([]livetranscode.Option{
		livetranscode.WithCredentials(livetranscode.StaticCredentials(keyID, keySecret, "")),
	}, opts...)...))
}

func newTheirs(host, protocol string, via dara.HttpClient) *openapi.Client {
	return must(openapi.NewClient(&openapiutil.Config{
		AccessKeyId: dara.String(keyID), AccessKeySecret: dara.String(keySecret), Endpoint: &host, Protocol: &protocol, HttpClient: via,
	}))
}

// signedHeaders are what a signature adds to a request, ready-made.
var signedHeaders = http.Header{
	"X-Acs-Date":            {"2022-07-20T02:48:58Z"},
	"X-Acs-Signature-Nonce": {"ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
	"X-Acs-Content-Sha256":  {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	"Authorization": {"ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version," +
		"Signature=c5e82a3328e5ebe28e50ada00558dbb6bc94cff27ac00b847572e5065471622a"},
}

// callOurs and its siblings make one call and look at the answer.
func callOurs(c *livetranscode.Client) {
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
	var answer plainAnswer
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Job.Status != 1 {
		panic(fmt.Sprint(err, answer.Job.Status))
	}
	_, _ = io.Copy(io.Discard, resp.Body)
}

// theirAnswer is the answer as the generated SDK declares it.
type theirAnswer struct {
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

var theirParams = openapiutil.Params{
	Action: dara.String("GetLiveTranscodeJob"), Version: dara.String("2020-11-09"), Protocol: dara.String("HTTPS"),
	Pathname: dara.String("/"), Method: dara.String("POST"), AuthType: dara.String("AK"), Style: dara.String("RPC"),
	ReqBodyType: dara.String("formData"), BodyType: dara.String("json"),
}

func callTheirs(c *openapi.Client) {
	params := theirParams
	result := must(c.CallApi(&params, &openapiutil.OpenApiRequest{Query: openapiutil.Query(map[string]any{"JobId": jobID})}, &dara.RuntimeOptions{}))
	var answer theirAnswer
	if err := dara.Convert(result, &answer); err != nil || *answer.Body.Job.Status != 1 {
		panic(fmt.Sprint(err))
	}
}

// callRow: one call over a transport that has the answer ready, so that only the client's work counts.
func callRow() row {
	transport := canned(func(*http.Request) []byte { return jobAnswer })
	hc := &http.Client{Transport: transport}
	ours := newOurs(livetranscode.WithHTTPClient(hc))
	theirs := newTheirs("ice.cn-shanghai.aliyuncs.com", "HTTPS", transport)
	return row{name: "call, canned answer", contestants: []contestant{
		{"http floor", func(n int) {
			for range n {
				callFloor(context.Background(), hc, endpoint+"/?"+rawQuery)
			}
		}},
		{"livetranscode", func(n int) {
			for range n {
				callOurs(ours)
			}
		}},
		{"Alibaba's", func(n int) {
			for range n {
				callTheirs(theirs)
			}
		}},
	}}
}

// decodeJobRow: a job from JSON, as a user of the type would decode it.
func decodeJobRow() row {
	text := fmt.Appendf(nil, jobText, jobID)
	return row{name: "decode, one job", contestants: []contestant{
		{"encoding/json", func(n int) {
			for range n {
				var job plainJob
				if err := json.Unmarshal(text, &job); err != nil {
					panic(err)
				}
			}
		}},
		{"livetranscode", func(n int) {
			for range n {
				var job livetranscode.Job
				if err := job.UnmarshalJSON(text); err != nil {
					panic(err)
				}
			}
		}},
	}}
}

// decodePageRow: a page of 100 jobs; for ours with the whole call around it.
func decodePageRow() row {
	ours := newOurs(livetranscode.WithHTTPClient(&http.Client{Transport: canned(func(*http.Request) []byte { return pageAnswer })}))
	return row{name: "decode, page of 100", contestants: []contestant{
		{"encoding/json", func(n int) {
			for range n {
				var answer plainPage
				if err := json.Unmarshal(pageAnswer, &answer); err != nil || len(answer.JobList) != 100 {
					panic(err)
				}
			}
		}},
		{"livetranscode, whole call", func(n int) {
			for range n {
				if resp := must(ours.ListLiveTranscodeJobs(context.Background(), nil)); len(resp.Jobs) != 100 {
					panic(len(resp.Jobs))
				}
			}
		}},
	}}
}
