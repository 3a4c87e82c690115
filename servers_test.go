package livetranscode

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// This file has servers for tests that need real connections; servers_conns_test.go has connections that misbehave or
// are counted.

// A connServer serves each connection on a goroutine of its own until the test ends.
type connServer struct {
	addr  string
	serve func(net.Conn) // the connection is closed when it returns
	done  chan struct{}  // closed by close

	mu     sync.Mutex
	closed bool
	conns  []net.Conn
	opened int
	wg     sync.WaitGroup
}

// newConnServer starts a server on ln, which it closes. Without ln it serves only the connections given to accept.
func newConnServer(t *testing.T, ln net.Listener, serve func(net.Conn)) *connServer {
	t.Helper()
	s := &connServer{serve: serve, done: make(chan struct{})}
	t.Cleanup(s.close)
	if ln == nil {
		return s
	}
	s.addr = ln.Addr().String()
	s.wg.Go(func() { <-s.done; ln.Close() })
	s.wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			s.accept(conn)
		}
	})
	return s
}

// accept serves a connection.
func (s *connServer) accept(conn net.Conn) {
	s.mu.Lock()
	s.opened++
	s.mu.Unlock()
	s.closeAtEnd(conn)
	s.wg.Go(func() {
		defer conn.Close()
		s.serve(conn)
	})
}

// closeAtEnd closes conn when the server is closed.
func (s *connServer) closeAtEnd(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns = append(s.conns, conn)
	if s.closed {
		conn.Close()
	}
}

// close closes the server and its connections, and waits until nothing is served.
func (s *connServer) close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.done)
	}
	for _, conn := range s.conns {
		conn.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// connections returns how many connections were opened.
func (s *connServer) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened
}

// end ends a connection as then says: a stalled one with the test, the others at once.
func (s *connServer) end(conn net.Conn, then connectionEnd) {
	switch tcp := conn.(*net.TCPConn); then {
	case resetConn:
		tcp.SetLinger(0)
	case closeConn: // reads on, since closing with unread data would reset the connection
		tcp.CloseWrite()
		io.Copy(io.Discard, tcp)
	case stallConn, keepOpen:
		<-s.done
	}
	conn.Close()
}

// tunnel copies between client, of which buffered has been read already, and the address until one of them closes.
func (s *connServer) tunnel(client net.Conn, buffered io.Reader, address string) {
	server, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return
	}
	s.closeAtEnd(server)
	s.wg.Go(func() {
		io.Copy(server, buffered)
		server.Close()
	})
	io.Copy(client, server)
	client.Close()
}

// A rawServer is an HTTP server whose responses are raw bytes. It records the heads of the requests.
type rawServer struct {
	*connServer
	url     string
	respond rawResponder

	headsMu sync.Mutex
	heads   []string
}

// A connectionEnd is what a rawServer does with a connection after a response.
type connectionEnd int

const (
	keepOpen  connectionEnd = iota
	closeConn               // in an orderly way
	resetConn
	stallConn // keeps the connection and reads no more
)

// A rawResponder returns the response to request n, counted from 0.
type rawResponder func(n int, head string) (raw string, then connectionEnd)

// always responds to every request in the same way.
func always(raw string, then connectionEnd) rawResponder {
	return func(int, string) (string, connectionEnd) { return raw, then }
}

func newRawServer(t *testing.T, respond rawResponder) *rawServer {
	t.Helper()
	return newRawServerOn(t, listen(t), respond)
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// newRawServerOn starts a server on ln, which it closes.
func newRawServerOn(t *testing.T, ln net.Listener, respond rawResponder) *rawServer {
	s := &rawServer{url: "http://" + ln.Addr().String(), respond: respond}
	s.connServer = newConnServer(t, ln, s.serve)
	return s
}

// newPipeServer is a server without a network, for tests in a synctest bubble. Its dial connects to it.
func newPipeServer(t *testing.T, respond rawResponder) *rawServer {
	s := &rawServer{url: "http://localhost", respond: respond}
	s.connServer = newConnServer(t, nil, s.serve)
	return s
}

// dial connects to a server that is not on the network. wrap wraps the server's end.
func (s *rawServer) dial(wrap func(net.Conn) net.Conn) (net.Conn, error) {
	client, server := net.Pipe()
	s.accept(wrap(server))
	return client, nil
}

func (s *rawServer) serve(conn net.Conn) {
	for br := bufio.NewReader(conn); ; {
		head, err := readHead(br)
		if err != nil {
			return
		}
		s.headsMu.Lock()
		n := len(s.heads)
		s.heads = append(s.heads, head)
		s.headsMu.Unlock()
		raw, then := s.respond(n, head)
		if _, err := io.WriteString(conn, raw); err != nil {
			return
		}
		switch then {
		case keepOpen:
		case closeConn:
			return
		case resetConn:
			conn.(*net.TCPConn).SetLinger(0)
			return
		case stallConn:
			<-s.done
			return
		}
	}
}

// readHead reads a request up to its empty line.
func readHead(br *bufio.Reader) (string, error) {
	var head strings.Builder
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			return "", err
		}
		head.WriteString(line)
		if line == "\r\n" {
			return head.String(), nil
		}
	}
}

func (s *rawServer) seen() (heads []string, conns int) {
	s.headsMu.Lock()
	defer s.headsMu.Unlock()
	return slices.Clone(s.heads), s.connections()
}

// wantRequests checks how many requests arrived.
func (s *rawServer) wantRequests(t *testing.T, want int) {
	t.Helper()
	if heads, _ := s.seen(); len(heads) != want {
		t.Errorf("%d requests arrived, want %d", len(heads), want)
	}
}

// client returns a client that calls the server through a transport of its own.
func (s *rawServer) client(t *testing.T, opts ...Option) *Client {
	t.Helper()
	c, err := NewClient(append([]Option{
		WithEndpoint(s.url), WithCredentials(StaticCredentials(testKeyID, testSecret, "")),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// rawResponse is a response with its length.
func rawResponse(status int, body string, header ...string) string {
	return rawHead(status, len(body), header...) + body
}

// rawHead is the head of a response with a body of a length.
func rawHead(status, length int, header ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\n", status, http.StatusText(status), length)
	for i := 0; i+1 < len(header); i += 2 {
		fmt.Fprintf(&b, "%s: %s\r\n", header[i], header[i+1])
	}
	return b.String() + "\r\n"
}
