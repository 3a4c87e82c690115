package livetranscodetemporal

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/livetranscode/livetranscode-go"
)

func TestRedacted(t *testing.T) {
	t.Parallel()
	job := &livetranscode.Job{
		Name: "match", JobID: "job-1", Status: livetranscode.JobStatusInProgress,
		StreamInput: livetranscode.StreamInput{Type: "rtmp", InputURL: "rtmp://push.example.com/live/" + streamKey + "?auth_key=" + streamKey},
		OutputStream: livetranscode.OutputStream{StreamInfos: []livetranscode.StreamInfo{
			{Type: "rtmp", OutputURL: "rtmp://play.example.com/live/" + streamKey},
		}},
	}
	got := redacted(job)
	text, err := json.Marshal(got)
	if err != nil || strings.Contains(string(text), streamKey) {
		t.Errorf("%s, %v; want no stream key", text, err)
	}
	if input := got.StreamInput.InputURL; !strings.HasPrefix(input, "rtmp://push.example.com/live/") || strings.ContainsAny(input, "{}") {
		t.Errorf("input %q, want its host and application", input)
	}
	if output := got.OutputStream.StreamInfos[0].OutputURL; !strings.HasPrefix(output, "rtmp://play.example.com/live/") {
		t.Errorf("output %q, want its host and application", output)
	}
	if got.Name != job.Name || got.JobID != job.JobID || got.Status != job.Status {
		t.Errorf("%v, want the rest of %v", got, job)
	}
	if !strings.Contains(job.StreamInput.InputURL, streamKey) || !strings.Contains(job.OutputStream.StreamInfos[0].OutputURL, streamKey) {
		t.Error("the original was changed")
	}
	if redacted(nil) != nil {
		t.Error("redacted(nil) is not nil")
	}
}
