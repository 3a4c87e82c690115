package livetranscode

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptrace"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A retryRule is what a failed first attempt leads to.
type retryRule int

const (
	never     retryRule = iota // no retry; the request was not executed
	retryAll                   // a retry; the request was not executed
	retrySafe                  // a retry of idempotent operations; the request may have been executed
	neverSafe                  // no retry; the request may have been executed
)

// TestRetries checks that a Submit or Create is retried only if the first attempt was certainly not executed, and other
// operations whenever that may help.
func TestRetries(t *testing.T) {
	t.Parallel()
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	refused := dial(os.NewSyscallError("connect", syscall.ECONNREFUSED))
	reset := &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	idleClosed, unknown := errors.New("http: server closed idle connection"), errors.New("something else")
	fieldWritten := func(next step) step {
		return traced(next, func(trace *httptrace.ClientTrace) { trace.WroteHeaderField(":method", []string{"POST"}) })
	}
	tests := map[string]struct {
		first step
		want  retryRule
	}{
		// Refused before processing.
		"Throttling":              {respondError(400, "Throttling"), retryAll},
		"Throttling.User":         {respondError(400, "Throttling.User"), retryAll},
		"Throttling.Api":          {respondError(429, "Throttling.Api"), retryAll},
		"Throttling with 503":     {respondError(503, "Throttling.Burst"), retryAll},
		"Rejected.Throttling":     {respondError(400, "Rejected.Throttling"), retryAll},
		"429 of a proxy":          {respond(429, ""), retryAll},
		"clock skew":              {respondAhead(400, "InvalidTimeStamp.Expired", time.Hour), retryAll},
		"clock skew, older code":  {respondAhead(400, "IllegalTimestamp", -time.Hour), retryAll},
		"clock skew without Date": {respondError(400, "InvalidTimeStamp.Expired"), never},
		"the same, older code":    {respondError(400, "IllegalTimestamp"), never},
		"expired token":           {respondError(403, "InvalidSecurityToken.Expired"), retryAll},
		"missing token":           {respondError(400, "MissingSecurityToken"), retryAll},

		// Never written.
		"dial refused":           {failWith(refused), retryAll},
		"dial timeout":           {failWith(dial(os.ErrDeadlineExceeded)), retryAll},
		"DNS, temporary":         {failWith(dial(&net.DNSError{Err: "server misbehaving", IsTemporary: true})), retryAll},
		"DNS, temporary, bare":   {failWith(&net.DNSError{Err: "server misbehaving", IsTemporary: true}), retryAll},
		"DNS, not found":         {failWith(dial(&net.DNSError{Err: "no such host", IsNotFound: true})), never},
		"certificate":            {failWith(&tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: new(x509.Certificate)}}), never},
		"unknown authority":      {failWith(x509.UnknownAuthorityError{Cert: new(x509.Certificate)}), never},
		"unwritten, dial":        {unwritten(failWith(refused)), retryAll},
		"unwritten, not TLS":     {unwritten(failWith(tls.RecordHeaderError{Msg: "no", Conn: new(net.TCPConn)})), never},
		"unwritten, reset":       {unwritten(failWith(reset)), retryAll},
		"unwritten, EOF":         {unwritten(failWith(io.EOF)), retryAll},
		"unwritten, timed out":   {unwritten(block), retryAll},
		"unwritten, idle closed": {unwritten(failWith(idleClosed)), retryAll},
		"unwritten, unknown":     {unwritten(failWith(unknown)), never},

		// Written, or unknown. HTTP/2 reports the headers only after all of them, so a field counts. The error may be
		// that of a retry of the transport's own, so the trace takes precedence.
		"written, reset":           {written(failWith(reset)), retrySafe},
		"written, EOF":             {written(failWith(io.EOF)), retrySafe},
		"written, broken pipe":     {written(failWith(syscall.EPIPE)), retrySafe},
		"written, timed out":       {written(block), retrySafe},
		"written, idle closed":     {written(failWith(idleClosed)), retrySafe},
		"written, unknown":         {written(failWith(unknown)), neverSafe},
		"written, then dialed":     {written(failWith(refused)), retrySafe},
		"a field, then dialed":     {fieldWritten(failWith(refused)), retrySafe},
		"not reported, reset":      {failWith(reset), retrySafe},
		"not reported, EOF":        {failWith(io.EOF), retrySafe},
		"not reported, timed out":  {block, retrySafe},
		"not reported, unknown":    {failWith(unknown), neverSafe},
		"not reported, TLS record": {failWith(tls.RecordHeaderError{Msg: "no", Conn: new(net.TCPConn)}), neverSafe},
		"not reported, bad record": {failWith(tls.RecordHeaderError{Msg: "no"}), retrySafe}, // after the handshake

		// A response that is not a clear refusal.
		"InternalError":           {respondError(500, "InternalError"), retrySafe},
		"InternalError, 400":      {respondError(400, "InternalError"), retrySafe},
		"ServiceUnavailable":      {respondError(503, "ServiceUnavailable"), retrySafe},
		"unknown code, 5xx":       {respondError(500, "Unheard.Of"), retrySafe},
		"502 of a proxy":          {respond(502, "<html>Bad Gateway</html>"), retrySafe},
		"504 of a proxy":          {respond(504, ""), retrySafe},
		"503, asking for a delay": {respond(503, "", "Retry-After", "1"), retrySafe},
		"400 of a proxy":          {respond(400, ""), neverSafe},
		"404 of a proxy":          {respond(404, "not found"), neverSafe},
		"nonce used":              {respondError(400, "SignatureNonceUsed"), retrySafe},
		"redirect":                {respond(302, "", "Location", "/"), neverSafe},
		"permanent redirect":      {respond(308, "", "Location", "https://elsewhere.example/"), neverSafe},
		"redirect with a code":    {respondError(302, ""), neverSafe},
		"empty success":           {respond(200, ""), neverSafe},
		"invalid success":         {respond(200, "{"), neverSafe},
		"cut success":             {respondThenFail(200, `{"RequestId":"r",`, io.ErrUnexpectedEOF), retrySafe},
		"reset success":           {respondThenFail(200, `{"RequestId":"r",`, reset), retrySafe},
		"cut error":               {respondThenFail(400, `{"RequestId":"r","Mess`, io.ErrUnexpectedEOF), retrySafe},

		// Refused.
		"InvalidParameter":          {respondError(400, "InvalidParameter"), never},
		"with a delay":              {respondError(400, "InvalidParameter", "Retry-After", "1"), never},
		"InvalidParameter, 503":     {respondError(503, "InvalidParameter"), never}, // the code decides
		"MissingName":               {respondError(400, "MissingName"), never},
		"Forbidden":                 {respondError(403, "Forbidden"), never},
		"Forbidden, 400":            {respondError(400, "Forbidden"), never},
		"Forbidden.RAM":             {respondError(403, "Forbidden.RAM"), never},
		"NoPermission":              {respondError(400, "NoPermission"), never},
		"not found":                 {respondError(404, "InvalidParameter.ResourceNotFound"), never},
		"SignatureDoesNotMatch":     {respondError(400, "SignatureDoesNotMatch"), retryAll},
		"IncompleteSignature":       {respondError(400, "IncompleteSignature"), never},
		"unknown access key":        {respondError(404, "InvalidAccessKeyId.NotFound"), retryAll},
		"inactive access key":       {respondError(400, "InvalidAccessKeyId.Inactive"), retryAll},
		"disabled access key":       {respondError(403, "Forbidden.AccessKeyDisabled"), retryAll},
		"unknown action":            {respondError(404, "InvalidAction.NotFound"), never},
		"unknown version":           {respondError(400, "NoSuchVersion"), never},
		"unknown code, 4xx":         {respondError(409, "Unheard.Of"), never},
		"unknown code, 4xx, delay":  {respondError(409, "Unheard.Of", "Retry-After", "1"), never},
		"SignatureNonceUsed, delay": {respondError(400, "SignatureNonceUsed", "X-Acs-Retry-After", "1"), retrySafe},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, op := range allOperations {
					checkRetry(t, op, tt.first, tt.want)
				}
			})
		})
	}
}

