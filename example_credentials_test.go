package livetranscode_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"sync/atomic"

	"github.com/aliyun/credentials-go/credentials"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// How do I fetch credentials from my own store? With a function. It is called before every attempt, so it should cache
// what it fetches.
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

// How do I rotate the access key without a restart? The provider is asked before every attempt: replace what it
// returns, then disable the old key.
func ExampleCredentialsFunc_rotation() {
	srv := livetranscodetest.NewServer()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show"})
	var key atomic.Pointer[livetranscode.Credentials] // a program: what it has read last from its secret store
	key.Store(new(srv.Credentials()))
	client := srv.Client(livetranscode.WithCredentials(livetranscode.CredentialsFunc(
		func(context.Context) (livetranscode.Credentials, error) { return *key.Load(), nil },
	)))
	call := func() {
		_, err := client.GetLiveTranscodeJob(context.Background(), id)
		fmt.Printf("%s: %t\n", key.Load().AccessKeyID, err == nil)
	}

	call()
	newKey := livetranscode.Credentials{AccessKeyID: "new-key", AccessKeySecret: "new-secret"}
	srv.SetCredentials(newKey) // the old key is disabled too early
	call()
	key.Store(&newKey)
	call()
	// Output:
	// emulator-key-id: true
	// emulator-key-id: false
	// new-key: true
}

// How do I use a credential of Alibaba's credentials-go? FromCredential takes any.
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

// Can credentials leak into a log? They never show the secret or the token, whatever the format.
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

// Where do credentials come from? From the first source of Alibaba's default chain that has some: here, the environment
// variables.
func ExampleDefaultCredentials() {
	srv := livetranscodetest.NewServer()
	id := srv.AddJob(livetranscode.Job{Name: "evening-show"})
	for name, value := range map[string]string{ // a program is started with them
		"ALIBABA_CLOUD_ACCESS_KEY_ID":     srv.Credentials().AccessKeyID,
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET": srv.Credentials().AccessKeySecret,
	} {
		if err := os.Setenv(name, value); err != nil {
			log.Fatal(err)
		}
		defer os.Unsetenv(name)
	}

	client := srv.Client(livetranscode.WithCredentials(livetranscode.DefaultCredentials())) // NewClient's default
	resp, err := client.GetLiveTranscodeJob(context.Background(), id)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.Job.Name)
	// Output: evening-show
}
