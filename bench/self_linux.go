package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// memory is this process's resident memory, in bytes.
type memory struct{ now, peak int64 }

func readMemory() (m memory, err error) {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return m, err
	}
	for line := range strings.Lines(string(data)) {
		for name, value := range map[string]*int64{"VmRSS:": &m.now, "VmHWM:": &m.peak} {
			rest, ok := strings.CutPrefix(line, name)
			if !ok {
				continue
			}
			if _, err := fmt.Sscanf(rest, "%d kB", value); err != nil {
				return m, fmt.Errorf("read memory: %w", err)
			}
			*value <<= 10
		}
	}
	return m, nil
}

// resetPeak makes the peak begin again from what is resident now.
func resetPeak() error {
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		return fmt.Errorf("reset peak of memory: %w", err)
	}
	return nil
}

// ownCPU is the CPU time of this process so far, its sandboxes not included,
// in seconds.
func ownCPU() float64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		panic(err) // with these arguments it does not fail
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
