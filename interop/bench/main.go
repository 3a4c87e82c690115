// Command bench measures this library against Alibaba's SDK and against floors, the least that a task can cost. It runs
// the candidates of a row in turn, round by round, and prints a Markdown table with the median and quartiles of their
// ratios within a round. Ratios are comparable between machines; times are not.
//
//	go run ./bench                 # everything except the cold build, about two minutes
//	go run ./bench -only call      # rows whose name starts with call
//	go run ./bench -build          # also the cold build of a minimal program, several minutes
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// candidate is one way to do the task of a row; run does it n times.
type candidate struct {
	name string
	run  func(n int)
}

// row compares candidates with the first one, the floor.
type row struct {
	name       string
	candidates []candidate
	close      func()
}

// measurement is the cost of one task of a candidate in one round.
type measurement struct{ elapsed, cpu, allocs float64 }

var (
	only   = flag.String("only", "", "measure rows whose name starts with `text`")
	rounds = flag.Int("rounds", 15, "number of rounds")
	slice  = flag.Duration("slice", 60*time.Millisecond, "length of a candidate's turn")
	build  = flag.Bool("build", false, "also measure the cold build")
	serve  = flag.Bool("serve", false, "serve the loopback rows; used by the command itself")
)

func main() {
	flag.Parse()
	if *serve {
		serveLoopback()
		return
	}
	fmt.Printf("%s, %s/%s, %d CPUs; %d rounds of %v; ", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), *rounds, *slice)
	fmt.Printf("Alibaba's SDK: darabonba-openapi %s\n\n", moduleVersion("github.com/alibabacloud-go/darabonba-openapi/v2"))
	fmt.Println("| task | | time | time to the floor's: median (quartiles) | CPU to the floor's | allocations |")
	fmt.Println("|---|---|---|---|---|---|")
	for _, newRow := range []func() row{
		signatureRow, callRow, hooksRow, decodeJobRow, decodePageRow,
		func() row { return loopbackRow(false, 1) }, func() row { return loopbackRow(false, 16) }, func() row { return loopbackRow(false, 64) },
		func() row { return loopbackRow(true, 1) }, func() row { return loopbackRow(true, 16) }, func() row { return loopbackRow(true, 64) },
	} {
		r := newRow()
		if strings.HasPrefix(r.name, *only) {
			measure(r)
		}
		if r.close != nil {
			r.close()
		}
	}
	fmt.Println("\n| sweep | requests | time a job | bytes a job |")
	fmt.Println("|---|---|---|---|")
	for _, n := range []int{100, 10_000, 100_000} {
		if strings.HasPrefix("sweep", *only) {
			measureSweep(n)
		}
	}
	for _, n := range []int{10_000, 100_000} {
		if strings.HasPrefix("sweep", *only) {
			measureRestart(n)
		}
	}
	if *build {
		measureBuild()
	}
}

// measure measures a row and prints its lines.
func measure(r row) {
	turns := make([]int, len(r.candidates))
	for i, c := range r.candidates {
		turns[i] = calibrate(c)
	}
	measurements := make([][]measurement, len(r.candidates))
	for range *rounds {
		for i, c := range r.candidates {
			measurements[i] = append(measurements[i], turn(c, turns[i]))
		}
	}
	for i, c := range r.candidates {
		var times, allocs, elapsed, cpu []float64
		for k, f := range measurements[i] {
			times, allocs = append(times, f.elapsed), append(allocs, f.allocs)
			elapsed, cpu = append(elapsed, f.elapsed/measurements[0][k].elapsed), append(cpu, f.cpu/measurements[0][k].cpu)
		}
		fmt.Printf("| %s | %s | %v | %s | %s | %.0f |\n", r.name, c.name,
			time.Duration(quantile(times, 0.5)), spread(elapsed), spread(cpu), quantile(allocs, 0.5))
	}
}

// spread formats the median and the quartiles.
func spread(values []float64) string {
	return fmt.Sprintf("%.2f (%.2f-%.2f)", quantile(values, 0.5), quantile(values, 0.25), quantile(values, 0.75))
}

// calibrate returns how many times a candidate does its task in a turn. It first runs the task for a while, so that
// one-time costs such as connections do not count.
func calibrate(c candidate) int {
	c.run(200)
	for n := 1; ; n *= 2 {
		start := time.Now()
		c.run(n)
		if d := time.Since(start); d > *slice/4 {
			return max(1, int(float64(n)*float64(*slice)/float64(d)))
		}
	}
}

func turn(c candidate, n int) measurement {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, start := cpuTime(), time.Now()
	c.run(n)
	elapsed, used := time.Since(start), cpuTime()-cpu
	runtime.ReadMemStats(&after)
	per := float64(n)
	return measurement{float64(elapsed) / per, float64(used) / per, float64(after.Mallocs-before.Mallocs) / per}
}

func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

func moduleVersion(path string) string {
	info, _ := debug.ReadBuildInfo()
	for _, m := range info.Deps {
		if m.Path == path {
			return m.Version
		}
	}
	return "unknown"
}

func must[T any](v T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	return v
}
