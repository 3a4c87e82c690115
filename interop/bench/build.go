package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// measureBuild times the build of a minimal program with our library and with Alibaba's client, with a build cache that
// holds only the standard library.
func measureBuild() {
	fmt.Println("\n| cold build of a minimal program | time | to Alibaba's |")
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
