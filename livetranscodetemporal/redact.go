package livetranscodetemporal

import (
	"fmt"
	"strings"

	"github.com/livetranscode/livetranscode-go"
)

// redacted returns a copy of a job without stream keys, for a history.
func redacted(job *livetranscode.Job) *livetranscode.Job {
	if job == nil {
		return nil
	}
	own := *job
	own.StreamInput.InputURL = printed(livetranscode.StreamInput{InputURL: job.StreamInput.InputURL})
	own.OutputStream.StreamInfos = nil
	for _, info := range job.OutputStream.StreamInfos {
		info.OutputURL = printed(livetranscode.StreamInfo{OutputURL: info.OutputURL})
		own.OutputStream.StreamInfos = append(own.OutputStream.StreamInfos, info)
	}
	return &own
}

// printed returns the redacted URL of a stream that has only a URL. It prints between braces.
func printed(stream any) string {
	return strings.TrimSuffix(strings.TrimPrefix(fmt.Sprint(stream), "{ "), "}")
}
