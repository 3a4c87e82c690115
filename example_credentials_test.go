package livetranscode_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"

	"github.com/aliyun/credentials-go/credentials"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// CredentialsFunc makes a provider of a function. It is called before every attempt, so it should cache what it
// fetches.
func ExampleCredentialsFunc() {
	srv := livetranscodetest.NewServer()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show"})
	vault := func(context.Context) (livetranscode.Credentials, error) {
		return srv.Credentials(), nil // a real one fetches and caches them
	}

	client := srv.Client(livetranscode.WithCredentials(livetranscode.CredentialsFunc(vault)))
	resp, err := client.GetLiveTranscodeJob(context.Background(), id)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Job.Name)
	// Output: evening-show
}

// FromCredential takes any credential of github.com/aliyun/credentials-go.
func ExampleFromCredential() {
	srv := livetranscodetest.NewServer()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show"})
	key := srv.Credentials()

	credential, err := credentials.NewCredential(new(credentials.Config).
		SetType("access_key").
		SetAccessKeyId(key.AccessKeyID).
		SetAccessKeySecret(key.AccessKeySecret))
	if err != nil {
		log.Fatal(err)
	}
	client := srv.Client(livetranscode.WithCredentials(livetranscode.FromCredential(credential)))
	resp, err := client.GetLiveTranscodeJob(context.Background(), id)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Job.Name)
	// Output: evening-show
}

// Credentials never show the secret or the token, whatever the format.
func ExampleStaticCredentials() {
	provider := livetranscode.StaticCredentials("my-key-id", "my-secret", "")
	creds, err := provider.Credentials(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(creds)
	fmt.Printf("%#v\n", creds)
	asJSON, err := json.Marshal(creds)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", asJSON)
	// Output:
	// Credentials{AccessKeyID=my-key-id AccessKeySecret=[redacted]}
	// Credentials{AccessKeyID=my-key-id AccessKeySecret=[redacted]}
	// "Credentials{AccessKeyID=my-key-id AccessKeySecret=[redacted]}"
}
