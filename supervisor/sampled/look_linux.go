package sampled

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A look is what the kernel says of a process at one moment.
type look struct {
	anon, shared, file int64 // bytes of pages: of no file, of shared memory, of files
	high               int64 // the most that all three were together
	cpu                time.Duration
	threads            int64
}

func (l look) total() int64 { return l.anon + l.shared + l.file }

// lookAt fails on a process that is gone, and on one that is dead.
func lookAt(pid int) (look, error) {
	if pid <= 0 {
		return look{}, os.ErrProcessDone
	}
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return look{}, fmt.Errorf("look at a process: %w", err)
	}
	l, err := parseStatus(string(data))
	if err != nil {
		return look{}, err
	}
	if l.cpu, err = cpuClock(pid); err != nil {
		return look{}, err
	}
	return l, nil
}

// parseStatus reads /proc/PID/status. A dead process has no memory there.
func parseStatus(status string) (look, error) {
	var l look
	for name, into := range map[string]*int64{
		"RssAnon": &l.anon, "RssShmem": &l.shared, "RssFile": &l.file, "VmHWM": &l.high, "Threads": &l.threads,
	} {
		_, rest, ok := strings.Cut(status, "\n"+name+":")
		line, _, _ := strings.Cut(rest, "\n")
		number, kilo := strings.CutSuffix(strings.TrimSpace(line), " kB")
		n, err := strconv.ParseInt(number, 10, 53)
		if !ok || err != nil || n < 0 {
			return look{}, fmt.Errorf("look at a process: no %s: %w", name, os.ErrProcessDone)
		}
		if kilo {
			n <<= 10
		}
		*into = n
	}
	return l, nil
}

// cpuClock reads the clock that a process's threads, dead ones included, drive
// (clock_getcpuclockid(3)).
func cpuClock(pid int) (time.Duration, error) {
	if pid <= 0 {
		return 0, os.ErrProcessDone
	}
	const scheduled = 2 // CPUCLOCK_SCHED
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduled), &t); err != nil {
		return 0, fmt.Errorf("clock_gettime of a process: %w", err)
	}
	return time.Duration(t.Nano()), nil
}
