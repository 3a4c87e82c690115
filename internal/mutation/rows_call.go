package main

// One call: attempts, retries, errors.
var callRows = []mutant{
	{"every attempt has a nonce of its own", "attempt.go", `rand.Text())`, `rand.Text()[:0]+"nonce")`, "TestAttemptsAreSignedSeparately"},
	{"redirects are not followed", "transport.go", `return base.RoundTrip(req)`, `return (&http.Client{Transport: base}).Do(req)`, "TestNoRedirectIsFollowed|TestFaultMatrix"},
	{"headers are bounded", "transport.go", `MaxResponseHeaderBytes: 256 << 10,`, `MaxResponseHeaderBytes: 256 << 20,`, "TestFaultMatrix"},
	{"an attempt has a timeout", "attempt.go", `a.timed.Add(a.client.policy.AttemptTimeout)`, `a.timed.Add(1000*a.client.policy.AttemptTimeout)`, "TestAttemptTimeout"},
	{"a Submit that was written is not retried", "retry.go", ` || !r.idempotent && f.maybeExecuted {`, ` {`, "TestRetries|TestSubmitOnTheWire"},
	{"the trace says what was written", "transport.go", `case w != nil && w.wrote.Load():`, `case w != nil && w.wrote.Load() && err == nil:`, "TestRetries|TestSubmitOnTheWire"},
	{"a Submit whose nonce was used is not retried", "error_codes.go", `classUnusable, classNonce:`, `classUnusable:`, "TestRetries"},
	{"a Submit whose response has no id is ambiguous", "call.go", `return &failure{err: api, maybeExecuted: true}`, `return &failure{err: api, maybeExecuted: false}`, "TestSuccessWithoutID"},
	{"the end of the context ends the backoff", "retry.go", `	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:`, `	case <-timer.C:`, "TestContextEndsTheCall|TestDeadlineInTheDelay"},
	{"the quota ends retries", "quota.go", `if q.used+n > quotaSize {`, `if q.used+n > 1000*quotaSize {`, "TestRetryQuota"},
	{"a success gives back to the quota", "retry.go", `giveBack(max(1, r.spent))`, `giveBack(0 * r.spent)`, "TestRetryQuota"},
	{"delays are random", "retry.go", `return least + rand.N(most-least+1)`, `return most + 0*rand.N(most-least+1)`, "TestFullJitter"},
	{"the delay after throttling is at least a second", "retry.go", `jitter(min(minThrottleDelay, longest), longest)`, `jitter(0, longest)`, "TestFullJitter"},
	{"the base delay after throttling is at least a second", "retry.go", `max(p.BaseDelay, minThrottleDelay)`, `p.BaseDelay`, "TestFullJitter"},
	{"a Retry-After delay is not capped at MaxDelay", "retry.go", `jitter(f.retryAfter, f.retryAfter+f.retryAfter/10); delay`, `min(r.client.policy.MaxDelay, jitter(f.retryAfter, f.retryAfter+f.retryAfter/10)); delay`, "TestRetryAfter"},
	{"a delay above 60 s ends the call", "retry.go", `case f.retryAfter > maxCallDelay:`, `case f.retryAfter > 1000*maxCallDelay:`, "TestRetryAfterTooLong"},
	{"a delay past the deadline ends the call", "retry.go", `case left < f.retryAfter:`, `case left < 0*f.retryAfter:`, "TestRetryAfterTooLong"},
	{"certificate errors are not retried", "transport_errors.go", `case isPermanentTLS(err):
		return transportBadEndpoint`, `case isPermanentTLS(err):
		return transportTransient`, "TestHandshakeErrors|TestTransportErrors|TestRetries"},
	{"clock skew is corrected", "retry.go", `(f.clockOffset-f.signedOffset).Abs() < clockTolerance`, `(f.clockOffset-f.signedOffset).Abs() < 1000*time.Hour`, "TestClockSkew"},
	{"clock skew is corrected again", "retry.go", `if !f.hasOffset ||`, `if !f.hasOffset || f.signedOffset != 0 ||`, "TestClockSkew|TestClockSkewPersists"},
	{"the Date of a cached response is not used", "retry_after.go", ` || h.Get("Age") != ""`, ``, "TestClockSkew|TestClockSkewPersists"},
	{"refused credentials are replaced once a call", "retry.go", `case r.repaired[f.reason]:`, `case r.repaired[f.reason] && f.reason != refusedCredentials:`, "TestRefusedCredentials"},
	{"the same refused credentials are not sent again", "attempt.go", `case creds == a.rejected:`, `case creds == a.rejected && a.number == 0:`, "TestRefusedCredentials"},
	{"a retry that is not sent costs nothing", "call.go", `c.retrier.giveBack()`, ``, "TestRetryQuota|TestHooksOfPanics"},
	{"a retry whose attempt is not sent costs nothing", "retry.go", `r.giveBack()`, `r.cost = 0`, "TestRetryQuota|TestSlowProvider"},
	{"a provider that is too slow is asked again", "attempt.go", `f.reason, f.timedOut, f.clientSide = transient, true, false`, `f.timedOut = true`, "TestSlowProvider"},
	{"attempts that are not sent count", "retry.go", `r.made >= r.client.policy.MaxAttempts`, `r.sent >= r.client.policy.MaxAttempts || r.made > 50`, "TestSlowProvider"},
	{"the errors of other calls are not found", "wrap.go", `isOwn || err == any(context.Canceled)`, `isOwn && err == nil || err == any(context.Canceled)`, "TestErrorsOfOthers|TestCauseIsNotTheKind"},
	{"no context's error is found as a net.Error", "wrap.go", `isOwn || err == any(context.Canceled) || err == any(context.DeadlineExceeded) {`, `isOwn {`, "TestErrorsOfOthers"},
	{"the error that a hook was given is not changed", "errors.go", `func (e *APIError) completed(attempts int, ambiguous, unknownPast bool) callError {
	c := *e
	c.Attempts, c.ambiguous, c.unknownPast = attempts, ambiguous, unknownPast
	return &c`, `func (e *APIError) completed(attempts int, ambiguous, unknownPast bool) callError {
	c := e
	c.Attempts, c.ambiguous, c.unknownPast = attempts, ambiguous, unknownPast
	return c`, "TestHookErrorsAreNotChanged"},
	{"the context of a hook is not the caller's", "call.go", `c.attempt.run(caller, attemptCtx)`, `c.attempt.run(attemptCtx, attemptCtx)`, "TestHookContexts"},
	{"a delay that a hook's context ends is not ended by the caller", "call.go", `c.attempt.clientFailure(caller, hookContextError(ctx))`, `c.attempt.clientFailure(ctx, hookContextError(ctx))`, "TestHookContexts"},
	{"an attempt that panics has ended for the hooks", "call.go", `defer func() { c.endAttempt(hook, end) }()`, `defer func() {
		if end.Err != errAborted {
			c.endAttempt(hook, end)
		}
	}()`, "TestHooksOfPanics"},
	{"a call that panics has ended for the hooks", "call.go", `defer func() { call.end(ctx, hook, err) }()`, `defer func() {
		if err != errAborted {
			call.end(ctx, hook, err)
		}
	}()`, "TestHooksOfPanics"},
	{"a hook that panics does not keep another from its end", "hooks.go", `if !started { // inner`, `if started { // inner`, "TestHooksOfPanics"},
	{"the end of a hook that panics does not keep another from its end", "hooks.go", `defer endHook(endOuter, e) // deferred because inner may panic
			endHook(endInner, e)`, `endHook(endInner, e)
			endHook(endOuter, e)`, "TestHooksOfPanics"},
	{"a context that ends before a delay is named with its phase", "call.go", `c.attempt.phase = phaseBackoff`, `_ = phaseBackoff`, "TestContextEndsBeforeTheDelay|TestContextEndsTheCall"},
	{"a proxy's 404 is not ErrNotFound", "error_codes.go", `case code == "":`, `case code == "" && e.StatusCode != http.StatusNotFound:`, "TestStatuses"},
	{"an attempt's timeout does not read as the caller's deadline", "wrap.go", `target != context.DeadlineExceeded && errors.Is(e.err, target)`, `errors.Is(e.err, target)`, "TestAttemptTimeout|TestErrorsOfOthers"},
	{"nor does that of a body", "attempt.go", `if isContextError(readErr) {`, `if isContextError(readErr) && api == nil {`, "TestAttemptTimeout"},
	{"an error does not show the URL of the request", "wrap.go", `(*url.Error)(nil); errors.As(err, &address); {`, `(*url.Error)(nil); err == nil && errors.As(err, &address); {`, "TestNetworkErrors"},
	{"a stream key that the service repeats is redacted", "api_error.go", `!values.Has("StreamInput")`, `values.Has("StreamInput")`, "TestStreamKeysInMessages"},
	{"the cause of a context is not the error's kind", "wrap.go", `return !isKind &&`, `return (!isKind || true) &&`, "TestCauseIsNotTheKind|TestCauseEndsNoJob"},

	{"a rotated permanent key is fetched again", "retry.go", `if e.rejectsCredentials() {
		return refusedCredentials`, `if e.class() == classToken {
		return refusedCredentials`, "TestRefusedCredentials"},
	{"static credentials are not fetched again", "retry.go", `&& r.client.hasStaticCredentials():`, `&& r.client.provider == nil:`, "TestStaticCredentialsAreNotRetried|TestProviderErrors"},
	{"a refusal after a lost response says that the outcome is unknown", "errors.go", `case e.maybeEffectOfPast():`, `case e.StatusCode < 0:`, "TestRefusedAfterUnknown"},
	{"concurrent calls of Ensure share no job", "submit.go", `resp.Existing = resp.Existing.clone()`, `_ = resp.Existing.clone()`, "TestEnsureShares"},

	// What real services and proxies do.
	{"a cut-off body does not make a refusal ambiguous", "attempt.go", `f.maybeExecuted, f.broken = api.maybeExecuted(), true`, `f.maybeExecuted, f.broken = true, true`, "TestMaybeExecutedOfCutOffBodies"},
	{"a role, account or domain that is not found is no job", "error_codes.go", `&& !jobNotFound.MatchString(code):`, `&& code == "":`, "TestCodes"},
	{"a job is not lost because something else is not found", "plan.go", `api.class() == classOtherNotFound:`, `api.class() == classUnusable:`, "TestScopeOf"},
	{"a proxy's code is none of the service's", "error_codes.go", `s[0] >= 'A' && s[0] <= 'Z' && strings.ContainsFunc(s, unicode.IsLower)`, `s[0] >= 'A' && strings.ContainsFunc(s, func(r rune) bool { return r > 0 || unicode.IsLower(r) })`, "TestStatuses"},
	{"a numeric code with a Retry-After header means throttling", "api_error.go", `throttled && isNumeric(code)`, `throttled && code == ""`, "TestThrottlingByOtherSigns"},
	{"a page of HTML has no code", "api_error.go", `if htmlElement.Match(text) {`, `if len(text) == 0 {`, "TestStatuses"},
	{"an empty duplicate does not replace a value", "decode_values.go", `if v.IsZero() || v.Kind() == reflect.Pointer && v.Elem().IsZero() {`, `if v.Kind() == reflect.Chan {`, "TestEmptyDuplicates|TestNewIDMalformed"},
	{"an id in lower camel case is read", "job_requests.go", `json:"JobId,case:ignore"`, `json:"JobId"`, "TestNewIDMalformed|TestEmptyDuplicates"},
	{"the zone of a time is no parameter", "params.go", `if !v.Type().Field(i).IsExported() {`, `if name == "" {`, "TestTimeZones"},
	{"a family of codes counts as its code", "error_codes.go", `code = code[:max(0, strings.LastIndexByte(code, '.'))]`, `code = ""`, "TestCodes"},
	{"the service's Retry-After header means throttling", "error_codes.go", `isNumericThrottling(code, e.Message), e.askedToRetry:`, `isNumericThrottling(code, e.Message):`, "TestThrottlingByOtherSigns"},
	{"a numeric code with a throttling message means throttling", "error_codes.go", `isNumericThrottling(code, e.Message), e.askedToRetry:`, `e.askedToRetry:`, "TestThrottlingByOtherSigns"},
	{"an undocumented throttling code with a 5xx leaves the outcome unknown", "error_codes.go", `return e.StatusCode >= 500 && lookUpCode(e.Code) != classThrottled`, `return false`, "TestMaybeExecuted"},
	{"a documented throttling code with a 5xx was refused", "error_codes.go", `return e.StatusCode >= 500 && lookUpCode(e.Code) != classThrottled`, `return e.StatusCode >= 500`, "TestMaybeExecuted"},
	{"408, 421 and 425 are transient", "error_codes.go", `case status == http.StatusRequestTimeout, status == http.StatusMisdirectedRequest, status == http.StatusTooEarly, status >= 500:`, `case status >= 500:`, "TestStatuses"},
	{"the gateway's refusal of a long request is invalid", "error_codes.go", `return classTooLarge`, `return classUnusable`, "TestStatuses|TestMaybeExecuted"},
	{"only a missing permission is granted in RAM", "errors.go", `case class == classPermission, e.AccessDenied != nil:`, `case true:`, "TestHints"},
	{"HTTP/2 failures are transient", "transport_errors.go", `"stream error: stream ID", "http2: server sent GOAWAY",`, ``, "TestTransportErrors"},
	{"a proxy's 5xx is transient", "proxy_errors.go", `case e.status >= 500, e.status`, `case e.status >= 600, e.status`, "TestTransportErrors"},
	{"a SOCKS failure is transient", "transport_errors.go", `case isSOCKS(op):`, `case isSOCKS(op) && op.Err == nil:`, "TestTransportErrors"},
	{"malformed credentials are not permanent", "attempt.go", `err = errors.New("malformed credentials: " + invalid.Field + " " + invalid.Reason)`, `_ = errors.New("malformed credentials: " + invalid.Field + " " + invalid.Reason)`, "TestProviderErrors"},
	{"an ambiguous error is not retryable", "error_codes.go", `return errors.As(err, &ensured)`, `return errors.As(err, &ensured) || true`, "TestRetryableAndErrorKind"},
	{"a Submit goes out on a new connection", "call.go", `newConn: !op.idempotent,`, `newConn: false,`, "TestSubmitOnFreshConnections|TestSubmitOnTheWire"},
	{"a retry leaves a broken connection", "call.go", `c.first.newConn || failed.broken`, `c.first.newConn`, "TestRetriesLeaveDeadConnections"},
	{"a new connection speaks HTTP/2 as the caller's does", "new_conn.go", `if base.TLSNextProto["h2"] != nil {`, `if base.TLSNextProto["h3"] != nil {`, "TestSubmitThroughAnyTransport|TestSubmitThroughPlainTransport"},
	{"the caller's Proxy sees the real request", "new_conn.go", `if base.Proxy != nil { // already`, `if base.Proxy == nil { // base`, "TestNewConnAsksForTheProxyOfTheRequest"},
	{"a trace is told the port of a connection", "new_conn.go", `trace.GetConn(hostPort(next))`, `trace.GetConn(next.Host)`, "TestGetConn"},
	{"a trace is told of the connection to the proxy", "new_conn.go", `next = proxy`, `_ = next`, "TestGetConn"},
	{"the error of a transport without HTTP/2 says what to do", "new_conn.go", `&connectError{explainHTTP2(err)}`, `&connectError{err}`, "TestHTTP2IsOff"},
	{"requests do not share header values", "client.go", `func (c *Client) newHeader(action string) http.Header {
	values := &[...]string{`, `var shared []string

func (c *Client) newHeader(action string) http.Header {
	if shared == nil {
		shared = []string{action, apiVersion, "application/json", c.userAgent}
	}
	values := shared
	_ = [...]string{`, "TestHeadersAreNotShared"},
	{"the headers that a middleware sees are a copy", "signed_request.go", `shown.Header = r.req.Header.Clone()`, `shown.Header = maps.Clone(r.req.Header)`, "TestHeadersAreNotShared"},
	{"a new connection is closed", "new_conn.go", `resp.Body = &connBody{resp.Body, conn}`, ``, "TestFaultMatrix|TestHandshakeErrors"},
	{"a connection that comes too late is closed", "new_conn.go", `			if err == nil {
				_ = conn.Close()
			}`, ``, "TestNewConnEndsWithItsContext"},
	{"a text is a proxy's refusal through a proxy only", "proxy_errors.go", `if proxyErr != nil || proxy == nil {`, `if proxyErr != nil {`, "TestTextsOfProxies"},
	{"a refusal in a proxy's own words is told by a new connection", "proxy_errors.go", `if classifyTransportError(err) == transportUnknown {`, `if false {`, "TestTextsOfProxies"},
	{"the caller's hook for a proxy's response is kept", "proxy_errors.go", `err = next(ctx, proxy, req, resp)`, `_ = next`, "TestCallersProxyHook"},
	{"a corrupted TLS record is transient", "transport_errors.go", `op.Op == "remote error" && slices.Contains(`, `op.Op == "remote error" || slices.Contains(`, "TestTransportErrors"},
	{"a corrupted TLS record does not read as a port without TLS", "transport_errors.go", ` && record.Conn != nil`, ``, "TestTransportErrors"},
	{"a wrapper's second request is not sent", "signed_request.go", `case r.err != nil:`, `case r.err != nil && r.closed:`, "TestMiddlewareSendsOnce"},
	{"a request is not sent after its attempt", "signed_request.go", `case r.closed:`, `case false:`, "TestMiddlewareReturnsEarly"},
	{"a Submit in flight may be executed", "signed_request.go", `case maybeExecuted:
		return true`, `case maybeExecuted:
		return false`, "TestMiddlewareReturnsEarly"},
	{"a wrapper's own status does not prove that nothing was executed", "signed_request.go", `resp.StatusCode == r.status && r.status != 0`, `resp.StatusCode != 0`, "TestMiddlewareReplacesTheResult"},
	{"a wrapper's own error does not prove that nothing was executed", "signed_request.go", `if err == nil && resp != nil && resp`, `if err != nil || resp != nil && resp`, "TestMiddlewareReplacesTheResult"},
	{"a wrapper's own status does not hide a refusal", "signed_request.go", `(&APIError{StatusCode: r.status}).maybeExecuted()`, `true`, "TestMiddlewareReplacesTheResult"},
	{"a wrapper's own status does not hide that nothing was written", "signed_request.go", `executed = r.written.mayBeExecuted(err)`, `executed = true`, "TestMiddlewareReplacesTheResult"},
	{"a second call of next returns after the first", "signed_request.go", `case <-r.over:`, `default:`, "TestMiddlewareHedges"},
	{"a second call of next ends with its context", "signed_request.go", `case <-ctx.Done():`, `case <-context.Background().Done():`, "TestMiddlewareHedges"},
	{"a request is not sent after its attempt has panicked", "middleware.go", `defer signed.close()
	return t.middleware.RoundTrip(signed.redacted())`, `resp, err := t.middleware.RoundTrip(signed.redacted())
	signed.close()
	return resp, err`, "TestMiddlewareReturnsEarly"},
	{"a request that a wrapper does not send is not executed", "signed_request.go", `case notExecuted:
		return false`, `case notExecuted:
		return true`, "TestMiddlewareDoesNotSend"},
	{"a trace of a wrapper sees no secrets", "middleware.go", `return &tracedContext{ctx, &redacted}`, `return ctx`, "TestMiddlewareSeesNoSecrets"},
	{"a response shows a wrapper the redacted request", "middleware.go", `resp.Request = shown`, `_ = shown`, "TestMiddlewareSeesNoSecrets"},
	{"a body that makes no progress ends", "response.go", `case empty >= maxEmptyReads:`, `case empty >= maxEmptyReads*maxResponse:`, "TestTransportsThatBreakTheirContract"},
	{"a body cannot claim more than it was asked for", "response.go", `if n < 0 || n > len(free) {`, `if n < 0 {`, "TestTransportsThatBreakTheirContract"},
	{"a response beside an error is closed", "attempt.go", `case err != nil && resp != nil && resp.Body != nil:
		resp.Body.Close()`, `case err != nil && resp != nil && resp.Body != nil:`, "TestTransportsThatBreakTheirContract"},
	{"the end of a call names the error's request id", "call.go", `errors.As(err, &api) && api.RequestID != "" {
			id`, `errors.As(err, &api) && api.RequestID == "" {
			id`, "TestCallEndNamesWhatTheErrorNames"},
	{"ids in hooks are bounded", "retry.go", `redact.OneLine(redact.Truncate(id, maxSnippet))`, `redact.OneLine(id)`, "TestCallEndNamesWhatTheErrorNames"},
	{"a refused HTTP/2 stream was not processed", "transport.go", `case neverProcessed(err):`, `case err == nil:`, "TestHTTP2Faults|TestRefusedStreams"},
	{"the id in a response that breaks later is kept", "attempt.go", `(readErr == nil || !a.op.idempotent)`, `readErr == nil`, "TestHTTP2Faults|TestFaultMatrix"},
	{"the end of a context names its phase", "attempt.go", `a.phase = phaseBody`, `_ = phaseBody`, "TestContextEndsTheCall"},
	{"a limiter that cannot wait reads as the deadline", "attempt.go", `kind = context.DeadlineExceeded`, `kind = nil`, "TestLimiter"},
	{"a limiter's refusal of a hook's deadline is not the caller's", "attempt.go", `ok && end.Equal(deadline) && strings`, `ok && !end.IsZero() && strings`, "TestLimiter"},
	{"a proxy is named", "transport.go", `OnProxyConnectResponse: onProxyConnect(nil),`, ``, "TestProxyFaults"},
	{"a Stop that was executed is a success", "error_codes.go", `if !e.unknownPast || strings`, `if e.unknownPast || strings`, "TestRefusedAfterUnknown"},
}