// checkRetry checks what happens to an operation after the first attempt.
func checkRetry(t *testing.T, op testOperation, first step, want retryRule) {
	t.Helper()
	n := 0
	provider := CredentialsFunc(func(context.Context) (Credentials, error) {
		n++ // a refused token is replaced
		return Credentials{AccessKeyID: fmt.Sprint("STS.", n), AccessKeySecret: testSecret, SecurityToken: testToken}, nil
	})
	rt := newScript(first, respond(200, op.success))
	err := op.call(t.Context(), clientOver(t, rt, WithCredentials(provider)))
	retried := want == retryAll || want == retrySafe && op.idempotent
	requests := 1
	if retried {
		requests = 2
	}
	if got := len(rt.requests(t)); got != requests || (err == nil) != retried {
		t.Errorf("%s: %d requests were sent, want %d; the error is %v", op.name, got, requests, err)
	}
	ambiguous := !op.idempotent && (want == retrySafe || want == neverSafe)
	if got := errors.Is(err, ErrAmbiguous); got != ambiguous {
		t.Errorf("%s: errors.Is(%v, ErrAmbiguous) is %t", op.name, err, got)
	}
	if err == nil {
		return
	}
	wantOneLine(t, err)
	if hint := strings.Contains(err.Error(), "the operation may have succeeded"); hint != ambiguous {
		t.Errorf("%s: the error %q is wrong about the outcome", op.name, err)
	}
}
