package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		env  map[string]string
		want string // in the error; empty: none
	}{
		{"emulator", map[string]string{"EMULATOR": "true", "LOG_FORMAT": "json"}, ""},
		{"real service", map[string]string{"EMULATOR": "false"}, ""},
		{"format", map[string]string{"LOG_FORMAT": "xml"}, `LOG_FORMAT is "xml"`},
		{"emulator choice", map[string]string{"EMULATOR": "perhaps"}, `EMULATOR is "perhaps"`},
		{"endpoint", map[string]string{"ENDPOINT": "ftp://x"}, "WithEndpoint"},
		{"address", map[string]string{"EMULATOR": "true", "LISTEN_ADDR": "127.0.0.1:no"}, "listen tcp"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.env["LISTEN_ADDR"] == "" {
				test.env["LISTEN_ADDR"] = "127.0.0.1:0"
			}
			// Once the log says that it serves, it is shut down.
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			logs := writerFunc(func(line []byte) {
				if bytes.Contains(line, []byte("serving")) {
					cancel()
				}
			})
			err := run(ctx, func(name string) string { return test.env[name] }, logs)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}
