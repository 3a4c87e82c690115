package livetranscode_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

// callOperation calls an operation that package livetranscode does not have, once. It decodes the response into result.
func callOperation(
	ctx context.Context, endpoint string, provider livetranscode.CredentialsProvider,
	operation string, params url.Values, result any,
) error {
	creds, err := provider.Credentials(ctx)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+"/?"+params.Encode(), nil)
	if err != nil {
		return errors.New("invalid endpoint") // err has the URL, and with it all parameters
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("x-acs-action", operation)
	req.Header.Set("x-acs-version", "2020-11-09")
	var signer livetranscode.Signer // a program: one for all calls
	if err = signer.Sign(req, nil, creds, time.Now(), rand.Text()); err != nil {
		return err
	}

	resp, err := httpClient.Do(req)
	if urlErr, ok := errors.AsType[*url.Error](err); ok {
		err = urlErr.Err // without the URL
	}
	if err != nil {
		return &livetranscode.CallError{Operation: operation, Attempts: 1, Err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	if err != nil {
		return &livetranscode.CallError{Operation: operation, Attempts: 1, Err: err}
	}
	if resp.StatusCode != http.StatusOK {
		failed := &livetranscode.APIError{Operation: operation, StatusCode: resp.StatusCode, Attempts: 1}
		// Without the Message, which may repeat the parameters and the security token.
		var fields struct{ Code, RequestId string } //nolint:revive // the service's spelling
		if json.Unmarshal(body, &fields) == nil {
			failed.Code, failed.RequestID = fields.Code, fields.RequestId
		}
		return failed
	}
	return json.Unmarshal(body, result)
}

// httpClient follows no redirect: the next host must not get the security token.
var httpClient = &http.Client{
	Timeout:       30 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// How do I call an operation that this package does not have? With a Signer, as callOperation does. Its errors are of
// the types and kinds of this package; it makes no retries.
func ExampleSigner_otherOperation() {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Query().Get("JobId") != "job-1" {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"RequestId":"r-2","Code":"JobNotFound","Message":"..."}`)
			return
		}
		fmt.Fprint(w, `{"RequestId":"r-1","JobId":"job-1","JobName":"evening-show","TimeInterval":5}`)
	}))
	defer service.Close() // a program: https://ice.cn-shanghai.aliyuncs.com and DefaultCredentials
	credentials := livetranscode.StaticCredentials("key-id", "key-secret", "")

	var job struct {
		JobName      string
		TimeInterval int // in seconds
	}
	err := callOperation(context.Background(), service.URL, credentials,
		"GetLiveSnapshotJob", url.Values{"JobId": {"job-1"}}, &job)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(job.JobName, "has a snapshot every", job.TimeInterval, "seconds")

	err = callOperation(context.Background(), service.URL, credentials,
		"GetLiveSnapshotJob", url.Values{"JobId": {"job-2"}}, &job)
	fmt.Println("not found:", errors.Is(err, livetranscode.ErrNotFound))
	fmt.Println(err)
	// Output:
	// evening-show has a snapshot every 5 seconds
	// not found: true
	// livetranscode: GetLiveSnapshotJob: JobNotFound (status 404, request id r-2)
}
