package livetranscode

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// The proxies of the fault matrix, on loopback: newConnectProxy and newSOCKSProxy tunnel, refuse or fail. The server
// of HTTP/2 faults, newHTTP2Server, is in faults_http2_test.go.

// connectProxy is an HTTP proxy that serves CONNECT. It tunnels every target to one backend, so that an endpoint of
// any name reaches a server of the test.
type connectProxy struct {
	*connServer
	url *url.URL

	targetsMu sync.Mutex
	targets   []string
}

// connectReply is what a proxy sends in place of a tunnel, and what it then does with the connection.
type connectReply struct {
	raw  string
	then connectionEnd
	// tunneled is sent, as if by the target, once the client has sent something through the tunnel that raw opened.
	tunneled string
}

// refuseConnect refuses a CONNECT with a status and the page of a proxy.
func refuseConnect(status int, header ...string) *connectReply {
	return &connectReply{raw: rawResponse(status, "<html>a proxy's page</html>", header...), then: closeConn}
}

// newConnectProxy starts a proxy. reply gets the number of the CONNECT, from 0; nil tunnels to backend.
func newConnectProxy(t *testing.T, backend string, reply func(n int) *connectReply) *connectProxy {
	t.Helper()
	p := new(connectProxy)
	p.connServer = newConnServer(t, listen(t), func(conn net.Conn) {
		br := bufio.NewReader(conn)
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		p.targetsMu.Lock()
		n := len(p.targets)
		p.targets = append(p.targets, req.Method+" "+req.RequestURI)
		p.targetsMu.Unlock()
		if r := reply(n); r != nil {
			io.WriteString(conn, r.raw)
			if r.tunneled != "" {
				br.ReadByte()
				io.WriteString(conn, r.tunneled)
			}
			p.end(conn, r.then)
			return
		}
		io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
		p.tunnel(conn, br, backend)
	})
	p.url = &url.URL{Scheme: "http", Host: p.addr}
	return p
}

// requests returns the method and target of each request, such as "CONNECT ice.cn-shanghai.aliyuncs.com:443".
func (p *connectProxy) requests() []string {
	p.targetsMu.Lock()
	defer p.targetsMu.Unlock()
	return slices.Clone(p.targets)
}

// socksProxy is a SOCKS5 proxy without authentication. It tunnels every target to one backend.
type socksProxy struct {
	*connServer
	url      *url.URL
	requests atomic.Int32 // connect requests that were read
}

// socksReply is what a proxy does with a connection. The zero value tunnels.
type socksReply struct {
	refuseMethod bool          // no authentication method is acceptable
	code         byte          // of the response to the connect request: 1 general failure, 2 not allowed, 5 refused, ...
	end          connectionEnd // unless keepOpen, in place of the response to the connect request
}

// newSOCKSProxy starts a proxy. reply gets the number of the connection, from 0.
func newSOCKSProxy(t *testing.T, backend string, reply func(n int) socksReply) *socksProxy {
	t.Helper()
	p := new(socksProxy)
	var connections atomic.Int32
	p.connServer = newConnServer(t, listen(t), func(conn net.Conn) {
		r := reply(int(connections.Add(1) - 1))
		br := bufio.NewReader(conn)
		greeting, err := readN(br, 2)
		if err != nil {
			return
		}
		if _, err = readN(br, int(greeting[1])); err != nil {
			return
		}
		if r.refuseMethod {
			conn.Write([]byte{5, 0xff})
			return
		}
		conn.Write([]byte{5, 0})
		if err = readSOCKSRequest(br); err != nil {
			return
		}
		p.requests.Add(1)
		if r.end != keepOpen {
			p.end(conn, r.end)
			return
		}
		conn.Write([]byte{5, r.code, 0, 1, 0, 0, 0, 0, 0, 0})
		if r.code == 0 {
			p.tunnel(conn, br, backend)
		}
	})
	p.url = &url.URL{Scheme: "socks5", Host: p.addr}
	return p
}

// readSOCKSRequest reads a connect request: version, command, reserved, address type, address, port.
func readSOCKSRequest(br *bufio.Reader) error {
	head, err := readN(br, 4)
	if err != nil {
		return err
	}
	length := map[byte]int{1: 4, 4: 16}[head[3]]
	if head[3] == 3 { // a name, after its length
		var name []byte
		if name, err = readN(br, 1); err != nil {
			return err
		}
		length = int(name[0])
	}
	_, err = readN(br, length+2)
	return err
}

func readN(r io.Reader, n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}
