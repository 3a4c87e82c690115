package livetranscode_test

import (
	"bytes"
	"context"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

var update = flag.Bool("update", false, "rewrite testdata/requests")

// goldenCalls has the calls of each operation whose requests testdata/requests holds: the fullest one and,
// where something is left out or filled in, the least one.
var goldenCalls = []struct {
	operation string
	calls     []goldenCall
}{
	{"GetLiveTranscodeJob", []goldenCall{
		{"a job", "", func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.GetLiveTranscodeJob(ctx, "****20b48fb04483915d4f2cd8ac****")
			return err
		}},
		{"an id with characters that are encoded", "", func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.GetLiveTranscodeJob(ctx, "a b+c*~/%&=é")
			return err
		}},
		{"temporary credentials", "test/token+==", func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.GetLiveTranscodeJob(ctx, "job-1")
			return err
		}},
	}},
	{"ListLiveTranscodeJobs", []goldenCall{
		{"no filter", "", func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.ListLiveTranscodeJobs(ctx, nil)
			return err
		}},
		{"every filter, zeros too", "", func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.ListLiveTranscodeJobs(ctx, &livetranscode.ListLiveTranscodeJobsRequest{
				Type:      livetranscode.TemplateTypeNormal,
				StartMode: new(livetranscode.StartModeImmediate),
				Status:    new(livetranscode.JobStatusNotStarted),
				PageNo:    2,
				PageSize:  100,
				SortBy:    livetranscode.SortAscending,
				Keyword:   "task 1",
			})
			return err
		}},
	}},
	{"SubmitLiveTranscodeJob", []goldenCall{
		{"immediate", "", func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.SubmitLiveTranscodeJob(ctx, &livetranscode.SubmitLiveTranscodeJobRequest{
				Name:        "task1",
				TemplateID:  "****96e8864746a0b6f3****",
				StreamInput: livetranscode.StreamInput{InputURL: "rtmp://mydomain/app/stream1"},
			})
			return err
		}},
		{"timed, every field", "", func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.SubmitLiveTranscodeJob(ctx, &livetranscode.SubmitLiveTranscodeJobRequest{
				Name:            "task1",
				TemplateID:      "****96e8864746a0b6f3****",
				StartMode:       livetranscode.StartModeTimed,
				StreamInput:     livetranscode.StreamInput{Type: "rtmp", InputURL: "rtmp://mydomain/app/stream1?a=<1>&b=\"2\""},
				TranscodeOutput: livetranscode.TranscodeOutput{Type: "LiveCenter", DomainName: "mydomain"},
				TimedConfig:     goldenSchedule,
			})
			return err
		}},
	}},
	{"UpdateLiveTranscodeJob", []goldenCall{
		{"name", "", func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.UpdateLiveTranscodeJob(ctx, &livetranscode.UpdateLiveTranscodeJobRequest{JobID: "job-1", Name: "task2"})
			return err
		}},
		{"end of the schedule", "", func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.UpdateLiveTranscodeJob(ctx, &livetranscode.UpdateLiveTranscodeJobRequest{
				JobID:       "job-1",
				TimedConfig: &livetranscode.TimedConfig{EndTime: goldenSchedule.EndTime},
			})
			return err
		}},
		{"every field", "", func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.UpdateLiveTranscodeJob(ctx, &livetranscode.UpdateLiveTranscodeJobRequest{
				JobID:           "job-1",
				Name:            "task2",
				StreamInput:     &livetranscode.StreamInput{InputURL: "rtmp://mydomain/app/stream2"},
				TranscodeOutput: &livetranscode.TranscodeOutput{DomainName: "mydomain"},
				TimedConfig:     goldenSchedule,
			})
			return err
		}},
	}},
	{"SendLiveTranscodeJobCommand", []goldenCall{
		{"stop", "", func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.SendLiveTranscodeJobCommand(ctx, "job-1", livetranscode.JobCommandStop)
			return err
		}},
	}},
	{"DeleteLiveTranscodeJob", []goldenCall{
		{"a job", "", func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.DeleteLiveTranscodeJob(ctx, "job-1")
			return err
		}},
	}},
	{"CreateLiveTranscodeTemplate", []goldenCall{
		{"no parameters", "", func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.CreateLiveTranscodeTemplate(ctx, &livetranscode.CreateLiveTranscodeTemplateRequest{
				Name: "as it is",
				Type: livetranscode.TemplateTypeOrigin,
			})
			return err
		}},
		{"every parameter", "", func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.CreateLiveTranscodeTemplate(ctx, &livetranscode.CreateLiveTranscodeTemplateRequest{
				Name: "basic",
				Type: livetranscode.TemplateTypeNormal,
				TemplateConfig: &livetranscode.TemplateConfig{
					VideoParams: &livetranscode.VideoParams{
						Codec: livetranscode.VideoCodecH264, Width: 1280, Height: 720, FPS: 29.97, Bitrate: 2500, GOP: 250,
						Profile: livetranscode.VideoProfileHigh,
					},
					AudioParams: &livetranscode.AudioParams{
						Codec: livetranscode.AudioCodecAAC, Profile: livetranscode.AudioProfileAACLow,
						Bitrate: 64, SampleRate: 44100, Channels: 2,
					},
				},
			})
			return err
		}},
	}},
	{"GetLiveTranscodeTemplate", []goldenCall{
		{"a template", "", func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.GetLiveTranscodeTemplate(ctx, "template-1")
			return err
		}},
	}},
	{"ListLiveTranscodeTemplates", []goldenCall{
		{"no filter", "", func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.ListLiveTranscodeTemplates(ctx, nil)
			return err
		}},
		{"every filter", "", func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.ListLiveTranscodeTemplates(ctx, &livetranscode.ListLiveTranscodeTemplatesRequest{
				Type:       livetranscode.TemplateTypeNarrowBand,
				VideoCodec: livetranscode.VideoCodecH265,
				Category:   livetranscode.TemplateCategoryCustomized,
				PageNo:     1,
				PageSize:   20,
				SortBy:     livetranscode.SortDescending,
				Keyword:    "basic",
			})
			return err
		}},
	}},
	{"UpdateLiveTranscodeTemplate", []goldenCall{
		{"name", "", func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.UpdateLiveTranscodeTemplate(ctx, &livetranscode.UpdateLiveTranscodeTemplateRequest{
				TemplateID: "template-1",
				Name:       "better",
			})
			return err
		}},
		{"some parameters", "", func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.UpdateLiveTranscodeTemplate(ctx, &livetranscode.UpdateLiveTranscodeTemplateRequest{
				TemplateID: "template-1",
				TemplateConfig: &livetranscode.TemplateConfig{
					AudioParams: &livetranscode.AudioParams{Codec: livetranscode.AudioCodecMP3, Bitrate: 128},
				},
			})
			return err
		}},
	}},
	{"DeleteLiveTranscodeTemplate", []goldenCall{
		{"a template", "", func(ctx context.Context, c *livetranscode.Client) error {
			_, err := c.DeleteLiveTranscodeTemplate(ctx, "template-1")
			return err
		}},
	}},
}

