package main

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

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
	jobResponse  = fmt.Appendf(nil, `{"RequestId":"******3B-0E1A-586A-AC29-742247******","Job":`+jobText+`}`, jobID)
	pageResponse = pageBody(100, 100, 0)
)

// pageBody returns a List response with n of total jobs, whose ids count up from first.
func pageBody(n, total, first int) []byte {
	jobs := make([]string, n)
	for i := range jobs {
		jobs[i] = fmt.Sprintf(jobText, fmt.Sprintf("%032x", first+i))
	}
	return fmt.Appendf(nil, `{"RequestId":"R","TotalCount":%d,"JobList":[%s]}`, total, strings.Join(jobs, ","))
}

// The responses as a careful programmer would decode them by hand.
type (
	plainJob struct {
		Name, JobId, TemplateType, TemplateId, TemplateName string //nolint:revive // the service's names, to do without tags
		StartMode, Status                                   int
		StreamInput                                         struct{ Type, InputUrl string }
		OutputStream                                        struct {
			StreamInfos []struct{ Type, OutputUrl string }
		}
		CreateTime time.Time
	}
	plainResponse struct {
		RequestId string //nolint:revive // as above
		Job       plainJob
	}
	plainPage struct {
		RequestId  string //nolint:revive // as above
		TotalCount int
		JobList    []*plainJob
	}
)

// signatureRow compares the hashing that a signature needs, our Signer with all headers set, and Alibaba's function.
func signatureRow() row {
	return row{name: "signature", candidates: []candidate{
		{"crypto floor", hashFloor()},
		{"livetranscode", func(n int) { sign(n, false) }},
		{"livetranscode, new header map", func(n int) { sign(n, true) }},
		{"Alibaba's", signSDK},
	}}
}

// hashFloor hashes as much as a signature does.
func hashFloor() func(n int) {
	mac := hmac.New(sha256.New, []byte(keySecret))
	canonical, toSign := make([]byte, 480), make([]byte, 81)
	var sum, text []byte
	return func(n int) {
		for range n {
			hashed := sha256.Sum256(canonical)
			hex.Encode(toSign[17:], hashed[:])
			mac.Reset()
			mac.Write(toSign)
			sum = mac.Sum(sum[:0])
			text = hex.AppendEncode(text[:0], sum)
		}
	}
}

var signer livetranscode.Signer

// sign signs one request n times, each time with a new header map if newHeader is set.
func sign(n int, newHeader bool) {
	creds := livetranscode.Credentials{AccessKeyID: keyID, AccessKeySecret: keySecret}
	action, version, accept := []string{"GetLiveTranscodeJob"}, []string{"2020-11-09"}, []string{"application/json"}
	req := must(http.NewRequestWithContext(context.Background(), http.MethodPost, endpoint+"/?"+rawQuery, nil))
	for i := range n {
		if i == 0 || newHeader {
			req.Header = make(http.Header, 8)
			req.Header["X-Acs-Action"], req.Header["X-Acs-Version"] = action, version
			req.Header["Accept"], req.Header["User-Agent"] = accept, accept
		}
		if err := signer.Sign(req, nil, creds, time.Now(), rand.Text()); err != nil {
			panic(err)
		}
	}
}

// signSDK signs one request n times with Alibaba's function.
func signSDK(n int) {
	const algorithm = "ACS3-HMAC-SHA256"
	action, version := "GetLiveTranscodeJob", "2020-11-09"
	for range n {
		hash := dara.String(hex.EncodeToString(openapiutil.Hash(nil, dara.String(algorithm))))
		req := &dara.Request{
			Method: dara.String("POST"), Pathname: dara.String("/"),
			Query: map[string]*string{"JobId": dara.String(jobID)},
			Headers: map[string]*string{
				"host":         dara.String("ice.cn-shanghai.aliyuncs.com"),
				"x-acs-action": &action, "x-acs-version": &version,
				"x-acs-date": openapiutil.GetTimestamp(), "x-acs-signature-nonce": openapiutil.GetNonce(),
				"x-acs-content-sha256": hash,
			},
		}
		openapiutil.GetAuthorization(req, dara.String(algorithm), hash, dara.String(keyID), dara.String(keySecret))
	}
}

// callRow measures one call over a transport with a canned response, so that only the client's work counts.
func callRow() row {
	transport := canned(func(*http.Request) []byte { return jobResponse })
	hc := &http.Client{Transport: transport}
	ours := newClient(livetranscode.WithHTTPClient(hc))
	sdk := newSDK("ice.cn-shanghai.aliyuncs.com", "HTTPS", transport)
	return row{name: "call, canned response", candidates: []candidate{
		{"http floor", func(n int) {
			for range n {
				callFloor(context.Background(), hc, endpoint+"/?"+rawQuery)
			}
		}},
		{"livetranscode", func(n int) {
			for range n {
				callClient(ours)
			}
		}},
		{"Alibaba's", func(n int) {
			for range n {
				callSDK(sdk)
			}
		}},
	}}
}

// decodeJobRow measures the decoding of a job, as a user of the type would do it.
func decodeJobRow() row {
	text := fmt.Appendf(nil, jobText, jobID)
	return row{name: "decode, one job", candidates: []candidate{
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

// decodePageRow measures a page of 100 jobs, for our client as a whole call.
func decodePageRow() row {
	ours := newClient(livetranscode.WithHTTPClient(&http.Client{Transport: canned(func(*http.Request) []byte { return pageResponse })}))
	return row{name: "decode, page of 100", candidates: []candidate{
		{"encoding/json", func(n int) {
			for range n {
				var response plainPage
				if err := json.Unmarshal(pageResponse, &response); err != nil || len(response.JobList) != 100 {
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
