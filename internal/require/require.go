// Package require is for tests that need something of the kernel. There is
// one reason to skip: a kernel older than the declared floor. Whatever else
// is missing fails.
package require

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// Floor is the oldest kernel that Hotcell runs on.
var Floor = [2]int{5, 14}

// Kernel skips on kernels older than a version at or above the floor, and
// says so.
func Kernel(t testing.TB, major, minor int, why string) {
	t.Helper()
	if release := kernel(t); release[0] < major || release[0] == major && release[1] < minor {
		t.Skipf("%s needs Linux %d.%d, this is %d.%d", why, major, minor, release[0], release[1])
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
