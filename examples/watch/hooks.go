package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/livetranscode/livetranscode-go"
)

// hooks keep the last error of an attempt: the watch continues after transient errors, and its events do not show them.
func (s *state) hooks() livetranscode.Hooks {
	return livetranscode.Hooks{Attempt: func(ctx context.Context, _ livetranscode.AttemptStart) (context.Context, func(livetranscode.AttemptEnd)) {
		return nil, func(end livetranscode.AttemptEnd) {
			if end.Err == nil || ctx.Err() != nil || errors.Is(end.Err, livetranscode.ErrNotFound) {
				return // a job that is gone is an event, and the end of the program is no error
			}
			s.recordError(end.Err)
		}
	}}
}

func (s *state) recordError(err error) {
	text := strings.TrimPrefix(err.Error(), "livetranscode: ")
	if apiErr := (*livetranscode.APIError)(nil); errors.As(err, &apiErr) { // without the message, which is long
		text = apiErr.Operation + ": " + cmp.Or(apiErr.Code, fmt.Sprintf("HTTP %d", apiErr.StatusCode))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastError, s.lastErrorAt = printable(text), time.Now()
}
