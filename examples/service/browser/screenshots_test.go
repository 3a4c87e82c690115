package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestScreenshots writes pictures of the page in three widths, light and dark, to the directory SCREENSHOTS. It is run
// by hand, to inspect them.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		t.Skip("SCREENSHOTS is not set")
	}
	s := startService(t, 0)
	s.stop()
	s.endpoint = "" // its own emulator
	s.start()
	tab := openTab(t)
	tab.open(s)
	tab.wait(`document.querySelectorAll("tbody tr").length > 30`)
	time.Sleep(25 * time.Second)                                                        // some changes
	for _, size := range [][2]int64{{1000, 560}, {1280, 800}, {768, 900}, {390, 844}} { // the first is that of docs/
		for _, colors := range []string{"light", "dark"} {
			tab.media(colors)
			tab.do(chromedp.EmulateViewport(size[0], size[1]), chromedp.Sleep(time.Second))
			picture, err := chromedp.Run(tab.ctx, chromedp.CaptureScreenshot())
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Join(dir, fmt.Sprintf("wall-%d-%s.png", size[0], colors))
			if err := os.WriteFile(name, picture, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	tab.noMessages("")
}
