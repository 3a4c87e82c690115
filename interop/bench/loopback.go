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

// server describes the server process of the loopback rows.
type server struct{ Plain, TLS, Certificate string }

// serveLoopback responds to every request with the job, on a plain and a TLS port, until its input ends.
func serveLoopback() {
	var connections atomic.Int64
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/connections" {
			fmt.Fprint(w, connections.Load())
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(jobResponse)
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

// serverInput is the server's standard input. It is open as long as this process lives.
var serverInput io.Closer

// startServer starts the server process and trusts its certificate.
var startServer = sync.OnceValue(func() server {
	cmd := exec.Command(must(os.Executable()), "-serve")
	cmd.Stderr = os.Stderr
	serverInput = must(cmd.StdinPipe())
	out := must(cmd.StdoutPipe())
	must(0, cmd.Start())
	var srv server
	must(0, json.Unmarshal(must(bufio.NewReader(out).ReadBytes('\n')), &srv))
	file := must(os.CreateTemp("", "bench-*.pem"))
	must(file.WriteString(srv.Certificate))
	must(0, file.Close())
	must(0, os.Setenv("SSL_CERT_FILE", file.Name())) // read at the first verification
	return srv
})

// loopbackRow measures one call to a server in another process, with a number of callers.
func loopbackRow(secure bool, callers int) row {
	srv := startServer()
	scheme, host := "http", srv.Plain
	if secure {
		scheme, host = "https", srv.TLS
	}
	hc := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	bounded := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256, IdleConnTimeout: 8 * time.Second}}
	address := scheme + "://" + host + "/?" + rawQuery
	client := newClient(livetranscode.WithEndpoint(scheme + "://" + host))
	sdk := newSDK(host, strings.ToUpper(scheme), nil)
	count := &connectionCount{srv: srv, callers: callers, opened: map[string]int64{}, sent: map[string]int64{}}
	name := fmt.Sprintf("call, loopback, %s, %d callers", strings.ToUpper(scheme), callers)
	return row{
		name: name,
		candidates: []candidate{
			count.candidate("http floor", func() { callFloor(context.Background(), hc, address) }),
			count.candidate("http floor, with timeouts and signed headers", func() {
				ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
				defer cancel()
				callFloor(ctx, bounded, address, signedHeaders)
			}),
			count.candidate("livetranscode", func() { callClient(client) }),
			count.candidate("Alibaba's", func() { callSDK(sdk) }),
		},
		close: func() {
			count.print(name)
			hc.CloseIdleConnections()
			bounded.CloseIdleConnections()
			client.CloseIdleConnections()
		},
	}
}

// connectionCount counts the connections and requests of each candidate of a row.
type connectionCount struct {
	srv          server
	callers      int
	opened, sent map[string]int64
}

// candidate returns a candidate that makes its calls from concurrent callers.
func (c *connectionCount) candidate(name string, call func()) candidate {
	return candidate{name, func(n int) {
		before := connections(c.srv)
		var left atomic.Int64
		left.Store(int64(n))
		var group sync.WaitGroup
		for range c.callers {
			group.Go(func() {
				for left.Add(-1) >= 0 {
					call()
				}
			})
		}
		group.Wait()
		c.opened[name] += connections(c.srv) - before
		c.sent[name] += int64(n)
	}}
}

func (c *connectionCount) print(row string) {
	for _, name := range []string{"http floor", "livetranscode", "Alibaba's"} {
		if c.sent[name] > 0 {
			fmt.Fprintf(os.Stderr, "%s, %s: %.4f new connections a request\n", row, name, float64(c.opened[name])/float64(c.sent[name]))
		}
	}
}

// counter asks the server how many connections it has accepted, on a connection of its own.
var counter http.Client

func connections(srv server) (n int64) {
	resp := must(counter.Get("http://" + srv.Plain + "/connections"))
	defer resp.Body.Close()
	_, _ = fmt.Fscan(resp.Body, &n)
	return n
}
