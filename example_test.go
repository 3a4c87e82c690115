package livetranscode_test

import (
	"context"
	"fmt"
	"log"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// How do I run these examples? As tests: they run against the emulator of package livetranscodetest. A program calls
// [livetranscode.NewClient] where they call srv.Client.
func Example() {
	srv := livetranscodetest.NewServer()
	client := srv.Client() // instead of livetranscode.NewClient()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show", Status: livetranscode.JobStatusInProgress})

	resp, err := client.GetLiveTranscodeJob(context.Background(), id)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Job.Name, "is", resp.Job.Status)
	// Output: evening-show is in progress
}

// How do I create a client? With no option it calls the endpoint of cn-shanghai, with credentials from the environment.
func ExampleNewClient() {
	client, err := livetranscode.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)

	client, err = livetranscode.NewClient(
		livetranscode.WithRegion("cn-shanghai"),                        // the default
		livetranscode.WithEndpoint("ice-vpc.cn-shanghai.aliyuncs.com"), // inside a VPC of that region
		livetranscode.WithUserAgent("myservice/1.4"),
	)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)

	// Invalid options are reported here, before any call.
	_, err = livetranscode.NewClient(livetranscode.WithEndpoint("http://ice.cn-shanghai.aliyuncs.com"))
	fmt.Println(err)
	// Output:
	// livetranscode.Client(https://ice.cn-shanghai.aliyuncs.com)
	// livetranscode.Client(https://ice-vpc.cn-shanghai.aliyuncs.com)
	// livetranscode: WithEndpoint: rawURL has scheme http, which is accepted only for localhost and loopback addresses
}
