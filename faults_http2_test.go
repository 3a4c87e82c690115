package livetranscode

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// The HTTP/2 frame types and flags that the server needs.
const (
	http2Data, http2Headers, http2RSTStream, http2Settings, http2Ping, http2GoAwayFrame = 0, 1, 3, 4, 6, 7
	http2EndStream, http2EndHeaders, http2Ack                                           = 0x1, 0x4, 0x1
)

// http2Server speaks HTTP/2 over TLS, one frame at a time.
type http2Server struct {
	*connServer
	url      string
	roots    *x509.CertPool
	requests atomic.Int32
}

// http2Conn is a connection of the server.
type http2Conn struct {
	*tls.Conn
	tcp    net.Conn
	server *http2Server
}

// http2Reply responds to the request of a stream, or fails. It returns whether the connection stays open.
type http2Reply func(c *http2Conn, stream uint32) bool

// http2Respond sends a whole response.
func http2Respond(status int, body string, header ...string) http2Reply {
	return func(c *http2Conn, stream uint32) bool {
		c.head(stream, status, header...)
		c.frame(http2Data, http2EndStream, stream, []byte(body))
		return true
	}
}

// http2RespondThen sends the head of a success and the beginning of its body, and then fails with next.
func http2RespondThen(beginning string, next http2Reply) http2Reply {
	return func(c *http2Conn, stream uint32) bool {
		c.head(stream, http.StatusOK)
		c.frame(http2Data, 0, stream, []byte(beginning))
		return next(c, stream)
	}
}

// http2Reset resets the stream with an error code such as 2 (INTERNAL_ERROR), 7 (REFUSED_STREAM) or 8 (CANCEL).
func http2Reset(code uint32) http2Reply {
	return func(c *http2Conn, stream uint32) bool {
		c.frame(http2RSTStream, 0, stream, binary.BigEndian.AppendUint32(nil, code))
		return true
	}
}

// http2GoAway sends GOAWAY with an error code and closes the connection. processed says whether the last stream id
// includes this stream: if not, the client knows that the request was not processed.
func http2GoAway(code uint32, processed bool) http2Reply {
	return func(c *http2Conn, stream uint32) bool {
		last := stream
		if !processed {
			last = max(stream, 2) - 2
		}
		c.frame(http2GoAwayFrame, 0, 0, binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, last), code))
		return false
	}
}

// http2Lose loses the connection: closeConn, resetConn, or stallConn, which keeps it open without a response.
func http2Lose(then connectionEnd) http2Reply {
	return func(c *http2Conn, _ uint32) bool {
		c.server.end(c.tcp, then)
		return false
	}
}

// newHTTP2Server starts a server. reply gets the number of the request, from 0.
func newHTTP2Server(t *testing.T, reply func(n int) http2Reply) *http2Server {
	t.Helper()
	certificate, roots := certify(t, "127.0.0.1", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2"}}
	s := &http2Server{roots: roots}
	s.connServer = newConnServer(t, listen(t), func(conn net.Conn) {
		s.serve(&http2Conn{tls.Server(conn, config), conn, s}, reply)
	})
	s.url = "https://" + s.addr
	return s
}

// serve responds to the requests of a connection. The first has to wait until the client has acknowledged the
// settings: a connection that is lost while the client writes shows as another error.
func (s *http2Server) serve(c *http2Conn, reply func(n int) http2Reply) {
	preface, err := readN(c, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	if err != nil || !bytes.HasPrefix(preface, []byte("PRI ")) {
		return
	}
	c.frame(http2Settings, 0, 0, nil)
	var acknowledged bool
	var streams []uint32
	for {
		kind, flags, stream, payload, err := c.read()
		switch {
		case err != nil || kind == http2GoAwayFrame:
			return
		case kind == http2Headers:
			streams = append(streams, stream)
		case kind == http2Settings && flags&http2Ack != 0:
			acknowledged = true
		case kind == http2Settings:
			c.frame(http2Settings, http2Ack, 0, nil)
		case kind == http2Ping && flags&http2Ack == 0:
			c.frame(http2Ping, http2Ack, 0, payload)
		}
		for acknowledged && len(streams) > 0 {
			if !reply(int(s.requests.Add(1)-1))(c, streams[0]) {
				return
			}
			streams = streams[1:]
		}
	}
}

// transport returns an HTTP/2 transport that trusts the server's certificate.
func (s *http2Server) transport(t *testing.T) *http.Transport {
	rt := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots}, ForceAttemptHTTP2: true}
	t.Cleanup(rt.CloseIdleConnections)
	return rt
}

func (c *http2Conn) read() (kind, flags byte, stream uint32, payload []byte, err error) {
	head, err := readN(c, 9)
	if err != nil {
		return 0, 0, 0, nil, err
	}
	payload, err = readN(c, int(head[0])<<16|int(head[1])<<8|int(head[2]))
	return head[3], head[4], binary.BigEndian.Uint32(head[5:]), payload, err
}

// frame sends a frame. An error shows at the next read.
func (c *http2Conn) frame(kind, flags byte, stream uint32, payload []byte) {
	n := len(payload)
	head := []byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags}
	c.Write(append(binary.BigEndian.AppendUint32(head, stream), payload...))
}

// head sends the head of a response, with headers as name and value in turn. HPACK needs no table for that: the
// name :status has the static index 8, and all else is literal, each shorter than 127 bytes.
func (c *http2Conn) head(stream uint32, status int, header ...string) {
	block := append([]byte{8, 3}, strconv.Itoa(status)...)
	for i := 0; i+1 < len(header); i += 2 {
		block = fmt.Appendf(block, "\x00%c%s%c%s", len(header[i]), header[i], len(header[i+1]), header[i+1])
	}
	c.frame(http2Headers, http2EndHeaders, stream, block)
}
