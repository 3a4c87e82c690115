package livetranscode

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNames reads the package's source: Go's spelling in names, the service's only in tags.
func TestNames(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			structure, ok := n.(*ast.StructType)
			if !ok {
				return true
			}
			for _, field := range structure.Fields.List {
				for _, name := range field.Names {
					if name.IsExported() {
						checked++
						checkName(t, file, name.Name, field.Tag)
					}
				}
			}
			return true
		})
	}
	if checked < 50 {
		t.Errorf("only %d fields were found", checked)
	}
}

var (
	misspelt   = regexp.MustCompile(`(Id|Url|Fps|Gop|Http|Api|Json|Aac|Ttl|Uri|Dns|Ram|Sts)s?([A-Z]|$)|Samplerate`)
	initialism = regexp.MustCompile(`ID|URL|FPS|GOP|SampleRate`)
)

func checkName(t *testing.T, file, name string, tag *ast.BasicLit) {
	t.Helper()
	if misspelt.MatchString(name) {
		t.Errorf("%s: field %s is spelt as on the wire, not as in Go", file, name)
	}
	if tag == nil {
		return
	}
	text, err := strconv.Unquote(tag.Value)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"json", "url"} {
		wire, _, _ := strings.Cut(reflect.StructTag(text).Get(key), ",")
		shorter := map[string]string{"Jobs": "JobList", "Template": "TemplateContent", "Templates": "TemplateContentList"}
		if wire != "" && !strings.EqualFold(wire, name) && wire != shorter[name] {
			t.Errorf("%s: field %s has another name on the wire: %s", file, name, wire)
		}
		if initialism.MatchString(name) && wire == name {
			t.Errorf("%s: field %s is spelt in Go's way on the wire", file, name)
		}
	}
}

// The names on the wire, after the service's documentation. Whatever is not listed here is not sent, and what
// is listed is read and written under just this name.
func TestWireNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value any
		want  string
	}{
		{Job{}, "Name JobId TemplateType TemplateId TemplateName StartMode Status StreamInput OutputStream CreateTime"},
		{StreamInput{}, "Type InputUrl"},
		{OutputStream{}, "StreamInfos"},
		{StreamInfo{}, "Type OutputUrl"},
		{TranscodeOutput{}, "Type DomainName"},
		{TimedConfig{}, "StartTime EndTime"},
		{Template{}, "Name TemplateId Type Category CreateTime TemplateConfig"},
		{TemplateConfig{}, "VideoParams AudioParams"},
		{VideoParams{}, "Codec Width Height Fps Bitrate Gop Profile"},
		{AudioParams{}, "Codec Profile Bitrate Samplerate Channels"},
		{AccessDeniedDetail{}, "PolicyType AuthAction NoPermissionType AuthPrincipalType AuthPrincipalDisplayName AuthPrincipalOwnerId EncodedDiagnosticMessage"},
		{commandParams{}, "JobId Command"},
		{ListLiveTranscodeJobsRequest{}, "Type StartMode Status PageNo PageSize SortBy KeyWord"},
		{SubmitLiveTranscodeJobRequest{}, "Name TemplateId StartMode StreamInput TranscodeOutput TimedConfig"},
		{UpdateLiveTranscodeJobRequest{}, "JobId Name StreamInput TranscodeOutput TimedConfig"},
		{CreateLiveTranscodeTemplateRequest{}, "Name Type TemplateConfig"},
		{ListLiveTranscodeTemplatesRequest{}, "Type VideoCodec Category PageNo PageSize SortBy KeyWord"},
		{UpdateLiveTranscodeTemplateRequest{}, "TemplateId Name TemplateConfig"},
	} {
		var got []string
		for field := range fieldsOf(test.value) {
			wire := field.Name
			for _, key := range []string{"json", "url"} {
				if name, _, _ := strings.Cut(field.Tag.Get(key), ","); name != "" {
					wire = name
				}
			}
			got = append(got, wire)
		}
		want := strings.Fields(test.want)
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%T:\n%s", test.value, diff)
		}
	}
}

func fieldsOf(structure any) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range reflect.TypeOf(structure).NumField() {
			if !yield(reflect.TypeOf(structure).Field(i)) {
				return
			}
		}
	}
}
