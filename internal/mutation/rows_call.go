package main

// One call: attempts, retries, errors.
var callRows = []mutant{
	{"every attempt has a nonce of its own", "attempt.go", `rand.Text())`, `rand.Text()[:0]+"nonce")`, "TestEachAttemptIsSignedAnew"},
	{"redirects are not followed", "attempt.go", `c.client.transport(c.op).RoundTrip(c.req)`, `(&http.Client{Transport: c.client.transport(c.op)}).Do(c.req)`, "TestNoRedirectIsFollowed|TestFaultMatrix"},
	{"headers are bounded", "transport.go", `MaxResponseHeaderBytes: 256 << 10,`, `MaxResponseHeaderBytes: 256 << 20,`, "TestFaultMatrix"},
	{"an attempt has a timeout", "attempt.go", `context.WithTimeout(ctx, c.client.policy.AttemptTimeout)`, `context.WithTimeout(ctx, 1000*c.client.policy.AttemptTimeout)`, "TestAttemptTimeout|TestAttemptTimeoutIsNoDeadline"},
	{"a Submit that was written is not repeated", "retry.go", ` || !c.op.idempotent && f.maybeExecuted {`, ` {`, "TestSafetyOfWrites|TestWritesOnTheWire"},
	{"what was written is known", "transport.go", `case w != nil && w.wrote.Load():`, `case w != nil && w.wrote.Load() && err == nil:`, "TestSafetyOfWrites|TestWritesOnTheWire"},
	{"a Submit whose nonce was used is not repeated", "error_codes.go", `classUnusable, classNonce:`, `classUnusable:`, "TestSafetyOfWrites"},
	{"a Submit without an id in its answer is ambiguous", "call.go", `return &failure{err: api, maybeExecuted: true}`, `return &failure{err: api, maybeExecuted: false}`, "TestSuccessWithoutID"},
	{"the end of the context ends a delay", "retry.go", `	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:`, `	case <-timer.C:`, "TestContextEndsTheCall|TestDeadlineInTheDelay"},
	{"the quota ends retries", "retry.go", `if q.used+n > quotaSize {`, `if q.used+n > 1000*quotaSize {`, "TestRetryQuota"},
	{"success pays back to the quota", "call.go", `giveBack(max(1, c.spent))`, `giveBack(0 * c.spent)`, "TestRetryQuota"},
	{"delays are random", "retry.go", `return least + rand.N(most-least+1)`, `return most + 0*rand.N(most-least+1)`, "TestFullJitter"},
	{"throttled calls wait at least a second", "retry.go", `jitter(min(minThrottleDelay, longest), longest)`, `jitter(0, longest)`, "TestFullJitter"},
	{"throttled calls start from a second", "retry.go", `max(p.BaseDelay, minThrottleDelay)`, `p.BaseDelay`, "TestFullJitter"},
	{"the service's delay is not capped", "retry.go", `jitter(f.retryAfter, f.retryAfter+f.retryAfter/10); delay`, `min(c.client.policy.MaxDelay, jitter(f.retryAfter, f.retryAfter+f.retryAfter/10)); delay`, "TestServerDelay"},
	{"a delay above 60 s ends the call", "retry.go", `case f.retryAfter > maxCallDelay:`, `case f.retryAfter > 1000*maxCallDelay:`, "TestServerDelayTooLong"},
	{"a delay past the deadline ends the call", "retry.go", `case left < f.retryAfter:`, `case left < 0*f.retryAfter:`, "TestServerDelayTooLong"},
	{"certificates are not tried again", "transport.go", `case isPermanentTLS(err):
		return transportBadEndpoint`, `case isPermanentTLS(err):
		return transportTransient`, "TestTLSFaults|TestTransportErrors|TestSafetyOfWrites"},
	{"the clock is repaired", "retry.go", `(f.clockOffset-c.clockOffset).Abs() < clockTolerance`, `(f.clockOffset-c.clockOffset).Abs() < 1000*time.Hour`, "TestClock"},
	{"the clock is also set back", "retry.go", `if !f.hasOffset ||`, `if !f.hasOffset || c.clockOffset != 0 ||`, "TestClock|TestClockStays"},
	{"the date of a cached answer is not used", "retry_after.go", ` || h.Get("Age") != ""`, ``, "TestClock|TestClockStays"},
	{"refused credentials are fetched again once", "retry.go", `case c.repaired[f.reason]:`, `case c.repaired[f.reason] && f.reason != expiredToken:`, "TestRefusedCredentials"},
	{"the same credentials are not tried again", "attempt.go", `case c.repaired[expiredToken] && creds == c.rejected:`, `case c.repaired[expiredToken] && creds == c.rejected && c.sent == 0:`, "TestRefusedCredentials"},
	{"a retry that is not sent costs nothing", "call.go", `c.client.quota.giveBack(c.retryCost) // of a retry that was not sent`, ``, "TestQuotaOfRefusedTokens"},
	{"a 404 of a proxy is not 'not found'", "error_codes.go", `case code == "":`, `case code == "" && e.StatusCode != http.StatusNotFound:`, "TestStatuses"},
	{"an attempt's timeout is not the caller's", "wrap.go", `if isContextError(e.err) {`, `if isContextError(e.err) && e.text == "" {`, "TestAttemptTimeoutIsNoDeadline"},
	{"nor is that of a body", "attempt.go", `if isContextError(readErr) {`, `if isContextError(readErr) && api == nil {`, "TestAttemptTimeoutIsNoDeadline"},
	{"no address of a request in an error", "wrap.go", `for errors.As(err, &address) {`, `for err == nil && errors.As(err, &address) {`, "TestNetworkErrors"},
	{"no key of a stream that comes back is shown", "api_error.go", `!values.Has("StreamInput")`, `values.Has("StreamInput")`, "TestStreamKeysThatComeBack"},
	{"another call's failure is not the kind", "wrap.go", `own := slices.Contains(sentinels, target) ||`, `own := false && slices.Contains(sentinels, target) ||`, "TestCauseIsNotTheKind|TestCauseEndsNoJob"},

	// What real services and proxies do.
	{"a family of codes counts as its code", "error_codes.go", `code = code[:max(0, strings.LastIndexByte(code, '.'))]`, `code = ""`, "TestCodes"},
	{"the service's Retry-After header means throttling", "error_codes.go", `isNumericThrottling(code, e.Message), e.askedToRetry:`, `isNumericThrottling(code, e.Message):`, "TestThrottlingByOtherSigns"},
	{"a numeric code with a throttling message means throttling", "error_codes.go", `isNumericThrottling(code, e.Message), e.askedToRetry:`, `e.askedToRetry:`, "TestThrottlingByOtherSigns"},
	{"an undocumented throttling code with a 5xx leaves the outcome unknown", "error_codes.go", `return e.StatusCode >= 500 && lookUpCode(e.Code) != classThrottled`, `return false`, "TestMaybeExecuted"},
	{"a documented throttling code with a 5xx was refused", "error_codes.go", `return e.StatusCode >= 500 && lookUpCode(e.Code) != classThrottled`, `return e.StatusCode >= 500`, "TestMaybeExecuted"},
	{"408, 421 and 425 are transient", "error_codes.go", `case status == http.StatusRequestTimeout, status == http.StatusMisdirectedRequest, status == http.StatusTooEarly, status >= 500:`, `case status >= 500:`, "TestStatuses"},
	{"the gateway's refusal of a long request is invalid", "error_codes.go", `return classTooLarge`, `return classUnusable`, "TestStatuses|TestMaybeExecuted"},
	{"only a missing permission is granted in RAM", "errors.go", `case class == classPermission, e.AccessDenied != nil:`, `case true:`, "TestHints"},
	{"HTTP/2 failures are transient", "transport.go", `"stream error: stream ID", "http2: server sent GOAWAY",`, ``, "TestTransportErrors"},
	{"a proxy's 5xx is transient", "transport.go", `case e.status >= 500, e.status`, `case e.status >= 600, e.status`, "TestTransportErrors"},
	{"a SOCKS failure is transient", "transport.go", `case isSOCKS(op):`, `case isSOCKS(op) && op.Err == nil:`, "TestTransportErrors"},
	{"malformed credentials are not permanent", "attempt.go", `err = errors.New("malformed credentials: " + invalid.Field + " " + invalid.Reason)`, `_ = errors.New("malformed credentials: " + invalid.Field + " " + invalid.Reason)`, "TestProviderErrors"},
	{"an ambiguous error is not retryable", "error_codes.go", `return errors.As(err, &ensured)`, `return true`, "TestRetryableAndErrorKind"},
}
