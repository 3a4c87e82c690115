// Command bench measures this library against Alibaba's SDK and against floors: what a task costs at the
// least. It runs the contestants of a row in turns, round by round, and prints ratios within a round, their
// median and quartiles, as a Markdown table. Ratios hold on other machines; times do not.
//
//	go run ./bench                 # all but the cold build, about two minutes
//	go run ./bench -only call      # rows whose name begins so
//	go run ./bench -build          # the cold build of a minimal main too, some minutes
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// A contestant does a task b times.
type contestant struct {
	name string
	run  func(n int)
}

// A row compares contestants with the first, its floor.
type row struct {
	name        string
	contestants []contestant
	close       func()
}

// A figure is what one contestant's task cost in one round.
type figure struct{ elapsed, cpu, allocs float64 }

var (
	only   = flag.String("only", "", "measure rows whose name begins with this `text`")
	rounds = flag.Int("rounds", 15, "rounds")
	slice  = flag.Duration("slice", 60*time.Millisecond, "length of a contestant's turn")
	build  = flag.Bool("build", false, "measure the cold build too")
	serve  = flag.Bool("serve", false, "be the server of the loopback rows; used by the command itself")
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
		signatureRow, callRow, decodeJobRow, decodePageRow,
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
	if *build {
		measureBuild()
	}
}

// measure prints the lines of a row.
func measure(r row) {
	turns := make([]int, len(r.contestants))
	for i, c := range r.contestants {
		turns[i] = calibrate(c)
	}
	figures := make([][]figure, len(r.contestants))
	for range *rounds {
		for i, c := range r.contestants {
			figures[i] = append(figures[i], turn(c, turns[i]))
		}
	}
	for i, c := range r.contestants {
		var times, allocs, elapsed, cpu []float64
		for k, f := range figures[i] {
			times, allocs = append(times, f.elapsed), append(allocs, f.allocs)
			elapsed, cpu = append(elapsed, f.elapsed/figures[0][k].elapsed), append(cpu, f.cpu/figures[0][k].cpu)
		}
		fmt.Printf("| %s | %s | %v | %s | %s | %.0f |\n", r.name, c.name,
			time.Duration(quantile(times, 0.5)), spread(elapsed), spread(cpu), quantile(allocs, 0.5))
	}
}

// spread returns the median and the quartiles.
func spread(values []float64) string {
	return fmt.Sprintf("%.2f (%.2f-%.2f)", quantile(values, 0.5), quantile(values, 0.25), quantile(values, 0.75))
}

// calibrate returns how many times a contestant does its task in a turn. What only the first times cost, such as
// connections, is paid before.
func calibrate(c contestant) int {
	c.run(200)
	for n := 1; ; n *= 2 {
		start := time.Now()
		c.run(n)
		if d := time.Since(start); d > *slice/4 {
			return max(1, int(float64(n)*float64(*slice)/float64(d)))
		}
	}
}

func turn(c contestant, n int) figure {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, start := cpuTime(), time.Now()
	c.run(n)
	elapsed, used := time.Since(start), cpuTime()-cpu
	runtime.ReadMemStats(&after)
	per := float64(n)
	return figure{float64(elapsed) / per, float64(used) / per, float64(after.Mallocs-before.Mallocs) / per}
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

// measureBuild times the build of what a minimal main brings along, ours and Alibaba's: with a build cache that
// has the standard library and nothing else.
func measureBuild() {
	fmt.Println("\n| cold build of what a minimal main brings along | time | to Alibaba's |")
	fmt.Println("|---|---|---|")
	times := make([]time.Duration, 2)
	for i, dir := range []string{"./bench/minimal/sdk", "./bench/minimal/ours"} {
		cache := must(os.MkdirTemp("", "bench-cache-"))
		env := append(os.Environ(), "GOCACHE="+cache)
		list := exec.Command("go", "list", "-deps", "-f", "{{if .Standard}}{{.ImportPath}}{{end}}", dir)
		warm := exec.Command("go", append([]string{"build"}, strings.Fields(string(must(list.Output())))...)...)
		warm.Env = env
		must(0, warm.Run())
		cmd := exec.Command("go", "build", "-o", os.DevNull, dir)
		cmd.Env, cmd.Stderr = env, os.Stderr
		start := time.Now()
		if err := cmd.Run(); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
		times[i] = time.Since(start)
		_ = os.RemoveAll(cache)
		fmt.Printf("| %s | %v | %.2f |\n", cmp.Or(map[int]string{0: "Alibaba's generic client"}[i], "livetranscode"),
			times[i].Round(100*time.Millisecond), times[i].Seconds()/times[0].Seconds())
	}
}
