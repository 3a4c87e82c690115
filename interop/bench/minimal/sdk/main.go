// Command sdk is a minimal program with Alibaba's generic client, whose build is measured. It does without the
// generated package for the service, which would come on top.
package main

import (
	"fmt"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
	"github.com/aliyun/credentials-go/credentials"
)

func main() {
	credential, err := credentials.NewCredential(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := openapi.NewClient(&openapiutil.Config{Credential: credential, Endpoint: dara.String("ice.cn-shanghai.aliyuncs.com")})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(client.CallApi(&openapiutil.Params{}, &openapiutil.OpenApiRequest{}, &dara.RuntimeOptions{}))
}
