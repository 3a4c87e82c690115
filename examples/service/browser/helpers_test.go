// Package browser tests the page of examples/service in a real browser: Debian's chromium, without a window. It is a
// module of its own, so that those who copy the service need no browser. "go test ." skips without chromium.
package browser

import (
	"bufio"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/livetranscode/livetranscode-go"
	"github.com/livetranscode/livetranscode-go/livetranscodetest"
)

var binary, chromium string // the paths of the service and of the browser

func TestMain(m *testing.M) {
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	for _, name := range []string{"google-chrome", "chromium-browser", "chromium"} {
		if path, err := exec.LookPath(name); err == nil {
			chromium = path
		}
	}
	switch {
	case chromium == "" && os.Getenv("REQUIRE_BROWSER") != "":
		fmt.Println("chromium is not installed")
		return 1
	case chromium == "":
		fmt.Println("chromium is not installed: all tests are skipped")
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "service")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "service")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Printf("go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// service is the service, as a process of its own, and the emulator that it watches.
type service struct {
	t        *testing.T
	interval string
	emulator *livetranscodetest.Server
	endpoint string
	address  string // host and port
	process  *exec.Cmd
	logs     chan struct{} // closed when the log has ended
	log      strings.Builder
}

// startService starts the service with an emulator that has jobs of the given number.
func startService(t *testing.T, jobs int) *service {
	t.Helper()
	if chromium == "" {
		t.Skip("chromium is not installed")
	}
	s := &service{t: t, interval: "100ms", emulator: livetranscodetest.NewServer(), address: "127.0.0.1:0"}
	if jobs > 1000 {
		s.interval = "2s" // its sweeps must not take the processor from the browser
	}
	for n := range jobs {
		s.emulator.AddJob(job(n))
	}
	server := httptest.NewServer(s.emulator)
	t.Cleanup(server.Close)
	s.endpoint = server.URL
	s.start()
	t.Cleanup(s.stop)
	return s
}

// job returns a job whose URLs have keys.
func job(n int) livetranscode.Job {
	status := []livetranscode.JobStatus{livetranscode.JobStatusInProgress, livetranscode.JobStatusNotStarted}[n%2]
	return livetranscode.Job{
		JobID: fmt.Sprintf("%032x", n+1), Name: fmt.Sprintf("evening-news-riga-%04d", n), Status: status,
		TemplateID: "b6491d5b3e514b7d895d14b5453ea119", TemplateName: "hd",
		StreamInput: livetranscode.StreamInput{Type: "rtmp", InputURL: "rtmp://u:s3cret@studio.example.com/live/s3cret?auth_key=s3cret"},
		CreateTime:  time.Now().Add(-time.Hour),
	}
}

func (s *service) start() {
	s.t.Helper()
	credentials := s.emulator.Credentials()
	s.process = exec.Command(binary)
	s.process.Env = append(os.Environ(), "LISTEN_ADDR="+s.address, "ENDPOINT="+s.endpoint, "POLL_INTERVAL="+s.interval,
		"ALIBABA_CLOUD_ACCESS_KEY_ID="+credentials.AccessKeyID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET="+credentials.AccessKeySecret)
	stderr, err := s.process.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	address := make(chan string, 1)
	s.logs = make(chan struct{})
	go func() {
		defer close(s.logs)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			s.log.WriteString(lines.Text() + "\n")
			if found := regexp.MustCompile(`page=http://(\S+)`).FindStringSubmatch(lines.Text()); found != nil {
				address <- found[1]
			}
		}
	}()
	select {
	case s.address = <-address:
	case <-time.After(20 * time.Second):
		s.t.Fatal("the service does not start")
	}
}

func (s *service) stop() {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Signal(os.Interrupt)
	<-s.logs
	if err := s.process.Wait(); err != nil {
		s.t.Errorf("the service ended with %v", err)
	}
	if log := s.log.String(); strings.Contains(log, "s3cret") {
		s.t.Errorf("a stream key is in the log:\n%s", log)
	}
	s.process = nil
}

// tab is a tab of a browser of its own.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	messages []string // of the console
}

func openTab(t *testing.T) *tab {
	t.Helper()
	flags := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), flags...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	tab := &tab{t: t, ctx: ctx}
	messages := chromedp.Console(ctx)
	go func() {
		for message, err := range messages {
			if err != nil {
				return
			}
			tab.mu.Lock()
			tab.messages = append(tab.messages, message.String()+" "+message.URL)
			tab.mu.Unlock()
		}
	}()
	tab.do(chromedp.EmulateViewport(1280, 800))
	return tab
}

// do runs actions.
func (tab *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	if err := chromedp.Do(tab.ctx, actions...); err != nil {
		tab.t.Fatal(err)
	}
}

// open opens the page of a service.
func (tab *tab) open(s *service) {
	tab.t.Helper()
	tab.do(chromedp.Navigate("http://" + s.address + "/"))
}

// wait waits until an expression is true.
func (tab *tab) wait(expression string) {
	tab.t.Helper()
	_, err := chromedp.Run(tab.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(30*time.Second)))
	if err != nil && strings.Contains(err.Error(), "Cannot find context") { // the page has just been loaded again
		_, err = chromedp.Run(tab.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(30*time.Second)))
	}
	if err != nil {
		tab.t.Fatalf("%s: %v\n%s", expression, err, tab.text())
	}
}

// evaluate returns the value of an expression, which may be a promise.
func evaluate[T any](tab *tab, expression string) T {
	tab.t.Helper()
	value, err := chromedp.Run(tab.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		tab.t.Fatalf("%.200s: %v", expression, err)
	}
	return value
}

// text returns the text of the page, on one line.
func (tab *tab) text() string {
	return strings.Join(strings.Fields(evaluate[string](tab, "document.body.innerText")), " ")
}

// media sets the preferred colors, light or dark.
func (tab *tab) media(colors string) {
	tab.t.Helper()
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: colors}}
	tab.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
		return err
	}))
}

// noMessages fails the test if the console has messages, except those with an ignored text.
func (tab *tab) noMessages(ignored string) {
	tab.t.Helper()
	tab.mu.Lock()
	defer tab.mu.Unlock()
	for _, message := range tab.messages {
		if ignored == "" || !strings.Contains(message, ignored) {
			tab.t.Errorf("the console has %s", message)
		}
	}
}
