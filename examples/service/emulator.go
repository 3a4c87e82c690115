package main

import (
	"context"
	"time"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/examples/internal/simulation"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

func init() {
	newEmulator = func(ctx context.Context, opts ...livetranscode.Option) (*livetranscode.Client, error) {
		s := simulation.New(uint64(time.Now().UnixNano()), 40, livetranscodetest.WithStartDelay(15*time.Second))
		go s.Run(ctx, func(...string) {}) // the watch discovers new jobs
		return s.Server.Client(opts...), nil
	}
}
