package main

import (
	"bufio"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

// A server is the other process of the loopback rows.
type server struct{ Plain, TLS, Certificate string }

// serveLoopback answers every request with the job, on a plain and a TLS port, until its input ends.
func serveLoopback() {
	var connections atomic.Int64
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/connections" {
			fmt.Fprint(w, connections.Load())
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(jobAnswer)
	})
	start := func(secure bool) *httptest.Server {
		srv := httptest.NewUnstartedServer(handler)
		srv.Config.ErrorLog = log.New(io.Discard, "", 0)
		srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		}
		if secure {
			srv.StartTLS()
		} else {
			srv.Start()
		}
		return srv
	}
	plain, secure := start(false), start(true)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	_ = json.NewEncoder(os.Stdout).Encode(server{plain.Listener.Addr().String(), secure.Listener.Addr().String(), string(certificate)})
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// alive is the server's input, which is open as long as this process lives.
var alive io.Closer

// startServer starts the other process, and trusts its certificate.
var startServer = sync.OnceValue(func() server {
	cmd := exec.Command(must(os.Executable()), "-serve")
	cmd.Stderr = os.Stderr
	alive = must(cmd.StdinPipe())
	out := must(cmd.StdoutPipe())
	must(0, cmd.Start())
	var srv server
	must(0, json.Unmarshal(must(bufio.NewReader(out).ReadBytes('\n')), &srv))
	file := must(os.CreateTemp("", "bench-*.pem"))
	must(file.WriteString(srv.Certificate))
	must(0, file.Close())
	must(0, os.Setenv("SSL_CERT_FILE", file.Name())) // read when the first certificate is checked
	return srv
})

// loopbackRow: one call to a server in another process, by a number of callers.
func loopbackRow(secure bool, callers int) row {
	srv := startServer()
	scheme, host := "http", srv.Plain
	if secure {
		scheme, host = "https", srv.TLS
	}
	hc := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	bounded := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256, IdleConnTimeout: 8 * time.Second}}
	address := scheme + "://" + host + "/?" + rawQuery
	ours := newOurs(livetranscode.WithEndpoint(scheme + "://" + host))
	theirs := newTheirs(host, strings.ToUpper(scheme), nil)
	opened, sent := map[string]int64{}, map[string]int64{}
	side := func(name string, call func()) contestant {
		return contestant{name, func(n int) {
			before := connections(srv)
			var left atomic.Int64
			left.Store(int64(n))
			var group sync.WaitGroup
			for range callers {
				group.Go(func() {
					for left.Add(-1) >= 0 {
						call()
					}
				})
			}
			group.Wait()
			opened[name] += connections(srv) - before
			sent[name] += int64(n)
		}}
	}
	name := fmt.Sprintf("call, loopback, %s, %d callers", strings.ToUpper(scheme), callers)
	return row{
		name: name,
		contestants: []contestant{
			side("http floor", func() { callFloor(context.Background(), hc, address) }),
			side("http floor, with timeouts and signed headers", func() {
				ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
				defer cancel()
				callFloor(ctx, bounded, address, signedHeaders)
			}),
			side("livetranscode", func() { callOurs(ours) }),
			side("Alibaba's", func() { callTheirs(theirs) }),
		},
		close: func() {
			for _, side := range []string{"http floor", "livetranscode", "Alibaba's"} {
				if sent[side] > 0 {
					fmt.Fprintf(os.Stderr, "%s, %s: %.4f new connections a request\n", name, side, float64(opened[side])/float64(sent[side]))
				}
			}
			hc.CloseIdleConnections()
			bounded.CloseIdleConnections()
			ours.CloseIdleConnections()
		},
	}
}

// counter asks the server how many connections it has seen, over one of its own.
var counter http.Client

func connections(srv server) (n int64) {
	resp := must(counter.Get("http://" + srv.Plain + "/connections"))
	defer resp.Body.Close()
	_, _ = fmt.Fscan(resp.Body, &n)
	return n
}
