// Package require is for tests that cannot run everywhere. A test that skips
// hides a hole, so every skip goes through here: it has a reason, and the
// reason is told at the end of "make test", which passes a file for it in
// HOTCELL_SKIPS. Skips are for kernels older than the declared floor, for what
// only another user, layout of control groups or kernel can show, and for
// nothing that the project's own make targets install.
package require

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Floor is the oldest kernel that Hotcell runs on.
var Floor = [2]int{5, 14}

// Skip skips a test and tells why.
func Skip(t testing.TB, why ...any) {
	t.Helper()
	Skipf(t, "%s", fmt.Sprint(why...))
}

// Skipf is Skip with a format.
func Skipf(t testing.TB, format string, args ...any) {
	t.Helper()
	why := fmt.Sprintf(format, args...)
	if path := os.Getenv("HOTCELL_SKIPS"); path != "" {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
		if err != nil {
			t.Fatalf("tell that the test is skipped: %v", err)
		}
		defer f.Close()
		fmt.Fprintf(f, "%s: %s\n", t.Name(), why)
	}
	t.Skip(why)
}

// Kernel skips on kernels older than a version at or above the floor.
func Kernel(t testing.TB, major, minor int, why string) {
	t.Helper()
	if release := kernel(t); release[0] < major || release[0] == major && release[1] < minor {
		Skipf(t, "%s needs Linux %d.%d, this is %d.%d", why, major, minor, release[0], release[1])
	}
}

func kernel(t testing.TB) [2]int {
	t.Helper()
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		t.Fatalf("uname: %v", err)
	}
	var v [2]int
	if _, err := fmt.Sscanf(unix.ByteSliceToString(name.Release[:]), "%d.%d", &v[0], &v[1]); err != nil {
		t.Fatalf("parse kernel release: %v", err)
	}
	return v
}