type goldenCall struct {
	title, token string // without a token, the credentials are permanent
	call         func(context.Context, *livetranscode.Client) error
}

// goldenSchedule has fractions of a second and another zone than UTC, which do not travel.
var goldenSchedule = &livetranscode.TimedConfig{
	StartTime: time.Date(2026, 1, 2, 11, 4, 5, 999, time.FixedZone("CST", 8*60*60)),
	EndTime:   time.Date(2026, 1, 3, 11, 4, 5, 999, time.FixedZone("CST", 8*60*60)),
}

// TestGoldenRequests compares what each operation sends with testdata/requests. After a change that is meant,
// go test -run TestGoldenRequests -update . writes the files, and their diff is what changed on the wire.
func TestGoldenRequests(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/requests/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !*update && len(files) != len(goldenCalls) {
		t.Errorf("testdata/requests has %d files for %d operations", len(files), len(goldenCalls))
	}
	for _, tt := range goldenCalls {
		t.Run(tt.operation, func(t *testing.T) {
			t.Parallel()
			var got bytes.Buffer
			for _, c := range tt.calls {
				got.WriteString("# " + c.title + "\n" + c.request(t) + "\n")
			}
			file := filepath.Join("testdata", "requests", tt.operation+".txt")
			if *update {
				if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("%s is not what is sent, which is:\n%s", file, got.String())
			}
		})
	}
}

// request returns the one request of the call as text.
func (c goldenCall) request(t *testing.T) string {
	t.Helper()
	var sent []string
	client, err := livetranscode.NewClient(
		livetranscode.WithCredentials(livetranscode.StaticCredentials("test-id", "test-secret", c.token)),
		livetranscode.WithHTTPClient(&http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
			text, err := wireText(req)
			sent = append(sent, text)
			return response(req, http.StatusOK, `{"RequestId":"r","JobId":"j","TemplateId":"t","Job":{},"JobList":[],"TemplateContent":{},"TemplateContentList":[]}`), err
		})}),
	)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.call(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	if len(sent) != 1 {
		t.Fatalf("%d requests were sent, want 1", len(sent))
	}
	return sent[0]
}

// changing is what differs from one call, or one version, to the next.
var changing = regexp.MustCompile(`(?m)^(User-Agent: |X-Acs-Date: |X-Acs-Signature-Nonce: |Authorization: .*,Signature=).+$`)

// wireText returns a request as net/http writes it to a connection, with "..." for what is changing, and below
// it the parameters once more in a form to read.
func wireText(req *http.Request) (string, error) {
	var wire bytes.Buffer
	if err := req.Write(&wire); err != nil {
		return "", err
	}
	text := changing.ReplaceAllString(strings.ReplaceAll(wire.String(), "\r\n", "\n"), "${1}...")
	for pair := range strings.SplitSeq(req.URL.RawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		plain := req.URL.Query().Get(name)
		if value == "" && plain == "" {
			continue
		}
		text += name + " = " + plain + "\n"
	}
	return text, nil
}
