package livetranscode

import (
	"errors"
	"math"
	"strings"
	"time"
)

// A plan is what sweeps have learned about List. It is the only state about List that is kept between sweeps, and
// nothing but next changes it. Times are durations since the Watcher was made.
type plan struct {
	pages   int           // that hold all jobs in progress and not started, as last counted; 0: unknown
	unpaged int           // watched jobs that are alive and on none of them; halved by every sweep that does not count it
	gets    int           // polls since the pages were counted
	failing int           // consecutive sweeps in which List failed
	depth   int           // the last page that may be requested until retryAt
	retryAt time.Duration // when List, or its pages beyond depth, may be requested again
}

// A listResult is what List did in a sweep.
type listResult int

const (
	listNotAsked listResult = iota
	listComplete            // all pages were read
	listPartial             // pages were read, and the rest was not requested: Gets were cheaper, or the sweep ended
	listFailing             // a page failed with a transient error
)

// A listReport is the outcome of a sweep, from which the next plan is made.
type listReport struct {
	result    listResult
	pages     int           // that were counted; 0 if no first page was read
	unpaged   int           // jobs that are alive although no page had them; counted if List was complete
	gets      int           // polls of single jobs
	refusedAt int           // the least page number that was refused permanently; 0: none
	retryAt   time.Duration // the end of a Retry-After delay of List
}

const (
	// refusedFor is how long List, or its deep pages, are not requested after they were refused.
	refusedFor = 10 * time.Minute
	// probeEvery is the number of Gets after which the first pages are read to see whether they have become the cheaper
	// plan: 5 % more requests, which also poll jobs.
	probeEvery = 40
	// fewGets is the maximum number of Gets of a sweep in which List, the cheaper plan, fails with a transient error: a
	// failing service must not get a request for each of 100,000 jobs.
	fewGets = maxPageSize
	// listGivenUp is the number of consecutive sweeps with a failing List from which on all jobs are polled by Gets.
	listGivenUp = 3
	unlimited   = math.MaxInt
)

// next returns the plan after a sweep that ended at now.
func (p plan) next(r listReport, now time.Duration) plan {
	switch r.result {
	case listNotAsked:
	case listFailing:
		p.failing++
	case listComplete, listPartial:
		p.failing = 0
	}
	if p.gets += r.gets; r.pages > 0 {
		p.pages, p.gets = r.pages, 0
	}
	if p.unpaged /= 2; r.result == listComplete {
		p.unpaged = r.unpaged
	}
	switch {
	case r.refusedAt > 0:
		p.depth, p.retryAt = r.refusedAt-1, now+refusedFor
	case r.retryAt > max(now, p.retryAt):
		p.depth, p.retryAt = 0, r.retryAt
	}
	return p
}

// An order says how a sweep polls its jobs.
type order struct {
	list  bool // read the first pages, and the rest if that is cheaper than Gets
	depth int  // the last page that may be asked for
	gets  int  // how many Gets to make at most if List fails
}

// order returns how to poll a number of jobs. all is whether the pages are needed anyway to discover jobs.
func (p plan) order(jobs int, all bool, now time.Duration) order {
	o := order{depth: unlimited, gets: unlimited}
	if now < p.retryAt {
		o.depth = p.depth
	}
	switch {
	case o.depth == 0, !all && jobs <= 2:
	case all, p.pages == 0, p.pages+p.unpaged < jobs:
		o.list = true
		if p.failing+1 < listGivenUp {
			o.gets = fewGets
		}
	case p.gets >= probeEvery:
		o.list = true
	}
	return o
}

// restIsCheaper reports whether reading the remaining pages is cheaper than a Get for each unread job.
func (p plan) restIsCheaper(pages, unread int) bool { return pages == 0 || pages+p.unpaged < unread }

// A scope is what an error of a call concerns.
type scope int

const (
	scopeNone      scope = iota // no error
	scopeTransient              // nothing permanent
	scopeThrottled              // every call, until the service has recovered
	scopeJob                    // the requested job
	scopeList                   // the requested page and all deeper ones
	scopeWatch                  // every call, permanently
)

// scopeOf returns the scope of an error of Get, or of List.
func scopeOf(err error, list bool) scope {
	var (
		api   *APIError
		param *ParamError
	)
	switch {
	case err == nil:
		return scopeNone
	case errors.Is(err, ErrThrottled):
		return scopeThrottled
	case errors.Is(err, ErrAuthentication), errors.Is(err, ErrNoCredentials), errors.As(err, &api) && isWrongEndpoint(api.Code):
		return scopeWatch
	case api != nil && api.class() == classOtherNotFound:
		return scopeTransient // it may return, and the request named no more than the job
	case api == nil && errors.As(err, &param) && isCredentialsField(param.Field):
		return scopeTransient // a provider's file that is just being written
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrForbidden), errors.Is(err, ErrInvalidRequest):
		if list {
			return scopeList
		}
		return scopeJob
	}
	return scopeTransient
}

// isCredentialsField reports whether a *ParamError is about credentials, not about the request.
func isCredentialsField(field string) bool {
	return strings.Contains(field, "AccessKey") || strings.Contains(field, "SecurityToken")
}
