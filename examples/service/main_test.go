package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func TestRun(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		env  map[string]string
		want string // in the error; empty: none
	}{
		{"real service", nil, ""},
		{"token", map[string]string{"LISTEN_ADDR": "0.0.0.0:0", "API_TOKEN": "0123456789abcdef"}, ""},
		{"no token, all interfaces", map[string]string{"LISTEN_ADDR": ":0"}, "set API_TOKEN"},
		{"no token, an interface", map[string]string{"LISTEN_ADDR": "192.0.2.1:0"}, "set API_TOKEN"},
		{"no token, IPv6", map[string]string{"LISTEN_ADDR": "[::]:0"}, "set API_TOKEN"},
		{"short token and a newline", map[string]string{"API_TOKEN": "0123456789abcde\r\n"}, "API_TOKEN"},
		{"short token", map[string]string{"API_TOKEN": "0123456789abcde"}, "API_TOKEN"},
		{"interval", map[string]string{"POLL_INTERVAL": "-1s"}, "POLL_INTERVAL"},
		{"interval without a unit", map[string]string{"POLL_INTERVAL": "10"}, "POLL_INTERVAL"},
		{"endpoint", map[string]string{"ENDPOINT": "ftp://x"}, "WithEndpoint"},
		{"address", map[string]string{"LISTEN_ADDR": "127.0.0.1:no"}, "LISTEN_ADDR"},
		{"database", map[string]string{"DATABASE": "/no/such/directory/jobs.db"}, "no such file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			runs(t, test.env, test.want)
		})
	}
}

// runs checks that run serves, or fails with an error that has want in it.
func runs(t *testing.T, env map[string]string, want string) {
	t.Helper()
	// Once the log says that it serves, it is shut down.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	logs := writerFunc(func(line []byte) {
		if bytes.Contains(line, []byte("serving")) {
			cancel()
		}
	})
	defaults := map[string]string{"LISTEN_ADDR": "127.0.0.1:0", "ENDPOINT": "https://ice.cn-shanghai.aliyuncs.com"}
	err := run(ctx, func(name string) string {
		if value, ok := env[name]; ok {
			return value
		}
		return defaults[name]
	}, logs)
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("error %v, want %q", err, want)
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}

// If the server fails, the service ends.
func TestServerFails(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *livetranscodetest.Server, file string) {
		i := start(t, srv, file)
		synctest.Wait()
		if err := i.net.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-i.ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("error %v", err)
		}
	})
}

// The name of the file may have characters that are special in a URI.
func TestFileNames(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"file:x?mode=memory", "./-%", "a\xffb"} {
		for jobs := range 2 {
			st, err := openStore(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			if len(st.jobs) != jobs {
				t.Errorf("%q has %d jobs, want %d", name, len(st.jobs), jobs)
			}
			_, err = st.put(t.Context(), state{ID: fmt.Sprint(jobs)}, true)
			if err = cmp.Or(err, st.db.Close()); err != nil {
				t.Fatal(err)
			}
		}
	}
}
