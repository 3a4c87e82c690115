package main

// A mutant is a rule of the package, and a change of its source that breaks the rule.
type mutant struct {
	name     string
	file     string
	old, new string // old stands in the file once
	run      string // the tests that are to notice, as for go test -run
}

var mutants = []mutant{
	// Signing.
	{"every attempt has a nonce of its own", "client.go", `rand.Text())`, `rand.Text()[:0]+"nonce")`, "TestEachAttemptIsSignedAnew"},
	{"credentials with control characters are refused", "signer.go", `case hasControl(s):`, `case hasControl(s) && s == "x":`, "TestSignRefuses"},
	{"headers are signed in the order of their names", "canonical.go", `cmp.Compare(a.name, b.name)`, `cmp.Compare(b.name, a.name)`, "TestSignHeaders"},
	{"a token of a signature before is not sent", "signer.go", `delete(req.Header, headerSecurityToken)`, `_ = req.Header`, "TestSignAgain|TestSignToken"},
	{"what Sign sets stands there once", "signer.go", `dropStrays(req.Header)`, `_ = req.Header`, "TestSignLeavesNothing|TestSignAgain"},
	{"the headers of one request are not another's", "signer.go", `st.headers = headerTable{}`, `_ = st.headers`, "TestSignLeavesNothing"},
	{"a header in two spellings is signed whole", "canonical.go", ` && t.usual[at].name == ""`, ``, "TestSignHeaders"},
	{"the signature covers every x-acs-* header", "canonical.go", `strings.HasPrefix(name, "x-acs-")`, `strings.HasPrefix(name, "x-acs-a")`, "TestSignHeaders"},

	// Sending and reading.
	{"http only for loopback addresses", "options.go", `p.Scheme == "http" && !isLoopback(p.Hostname())`, `p.Scheme == "http" && p.Host == ""`, "TestWithEndpointRefuses"},
	{"redirects are not followed", "client.go", `t.client.transport().RoundTrip(req)`, `(&http.Client{Transport: t.client.transport()}).Do(req)`, "TestNoRedirectIsFollowed|TestFaultMatrix"},
	{"bodies of errors are read to the end", "response.go", `if resp.StatusCode == http.StatusSwitchingProtocols {`, `if resp.StatusCode >= 500 {`, "TestConnectionIsReusedAfterErrors"},
	{"an upgraded connection is not read", "response.go", `if resp.StatusCode == http.StatusSwitchingProtocols {`, `if resp.StatusCode == 999 {`, "TestSwitchingProtocols"},
	{"answers are bounded", "response.go", `maxAnswer  = 8 << 20`, `maxAnswer  = 8 << 23`, "TestAnswerSize|TestMemoryIsBounded"},
	{"headers are bounded", "client.go", `MaxResponseHeaderBytes: 256 << 10,`, `MaxResponseHeaderBytes: 256 << 20,`, "TestFaultMatrix"},
	{"an attempt has a timeout", "client.go", `context.WithTimeout(ctx, t.client.policy.AttemptTimeout)`, `context.WithTimeout(ctx, 1000*t.client.policy.AttemptTimeout)`, "TestAttemptTimeout|TestAttemptTimeoutIsNoDeadline"},
	{"an absent status is not 0", "models.go", `StartMode: StartModeUnknown, Status: JobStatusUnknown}`, `StartMode: StartModeUnknown}`, "TestDecodeEnums|TestReadableAnswers"},
	{"a null status is not 0", "models.go", `*e = -1`, `*e = 0`, "TestEnumsRoundTrip"},
	{"a text that was read before is the same text", "decode.go", `case string(raw) == place[0]:`, `case len(raw) == len(place[0]):`, "TestDecoderMemory"},
	{"an escaped name is the name", "decode.go", `err = o.member(d, d.unquote(name))`, `err = o.member(d, name)`, "TestDecodeSpellings"},
	{"what is not UTF-8 is replaced", "decode.go", `< 0 && utf8.Valid(raw) }`, `< 0 || utf8.Valid(raw) && false }`, "TestDecodeSpellings|TestDecodeOddJobs"},
	{"no list and no count is no page", "pages.go", `if !p.listed && !p.counted {`, `if !p.listed && !p.counted && p.name == "" {`, "TestPagesThatAreNone"},
	{"of two lists the later counts", "decode.go", `*array = []T{}`, `_ = []T{}`, "TestDecodeLists|TestDecodeTwice"},
	{"a text that cannot be read changes nothing", "models.go", `if err := unmarshal(b, read); err != nil {`, `if err := unmarshal(b, read); err != nil && read.Name == "" {`, "TestDecodeFails"},
	{"a decoder does not keep the addresses of streams", "models.go", `return d.text(&s.InputURL)`, `return d.keep(&s.InputURL)`, "TestDecoderForgets"},
	{"an answer is one JSON value", "decode.go", `case err == nil:
		return &jsontext`, `case err == nil && end < 0:
		return &jsontext`, "TestUnusableAnswers"},
	{"an error with status 200 is no success", "livetranscode.go", `case a.code != "" && a.code != "Success"`, `case a.code == "never" && a.code != "Success"`, "TestFaultMatrix"},
	{"a confirmation has a request id", "livetranscode.go", `case a.id == "":`, `case a.id == "never":`, "TestEmptyObject"},

	// Repeating.
	{"a Submit that was written is not repeated", "retry.go", `if f.local || t.op.once && f.uncertain {`, `if f.local {`, "TestSafetyOfWrites|TestWritesOnTheWire"},
	{"what was written is known", "network.go", `case w != nil && w.wrote.Load():`, `case w != nil && w.wrote.Load() && err == nil:`, "TestSafetyOfWrites|TestWritesOnTheWire"},
	{"a Submit whose nonce was used is not repeated", "retry.go", ` || e.Code == "SignatureNonceUsed"`, ``, "TestSafetyOfWrites"},
	{"a Submit without an id in its answer is ambiguous", "response.go", `f := &failure{err: api, uncertain: true}`, `f := &failure{err: api, uncertain: false}`, "TestSuccessWithoutID"},
	{"the end of the context ends a delay", "retry.go", "	case <-ctx.Done():\n		return ctx.Err()\n	case <-timer.C:", "	case <-timer.C:", "TestContextEndsTheCall|TestDeadlineInTheDelay"},
	{"the quota ends retries", "retry.go", `if q.used+n > quotaSize {`, `if q.used+n > 1000*quotaSize {`, "TestRetryQuota"},
	{"success pays back to the quota", "retry.go", `giveBack(max(1, t.spent))`, `giveBack(0 * t.spent)`, "TestRetryQuota"},
	{"delays are random", "retry.go", `return least + rand.N(most-least+1)`, `return most + 0*rand.N(most-least+1)`, "TestFullJitter"},
	{"throttled calls wait at least a second", "retry.go", `jitter(min(throttleDelay, longest), longest)`, `jitter(0, longest)`, "TestFullJitter"},
	{"throttled calls start from a second", "retry.go", `max(c.policy.BaseDelay, throttleDelay)`, `c.policy.BaseDelay`, "TestFullJitter"},
	{"the service's delay is not capped", "retry.go", `jitter(f.retryAfter, f.retryAfter+f.retryAfter/10); delay`, `min(c.policy.MaxDelay, jitter(f.retryAfter, f.retryAfter+f.retryAfter/10)); delay`, "TestServerDelay"},
	{"a delay above 60 s ends the call", "retry.go", `if f.retryAfter > maxServerDelay {`, `if f.retryAfter > 1000*maxServerDelay {`, "TestServerDelayTooLong"},
	{"a delay past the deadline ends the call", "retry.go", `if left < f.retryAfter {`, `if left < 0*f.retryAfter {`, "TestServerDelayTooLong"},
	{"certificates are not tried again", "network.go", "case isTLSRefusal(err):\n		return none, false", "case isTLSRefusal(err):\n		return patience, false", "TestTLSFaults|TestTransportErrors|TestSafetyOfWrites"},

	// Repairs.
	{"the clock is repaired", "retry.go", `(f.offset-t.clock).Abs() < clockTolerance`, `(f.offset-t.clock).Abs() < 1000*time.Hour`, "TestClock"},
	{"the clock is also set back", "retry.go", `if t.clockSet || !f.offsetSeen`, `if t.clockSet || t.clock != 0 || !f.offsetSeen`, "TestClock|TestClockStays"},
	{"the date of a cached answer is not used", "response.go", ` || h.Get("Age") != ""`, ``, "TestClock|TestClockStays"},
	{"refused credentials are fetched again once", "retry.go", `if t.refetched || !t.creds.temporary() {`, `if !t.creds.temporary() {`, "TestRefusedCredentials"},
	{"the same credentials are not tried again", "client.go", `case t.refetched && creds == t.refused:`, `case t.refetched && creds == t.refused && t.sent == 0:`, "TestRefusedCredentials"},
	{"refused credentials are dropped", "credentials.go", `if c.current != nil && c.current() == creds {`, `if c.current != nil && c.current() != creds {`, "TestRefusedCredentialsAreRefetched|TestExpiredTokenIsReplaced"},

	{"credentials refused during a fetch are fetched again", "credentials.go", `if run.stale && err == nil {`, `if run.stale && err != nil {`, "TestRefusedDuringALookup"},
	{"a retry that is not sent costs nothing", "retry.go", `t.client.quota.giveBack(t.cost) // for a retry that was not sent`, ``, "TestQuotaOfRefusedTokens"},

	// Errors and secrets.
	{"a 404 of a proxy is not 'not found'", "errors.go", `code != "" && e.StatusCode == http.StatusNotFound`, `e.StatusCode == http.StatusNotFound`, "TestStatuses"},
	{"an attempt's timeout is not the caller's", "network.go", `if isContextError(scrubbed.err) {`, `if isContextError(scrubbed.err) && scrubbed.text == "" {`, "TestAttemptTimeoutIsNoDeadline"},
	{"nor is that of a body", "response.go", `if isContextError(readErr) {`, `if isContextError(readErr) && api == nil {`, "TestAttemptTimeoutIsNoDeadline"},
	{"no address of a request in an error", "network.go", `for errors.As(err, &address) {`, `for err == nil && errors.As(err, &address) {`, "TestNetworkErrors"},
	{"no token is printed", "credentials.go", `s += " SecurityToken=[hidden]"`, `s += " SecurityToken=" + c.SecurityToken`, "TestSecretsAreNowhere"},
	{"no stream key is printed", "redact.go", `dir += hidden`, `dir += key`, "TestSecretsAreNowhere"},
	{"a job prints by its own method only", "models.go", `func (j Job) Format(`, `func (j Job) format(`, "TestSecretsAreNowhere"},
	{"no secret that comes back is shown", "redact.go", `strings.ReplaceAll(text, form, hidden)`, `strings.ReplaceAll(text, form, form)`, "TestSecretsAreNowhere"},
	{"no escaped secret that comes back is shown", "redact.go", `escapePattern.ReplaceAllStringFunc(text, unescape)`, `escapePattern.ReplaceAllStringFunc(text, strings.Clone)`, "TestSecretsAreNowhere"},
	{"no password of a proxy is shown", "redact.go", `authorizationPattern.ReplaceAllString(text, "${1}"+hidden)`, `authorizationPattern.ReplaceAllString(text, "$0")`, "TestSecretsAreNowhere"},
	{"no echo of a request is shown", "echo.go", `if strings.Contains(text, mark) {`, `if strings.Contains(text, mark+mark) {`, "TestEchoIsNeverShown"},

	{"no key of a stream that comes back is shown", "response.go", `!values.Has("StreamInput")`, `values.Has("StreamInput")`, "TestStreamKeysThatComeBack"},
	{"another call's failure is not the kind", "network.go", `hidden := slices.Contains(sentinels, target) ||`, `hidden := false ||`, "TestCauseIsNotTheKind|TestCauseEndsNoJob"},

	// Pages and waits.
	{"a page without anything new is the last", "pages.go", `len(seen) == before ||`, `len(seen) < before ||`, "TestWalkOnOddServices"},
	{"a job is yielded once", "pages.go", `if seen[id(item)] {`, `if seen[id(item)] && no == 0 {`, "TestWalkOnOddServices|TestWalkIsComplete"},
	{"a new job may be not found for a while", "wait.go", `< cfg.grace:`, `< 0*cfg.grace:`, "TestWaitNotFoundGrace"},
	{"the last look is before the deadline", "wait.go", `pause = min(pause, left)`, `pause = min(pause, left+lastLook)`, "TestWaitLooksJustBeforeTheDeadline"},
	{"a wait tolerates failures that pass", "wait.go", `failures > cfg.tolerate`, `failures > 0*cfg.tolerate`, "TestWaitToleratesWhatPasses"},
	{"a wait does not tolerate them for ever", "wait.go", `failures > cfg.tolerate`, `failures > 1000*cfg.tolerate`, "TestWaitToleratesWhatPasses"},
	{"a wait that its context ends is an error", "wait.go", "			case ctx.Err() != nil:\n				return fail(contextError(ctx))\n", "", "TestWaitEndsInTheLook"},
	{"a stopped job never starts again", "wait.go", `job.Status == JobStatusStopped && want != JobStatusStopped`, `job.Status == JobStatusStopped && want == JobStatusUnknown`, "TestWaitUnreachable"},

	// Watching.
	{"an old look replaces no newer one", "watch.go", `if j == nil || j.ended || began < j.read {`, `if j == nil || j.ended {`, "TestWatchOldLooksDoNotCount"},
	{"absent is not gone", "sweep.go", `func(i int) { s.get(ctx, absent[i]) })`, `func(i int) {
		if s.listed.Load() > 0 {
			s.ends(absent[i], 1<<62, ErrNotFound)
			return
		}
		s.get(ctx, absent[i])
	})`, "TestWatchAsksForAbsentJobs"},
	{"what was removed is not delivered", "watch.go", `if w.jobs[j.id] != j || !j.hasEvent() {`, `if !j.hasEvent() {`, "TestWatchAddAndRemove"},
	{"throttled sweeps reach the last page", "sweep.go", `return time.Since(s.heard)`, `return time.Since(s.began)`, "TestWatchThrottledReachesAll"},
	{"an endless delay does not stop a watch", "wait.go", `return min(api.RetryAfter, longestAsked)`, `return api.RetryAfter`, "TestWatchEndlessDelay"},
	{"throttled Gets leave room for Add", "sweep.go", `left = min(left, time.Until(s.getUntil))`, `left = min(left, time.Hour)`, "TestWatchThrottledGets"},
	{"Add does not end a pause", "watch.go", `if w.least.After(w.due) {`, `if w.least.After(w.due) && s.full {`, "TestWatchAddInAPause"},
	{"Add ends the quiet", "watch.go", `soon.Before(w.due) {`, `soon.Before(w.due) && !soon.Before(w.due) {`, "TestWatchAddAfterQuiet"},
	{"the end of a finite watch is kept", "watch.go", `if end == nil { // else`, `if true { // else`, "TestWatchEndIsNotLost"},
	{"looks that are not taken are not counted", "watch.go", `			j.fresh = false
`, `			j.fresh = false
			j.polls++
`, "TestWaitForAllCountsLooks"},
	{"one loop at a time", "watch.go", `case w.ranging:`, `case w.ranging && w.jobs == nil:`, "TestWatchOneLoopAtATime"},
	{"a refused permission ends no job", "sweep.go", `s.listed.Load() > 0 && !errors.Is(r.err, ErrForbidden)`, `s.listed.Load() > 0`, "TestWatchEnds"},
	{"throttling does not end a watch", "sweep.go", ` || errors.Is(s.lastErr, ErrThrottled) {`, ` {`, "TestWatchThrottlingOnlySlows"},
	{"a refused List is not asked again", "sweep.go", `s.plan.barred = time.Now().Add(barredFor)`, `s.plan.barred = time.Now().Add(0 * barredFor)`, "TestWatchListRefused"},
	{"many jobs are looked at by pages", "sweep.go", `return p.pages+p.alive < n`, `return p.pages+p.alive < 0*n`, "TestWatchUsesFewRequests|TestWatchChoosesThePlan"},
}
