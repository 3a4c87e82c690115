package livetranscode_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

// How do I sign a request myself? With a Signer. These values are those of the example in the service's documentation.
func ExampleSigner() {
	ctx := context.Background()
	const address = "https://ecs.cn-shanghai.aliyuncs.com/?ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, nil)
	if err != nil {
		log.Fatal(err)
	}
	req.Header.Set("x-acs-action", "RunInstances")
	req.Header.Set("x-acs-version", "2014-05-26")

	var signer livetranscode.Signer
	creds := livetranscode.Credentials{AccessKeyID: "YourAccessKeyId", AccessKeySecret: "YourAccessKeySecret"}
	at := time.Date(2023, 10, 26, 10, 22, 32, 0, time.UTC) // a program: time.Now()
	nonce := "3156853299f313e23d1673dc12e1703d"            // a program: crypto/rand.Text(), new for each request
	if err := signer.Sign(req, nil, creds, at, nonce); err != nil {
		log.Fatal(err)
	}
	for part := range strings.SplitSeq(req.Header.Get("Authorization"), ",") {
		fmt.Println(part)
	}
	// Output:
	// ACS3-HMAC-SHA256 Credential=YourAccessKeyId
	// SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version
	// Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0
}
