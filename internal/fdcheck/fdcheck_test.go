package fdcheck

import (
	"os"
	"strings"
	"testing"
	"time"
)

func take(t *testing.T) Snapshot {
	t.Helper()
	s, err := Take()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSince(t *testing.T) {
	before := take(t)
	f, err := os.Open("/dev/zero")
	if err != nil {
		t.Fatal(err)
	}
	leaked := take(t).Since(before)
	if len(leaked) != 1 || !strings.HasSuffix(leaked[0], ": /dev/zero") {
		t.Errorf("with /dev/zero open, Since = %q; want just that", leaked)
	}
	f.Close()
	if leaked := take(t).Since(before); len(leaked) != 0 {
		t.Errorf("with all closed, Since = %q; want none", leaked)
	}
}

// A number that was closed and opened again is a leak too.
func TestSinceSameNumber(t *testing.T) {
	before := Snapshot{0: "/dev/null", 5: "/a"}
	now := Snapshot{0: "/dev/null", 5: "/b"}
	if got := now.Since(before); len(got) != 1 || got[0] != "5: /b" {
		t.Errorf("Since = %q; want 5: /b", got)
	}
}

type tests func() int

func (t tests) Run() int { return t() }

func TestRun(t *testing.T) {
	leak := func() { // closed within the grace time
		f, err := os.Open("/dev/zero")
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(50*time.Millisecond, func() { f.Close() })
	}
	for _, test := range []struct {
		name string
		run  tests
		code int
	}{
		{"clean", func() int { return 0 }, 0},
		{"late", func() int { leak(); return 0 }, 0},
		{"failing", func() int { return 3 }, 3},
	} {
		if got := Run(test.run); got != test.code {
			t.Errorf("Run of %s tests = %d; want %d", test.name, got, test.code)
		}
	}
	var left *os.File
	got := Run(tests(func() int {
		var err error
		if left, err = os.Open("/dev/zero"); err != nil {
			t.Fatal(err)
		}
		return 0
	}))
	left.Close()
	if got != 1 {
		t.Errorf("Run of leaking tests = %d; want 1", got)
	}
}
