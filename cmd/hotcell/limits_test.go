package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"hotcell/syscallpolicy"
)

// TestREADMELimits: the README's table has every limit with its default.
func TestREADMELimits(t *testing.T) {
	readme, err := os.ReadFile(testdata(t, "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	flags := regexp.MustCompile("`--([a-z-]+)`")
	said := map[string]string{}
	for line := range strings.Lines(string(readme)) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 {
			continue
		}
		values := strings.Split(cells[2], ",")
		for i, name := range flags.FindAllStringSubmatch(cells[1], -1) {
			if i < len(values) {
				said[name[1]] = strings.TrimSpace(values[i])
			}
		}
	}
	for _, name := range syscallpolicy.LimitNames() {
		want := syscallpolicy.DefaultLimits().Text(name)
		if d, err := time.ParseDuration(want); err == nil && said[name] == fmt.Sprint(d) {
			continue
		}
		if name == "scratch" && want == "0" {
			want = "none"
		}
		if said[name] != want {
			t.Errorf("README.md says of --%s %q; want %q", name, said[name], want)
		}
	}
}
