package syscallpolicy

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Limits bound one model's run. Every field has a safe default, and none can
// be switched off: zero values are refused by Check.
type Limits struct {
	Memory        int64         // bytes, beyond what the interpreter has at the hand-over
	Timeout       time.Duration // wall time of a run or of one call
	CPUTime       time.Duration
	CPUs          float64 // share of the machine's processors
	Threads       int     // of the model's process, the first included
	Recursion     int     // the interpreter's recursion limit
	MaxOutput     int64   // bytes of results
	MaxLog        int64   // bytes of stdout and stderr together
	MaxOperations int64   // decisions asked of the supervisor
	Scratch       int64   // bytes of the private temporary directory, 0 for none
	MaxFile       int64   // bytes of each file that the model writes
}

// DefaultLimits are those of a model about which nothing is known.
func DefaultLimits() Limits {
	return Limits{
		Memory: 512 << 20, Timeout: 30 * time.Second, CPUTime: 30 * time.Second, CPUs: 1, Threads: 16, Recursion: 1000,
		MaxOutput: 256 << 20, MaxLog: 1 << 20, MaxOperations: 10_000, MaxFile: 1 << 30,
	}
}

// Bounds of what is sensible: a smaller value stops the interpreter itself,
// a larger one is a slip or overflows on its way to the kernel.
const (
	minMemory    = 1 << 20
	maxBytes     = 1 << 46
	maxDuration  = 365 * 24 * time.Hour
	maxThreads   = 4096
	minRecursion = 50
	maxRecursion = 1_000_000
)

// Check refuses limits that cannot be meant, with an example of what can.
func (l Limits) Check() error {
	return errors.Join(
		sizeBetween("memory", l.Memory, minMemory, maxBytes, "256M"),
		between("timeout", l.Timeout, time.Millisecond, maxDuration, "2s"),
		between("cpu-time", l.CPUTime, time.Millisecond, maxDuration, "2s"),
		between("threads", l.Threads, 1, maxThreads, "16"),
		between("recursion", l.Recursion, minRecursion, maxRecursion, "1000"),
		sizeBetween("max-output", l.MaxOutput, 0, maxBytes, "100M"),
		sizeBetween("max-log", l.MaxLog, 0, maxBytes, "1M"),
		between("max-operations", l.MaxOperations, 0, math.MaxInt32, "10000"),
		sizeBetween("scratch", l.Scratch, 0, maxBytes, "64M"),
		sizeBetween("max-file", l.MaxFile, 0, maxBytes, "1G"),
		checkCPUs(l.CPUs),
	)
}

func between[T int | int64 | time.Duration](name string, v, least, most T, example string) error {
	if v < least || v > most {
		return fmt.Errorf("%s %v: must be between %v and %v, for example %s", name, v, least, most, example)
	}
	return nil
}

func sizeBetween(name string, v, least, most int64, example string) error {
	if v < least || v > most {
		bounds := fmt.Sprintf("%s %s: must be between %s and %s", name, FormatSize(v), FormatSize(least), FormatSize(most))
		if v > 0 && v < least && v < 1<<10 {
			return fmt.Errorf("%s, and a number alone is bytes; did you mean %dM?", bounds, v)
		}
		return fmt.Errorf("%s, for example %s", bounds, example)
	}
	return nil
}

func checkCPUs(v float64) error {
	if !(v >= 0.01 && v <= 4096) {
		return fmt.Errorf("cpus %v: must be between 0.01 and 4096, for example 1.5", v)
	}
	return nil
}
