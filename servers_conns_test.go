package livetranscode

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// A connCounter counts the connections of a transport.
type connCounter struct {
	dial         func() (net.Conn, error) // nil: over the network
	open, opened atomic.Int32
}

type countedConn struct {
	net.Conn
	count  *connCounter
	closed atomic.Bool
}

func (c *countedConn) Close() error {
	if !c.closed.Swap(true) {
		c.count.open.Add(-1)
	}
	return c.Conn.Close()
}

// transport returns the transport of a client that was not given one, with its connections counted.
func (c *connCounter) transport(roots *x509.CertPool) *http.Transport {
	t := newTransport()
	dial := t.DialContext
	if c.dial != nil {
		dial = func(context.Context, string, string) (net.Conn, error) { return c.dial() }
	}
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c.opened.Add(1)
		c.open.Add(1)
		return &countedConn{Conn: conn, count: c}, nil
	}
	t.TLSClientConfig.RootCAs = roots
	return t
}

// wantNoneOpen checks that no connection outlives the calls that are over.
func (c *connCounter) wantNoneOpen(t *testing.T, client *Client) {
	t.Helper()
	client.CloseIdleConnections()
	for range 200 { // net/http closes them in its own time
		if c.open.Load() == 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
		client.CloseIdleConnections()
	}
	t.Errorf("%d connections are still open", c.open.Load())
}

// A connListener wraps the connections that another listener accepts.
type connListener struct {
	net.Listener
	wrap func(net.Conn) net.Conn
}

func (l connListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.wrap(conn), nil
}

// A dribblingConn sends the head at once and the rest byte by byte, or all byte by byte.
type dribblingConn struct {
	net.Conn
	head bool // dribbles the head, too
}

func (c dribblingConn) Write(p []byte) (int, error) {
	n := 0
	if !c.head {
		n = bytes.Index(p, []byte("\r\n\r\n")) + 4
		if _, err := c.Conn.Write(p[:n]); err != nil {
			return 0, err
		}
	}
	for ; n < len(p); n++ {
		if _, err := c.Conn.Write(p[n : n+1]); err != nil {
			return n, err
		}
		time.Sleep(20 * time.Millisecond) // in a synctest bubble
	}
	return n, nil
}

// A resettingConn is reset as soon as a byte was read.
type resettingConn struct{ net.Conn }

func (c resettingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p[:1])
	c.Conn.(*net.TCPConn).SetLinger(0)
	c.Close()
	return n, err
}

// certify returns a certificate for a host, and the roots that trust it.
func certify(t *testing.T, host string, from, to time.Time) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, NotBefore: from, NotAfter: to,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// A flood is a long body that needs little memory: a prefix, then the same piece many times.
type flood struct {
	prefix string
	piece  []byte
	times  int
}

func (f *flood) Read(p []byte) (int, error) {
	if f.prefix != "" {
		n := copy(p, f.prefix)
		f.prefix = f.prefix[n:]
		return n, nil
	}
	if f.times == 0 {
		return 0, io.EOF
	}
	f.times--
	if len(p) < len(f.piece) {
		panic("a piece does not fit")
	}
	return copy(p, f.piece), nil
}

// serveFlood responds to every request with a head and a flood, using little memory itself.
func serveFlood(t *testing.T, head string, body func() *flood) (url string) {
	t.Helper()
	s := newConnServer(t, listen(t), func(conn net.Conn) {
		if _, err := readHead(bufio.NewReader(conn)); err != nil {
			return
		}
		io.WriteString(conn, head)
		io.CopyBuffer(struct{ io.Writer }{conn}, body(), make([]byte, 64<<10)) // until the client has had enough
	})
	return "http://" + s.addr
}
