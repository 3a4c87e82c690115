package livetranscode_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

// How do I create a template?
func ExampleClient_CreateLiveTranscodeTemplate() {
	ctx := context.Background()
	srv := livetranscodetest.NewServer()
	client := srv.Client()

	created, err := client.CreateLiveTranscodeTemplate(ctx, &livetranscode.CreateLiveTranscodeTemplateRequest{
		Name: "720p",
		Type: livetranscode.TemplateTypeNormal,
		TemplateConfig: &livetranscode.TemplateConfig{
			VideoParams: &livetranscode.VideoParams{Codec: livetranscode.VideoCodecH264, Height: 720, FPS: 25, Bitrate: 1500},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	got, err := client.GetLiveTranscodeTemplate(ctx, created.TemplateID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(got.Template.Name, got.Template.Type, got.Template.Category)
	// Output: 720p normal customized
}

// How do I read a template?
func ExampleClient_GetLiveTranscodeTemplate() {
	ctx := context.Background()
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := newTemplate(ctx, client, "720p")

	resp, err := client.GetLiveTranscodeTemplate(ctx, id)
	if err != nil {
		log.Fatal(err)
	}
	// Parts that the template does not set are nil.
	if config := resp.Template.TemplateConfig; config != nil && config.VideoParams != nil {
		video := config.VideoParams
		fmt.Printf("%d lines at %g frames/s and %d kbit/s\n", video.Height, video.FPS, video.Bitrate)
	}
	// Output: 720 lines at 25 frames/s and 1500 kbit/s
}

// How do I list one page of templates?
func ExampleClient_ListLiveTranscodeTemplates() {
	ctx := context.Background()
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	newTemplate(ctx, client, "540p")
	newTemplate(ctx, client, "720p")

	resp, err := client.ListLiveTranscodeTemplates(ctx, &livetranscode.ListLiveTranscodeTemplatesRequest{
		Category: livetranscode.TemplateCategoryCustomized,
		SortBy:   livetranscode.SortAscending,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.TotalCount, "templates")
	for _, template := range resp.Templates {
		fmt.Println(template.Name)
	}
	// Output:
	// 2 templates
	// 540p
	// 720p
}

// How do I find a template by its name? Keyword also matches parts of names, so the loop compares the whole name.
func ExampleClient_AllLiveTranscodeTemplates() {
	ctx := context.Background()
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	newTemplate(ctx, client, "720p-50")
	newTemplate(ctx, client, "720p")
	newTemplate(ctx, client, "540p")

	req := &livetranscode.ListLiveTranscodeTemplatesRequest{Keyword: "720p"}
	for template, err := range client.AllLiveTranscodeTemplates(ctx, req) {
		if err != nil {
			log.Fatal(err)
		}
		if template.Name == "720p" {
			fmt.Println("found", template.Name)
			break
		}
	}
	// Output: found 720p
}

// How do I change a template? The service does not document whether an update merges the new config into the old one,
// so send all of it.
func ExampleClient_UpdateLiveTranscodeTemplate() {
	ctx := context.Background()
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := newTemplate(ctx, client, "720p")

	resp, err := client.GetLiveTranscodeTemplate(ctx, id)
	if err != nil {
		log.Fatal(err)
	}
	config := resp.Template.TemplateConfig
	config.VideoParams.Bitrate = 2000
	_, err = client.UpdateLiveTranscodeTemplate(ctx, &livetranscode.UpdateLiveTranscodeTemplateRequest{
		TemplateID: id, TemplateConfig: config,
	})
	if err != nil {
		log.Fatal(err)
	}

	if resp, err = client.GetLiveTranscodeTemplate(ctx, id); err != nil {
		log.Fatal(err)
	}
	video := resp.Template.TemplateConfig.VideoParams
	fmt.Printf("%d lines and %d kbit/s\n", video.Height, video.Bitrate)
	// Output: 720 lines and 2000 kbit/s
}

// How do I delete a template?
func ExampleClient_DeleteLiveTranscodeTemplate() {
	ctx := context.Background()
	srv := livetranscodetest.NewServer()
	client := srv.Client()
	id := newTemplate(ctx, client, "720p")

	if _, err := client.DeleteLiveTranscodeTemplate(ctx, id); err != nil {
		log.Fatal(err)
	}
	_, err := client.GetLiveTranscodeTemplate(ctx, id)
	fmt.Println("not found:", errors.Is(err, livetranscode.ErrNotFound))
	// Output: not found: true
}

// newTemplate creates a template for the examples.
func newTemplate(ctx context.Context, client *livetranscode.Client, name string) (templateID string) {
	resp, err := client.CreateLiveTranscodeTemplate(ctx, &livetranscode.CreateLiveTranscodeTemplateRequest{
		Name: name,
		Type: livetranscode.TemplateTypeNormal,
		TemplateConfig: &livetranscode.TemplateConfig{
			VideoParams: &livetranscode.VideoParams{Codec: livetranscode.VideoCodecH264, Height: 720, FPS: 25, Bitrate: 1500},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	return resp.TemplateID
}
