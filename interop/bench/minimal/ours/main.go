// Command ours is a minimal program with this library, whose build is measured.
package main

import (
	"context"
	"fmt"

	"github.com/livetranscode/livetranscode-go"
)

func main() {
	client, err := livetranscode.NewClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := client.GetLiveTranscodeJob(context.Background(), "id")
	fmt.Println(resp, err)
}
