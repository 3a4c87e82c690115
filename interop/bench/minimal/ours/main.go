// Command ours is a minimal use of this library, for the measurement of its build.
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
