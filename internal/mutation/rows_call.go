package main

// One call: attempts, retries, errors.
var callRows = []mutant{
	{"every attempt has a nonce of its own", "attempt.go", `rand.Text())`, `rand.Text()[:0]+"nonce")`, "TestEachAttemptIsSignedAnew"},
	{"redirects are not followed", "attempt.go", `t.client.transport().RoundTrip(req)`, `(&http.Client{Transport: t.client.transport()}).Do(req)`, "TestNoRedirectIsFollowed|TestFaultMatrix"},
	{"headers are bounded", "transport.go", `MaxResponseHeaderBytes: 256 << 10,`, `MaxResponseHeaderBytes: 256 << 20,`, "TestFaultMatrix"},
	{"an attempt has a timeout", "attempt.go", `context.WithTimeout(ctx, t.client.policy.AttemptTimeout)`, `context.WithTimeout(ctx, 1000*t.client.policy.AttemptTimeout)`, "TestAttemptTimeout|TestAttemptTimeoutIsNoDeadline"},
	{"a Submit that was written is not repeated", "retry.go", `if f.clientSide || !t.op.idempotent && f.maybeExecuted {`, `if f.clientSide {`, "TestSafetyOfWrites|TestWritesOnTheWire"},
	{"what was written is known", "transport.go", `case w != nil && w.wrote.Load():`, `case w != nil && w.wrote.Load() && err == nil:`, "TestSafetyOfWrites|TestWritesOnTheWire"},
	{"a Submit whose nonce was used is not repeated", "attempt.go", ` || e.Code == "SignatureNonceUsed"`, ``, "TestSafetyOfWrites"},
	{"a Submit without an id in its answer is ambiguous", "call.go", `f := &failure{err: api, maybeExecuted: true}`, `f := &failure{err: api, maybeExecuted: false}`, "TestSuccessWithoutID"},
	{"the end of the context ends a delay", "retry.go", `	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:`, `	case <-timer.C:`, "TestContextEndsTheCall|TestDeadlineInTheDelay"},
	{"the quota ends retries", "retry.go", `if q.used+n > quotaSize {`, `if q.used+n > 1000*quotaSize {`, "TestRetryQuota"},
	{"success pays back to the quota", "call.go", `giveBack(max(1, t.spent))`, `giveBack(0 * t.spent)`, "TestRetryQuota"},
	{"delays are random", "retry.go", `return least + rand.N(most-least+1)`, `return most + 0*rand.N(most-least+1)`, "TestFullJitter"},
	{"throttled calls wait at least a second", "retry.go", `jitter(min(throttleDelay, longest), longest)`, `jitter(0, longest)`, "TestFullJitter"},
	{"throttled calls start from a second", "retry.go", `max(c.policy.BaseDelay, throttleDelay)`, `c.policy.BaseDelay`, "TestFullJitter"},
	{"the service's delay is not capped", "retry.go", `jitter(f.retryAfter, f.retryAfter+f.retryAfter/10); delay`, `min(c.policy.MaxDelay, jitter(f.retryAfter, f.retryAfter+f.retryAfter/10)); delay`, "TestServerDelay"},
	{"a delay above 60 s ends the call", "retry.go", `if f.retryAfter > maxServerDelay {`, `if f.retryAfter > 1000*maxServerDelay {`, "TestServerDelayTooLong"},
	{"a delay past the deadline ends the call", "retry.go", `if left < f.retryAfter {`, `if left < 0*f.retryAfter {`, "TestServerDelayTooLong"},
	{"certificates are not tried again", "transport.go", `case isPermanentTLS(err):
		return noRetry, false`, `case isPermanentTLS(err):
		return transient, false`, "TestTLSFaults|TestTransportErrors|TestSafetyOfWrites"},
	{"the clock is repaired", "retry.go", `(f.offset-t.clock).Abs() < clockTolerance`, `(f.offset-t.clock).Abs() < 1000*time.Hour`, "TestClock"},
	{"the clock is also set back", "retry.go", `if t.clockSet || !f.offsetSeen`, `if t.clockSet || t.clock != 0 || !f.offsetSeen`, "TestClock|TestClockStays"},
	{"the date of a cached answer is not used", "retry_after.go", ` || h.Get("Age") != ""`, ``, "TestClock|TestClockStays"},
	{"refused credentials are fetched again once", "retry.go", `if t.refetched || !t.creds.temporary() {`, `if !t.creds.temporary() {`, "TestRefusedCredentials"},
	{"the same credentials are not tried again", "attempt.go", `case t.refetched && creds == t.refused:`, `case t.refetched && creds == t.refused && t.sent == 0:`, "TestRefusedCredentials"},
	{"a retry that is not sent costs nothing", "call.go", `t.client.quota.giveBack(t.cost) // for a retry that was not sent`, ``, "TestQuotaOfRefusedTokens"},
	{"a 404 of a proxy is not 'not found'", "error_codes.go", `code != "" && e.StatusCode == http.StatusNotFound`, `e.StatusCode == http.StatusNotFound`, "TestStatuses"},
	{"an attempt's timeout is not the caller's", "wrap.go", `if isContextError(scrubbed.err) {`, `if isContextError(scrubbed.err) && scrubbed.text == "" {`, "TestAttemptTimeoutIsNoDeadline"},
	{"nor is that of a body", "attempt.go", `if isContextError(readErr) {`, `if isContextError(readErr) && api == nil {`, "TestAttemptTimeoutIsNoDeadline"},
	{"no address of a request in an error", "wrap.go", `for errors.As(err, &address) {`, `for err == nil && errors.As(err, &address) {`, "TestNetworkErrors"},
	{"no key of a stream that comes back is shown", "api_error.go", `!values.Has("StreamInput")`, `values.Has("StreamInput")`, "TestStreamKeysThatComeBack"},
	{"another call's failure is not the kind", "wrap.go", `hidden := slices.Contains(sentinels, target) ||`, `hidden := false ||`, "TestCauseIsNotTheKind|TestCauseEndsNoJob"},
}
