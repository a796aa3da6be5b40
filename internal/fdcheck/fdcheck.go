// Package fdcheck finds file descriptors that tests leave open. It is for
// tests only.
//
//	func TestMain(m *testing.M) { os.Exit(fdcheck.Run(m)) }
package fdcheck

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"hotcell/internal/quiet"
)

// Snapshot is what was open at one time: what each descriptor names, such as
// "socket:[4711]", by number.
type Snapshot map[int]string

// Take reads what is open now.
func Take() (Snapshot, error) {
	// The first poll of a process opens descriptors that stay open.
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make pipe: %w", err)
	}
	r.Close()
	w.Close()
	const folder = "/proc/self/fd"
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("list descriptors: %w", err)
	}
	s := Snapshot{}
	for _, entry := range entries {
		n, err := strconv.Atoi(entry.Name())
		if err != nil {
			return nil, fmt.Errorf("list descriptors: %w", err)
		}
		// The one that listed the folder is gone by now.
		if target, err := os.Readlink(filepath.Join(folder, entry.Name())); err == nil {
			s[n] = target
		}
	}
	return s, nil
}

// Since lists what is open in s and was not in before, as "7: socket:[4711]".
// A number that names something else now counts too.
func (s Snapshot) Since(before Snapshot) []string {
	var numbers []int
	for n, target := range s {
		if old, ok := before[n]; !ok || old != target {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	var list []string
	for _, n := range numbers {
		list = append(list, fmt.Sprintf("%d: %s", n, s[n]))
	}
	return list
}

// grace is how long goroutines that outlive their test have to close theirs.
const grace = 2 * time.Second

// Leaked lists what is open beyond before, once that is nothing or a grace
// time is over.
func Leaked(before Snapshot) ([]string, error) {
	for deadline := time.Now().Add(grace); ; time.Sleep(10 * time.Millisecond) {
		now, err := Take()
		if err != nil {
			return nil, err
		}
		leaked := now.Since(before)
		if len(leaked) == 0 || time.Now().After(deadline) {
			return leaked, nil
		}
	}
}

// Run runs a package's tests, a *testing.M, and gives their exit code; 1 if
// they passed but left descriptors open, which it lists on stderr.
func Run(m interface{ Run() int }) int {
	// What the process opens once is no test's leak.
	if err := quiet.Open(); err != nil {
		fmt.Fprintln(os.Stderr, "fdcheck:", err)
		return 1
	}
	before, err := Take()
	if err != nil {
		fmt.Fprintln(os.Stderr, "fdcheck:", err)
		return 1
	}
	code := m.Run()
	leaked, err := Leaked(before)
	if err != nil {
		fmt.Fprintln(os.Stderr, "fdcheck:", err)
		return 1
	}
	for _, fd := range leaked {
		fmt.Fprintln(os.Stderr, "fdcheck: left open:", fd)
	}
	if len(leaked) > 0 && code == 0 {
		return 1
	}
	return code
}
