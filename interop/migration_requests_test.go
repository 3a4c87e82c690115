package interop

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/livetranscode/livetranscode-go"
)

// beforeBlock matches a "before" block with the request of an operation.
var beforeBlock = regexp.MustCompile("(?s)```go\n([^`]*&ice\\.(\\w+)Request\\{\n.*?)```\n")

// afterCalls are the calls of the "after" blocks.
var afterCalls = map[string]func(context.Context, *livetranscode.Client, string) error{
	"GetLiveTranscodeJob":         errorOf(afterGetLiveTranscodeJob),
	"ListLiveTranscodeJobs":       errorOf(afterListLiveTranscodeJobs),
	"SubmitLiveTranscodeJob":      errorOf(afterSubmitLiveTranscodeJob),
	"UpdateLiveTranscodeJob":      afterUpdateLiveTranscodeJob,
	"SendLiveTranscodeJobCommand": afterSendLiveTranscodeJobCommand,
	"DeleteLiveTranscodeJob":      afterDeleteLiveTranscodeJob,
	"CreateLiveTranscodeTemplate": errorOf(afterCreateLiveTranscodeTemplate),
	"GetLiveTranscodeTemplate":    errorOf(afterGetLiveTranscodeTemplate),
	"ListLiveTranscodeTemplates":  errorOf(afterListLiveTranscodeTemplates),
	"UpdateLiveTranscodeTemplate": afterUpdateLiveTranscodeTemplate,
	"DeleteLiveTranscodeTemplate": afterDeleteLiveTranscodeTemplate,
}

func errorOf[T any](call func(context.Context, *livetranscode.Client, string) (T, error)) func(context.Context, *livetranscode.Client, string) error {
	return func(ctx context.Context, client *livetranscode.Client, id string) error {
		_, err := call(ctx, client, id)
		return err
	}
}

// The request of each "before" block of the guide, sent by Alibaba's generic client, is that of the "after" block.
func TestMigrationGuideRequests(t *testing.T) {
	t.Parallel()
	compared := map[string]bool{}
	for _, block := range beforeBlock.FindAllStringSubmatch(readFile(t, migrationGuide), -1) {
		operation, before := block[2], requestIn(t, block[1])
		compared[operation] = true
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			rec := newRecorder(t)
			if err := afterCalls[operation](t.Context(), clientOf(t, rec.URL, rec.Client(), temporary), awkward); err != nil {
				t.Fatal(err)
			}
			if _, err := newSDK(t, rec.Server, temporary, nil).call(operation, before); err != nil {
				t.Fatal(err)
			}
			ours, alibabas := <-rec.received, <-rec.received
			compare(t, ours, alibabas)
		})
	}
	if got := slices.Sorted(maps.Keys(compared)); !slices.Equal(got, operations()) {
		t.Errorf("the guide has the requests of %q, want %q", got, operations())
	}
}

// requestIn returns the parameters of the one request in a "before" block.
func requestIn(t *testing.T, code string) parameters {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "", "package p\nfunc _() {\n"+code+"}\n", 0)
	if err != nil {
		t.Fatal(err)
	}
	for node := range ast.Preorder(file) {
		if literal, ok := node.(*ast.CompositeLit); ok {
			return fieldsOf(t, literal)
		}
	}
	return nil
}

// fieldsOf evaluates a composite literal of the generated package: texts, numbers, ids and further literals.
func fieldsOf(t *testing.T, literal *ast.CompositeLit) parameters {
	t.Helper()
	fields := parameters{}
	for _, element := range literal.Elts {
		field := element.(*ast.KeyValueExpr)
		name := field.Key.(*ast.Ident).Name
		switch value := field.Value.(type) {
		case *ast.UnaryExpr:
			object := fieldsOf(t, value.X.(*ast.CompositeLit))
			fields[name] = &object
		case *ast.CallExpr: // tea.String or tea.Int32
			switch arg := value.Args[0].(type) {
			case *ast.Ident: // jobID or templateID
				fields[name] = awkward
			case *ast.BasicLit:
				if number, err := strconv.Atoi(arg.Value); err == nil {
					fields[name] = int32(number)
				} else if fields[name], err = strconv.Unquote(arg.Value); err != nil {
					t.Fatal(err)
				}
			}
		}
		if fields[name] == nil {
			t.Fatalf("the value of %s is not understood", name)
		}
	}
	return fields
}
