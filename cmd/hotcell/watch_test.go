package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A sighting is what /proc showed of a sandbox to somebody who is not the
// supervisor: a second opinion on its figures. It is sampled, so it may have
// missed the last moment, but it never saw what was not there.
type sighting struct {
	pid    int
	cpu    time.Duration // since the hand-over
	memory int64         // most pages of its own and shared, beyond those at the hand-over
	unseen time.Duration // from the last look to the end
}

// watch looks at the sandbox that the process pid starts, until done.
func watch(pid int, done <-chan struct{}) sighting {
	var s sighting
	var before look // the last one before the hand-over
	last := time.Now()
	for {
		if s.pid == 0 {
			s.pid = findSandbox(pid)
		}
		if now, err := lookAt(s.pid); err == nil {
			if !now.handedOver || before == (look{}) {
				before = now
			}
			last = time.Now()
			s.cpu = now.cpu - before.cpu
			s.memory = max(s.memory, now.memory-before.memory)
		}
		select {
		case <-done:
			s.unseen = time.Since(last)
			return s
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// findSandbox gives the grandchild of hotcell that calls itself a model: the
// first step of its lock-down, long before the hand-over.
func findSandbox(pid int) int {
	for _, child := range children(pid) {
		for _, grandchild := range children(child) {
			name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", grandchild))
			if err == nil && string(name) == "hotcell-model\n" {
				return grandchild
			}
		}
	}
	return 0
}

func children(pid int) []int {
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil
	}
	var pids []int
	for _, list := range lists {
		data, _ := os.ReadFile(list)
		for field := range strings.FieldsSeq(string(data)) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// A look is what /proc says of a process at one moment.
type look struct {
	cpu        time.Duration
	memory     int64
	handedOver bool // that is when a sandbox's data becomes limited
}

// tick is the unit of times in /proc: USER_HZ, 100 everywhere.
const tick = 10 * time.Millisecond

func lookAt(pid int) (look, error) {
	dir := "/proc/" + strconv.Itoa(pid)
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil || pid == 0 {
		return look{}, os.ErrNotExist
	}
	status, err := os.ReadFile(dir + "/status")
	if err != nil {
		return look{}, err
	}
	limits, err := os.ReadFile(dir + "/limits")
	if err != nil {
		return look{}, err
	}
	// The name, in parentheses, may hold anything; the state follows it.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, userErr := strconv.ParseInt(fields[11], 10, 64)
	system, systemErr := strconv.ParseInt(fields[12], 10, 64)
	anon, anonErr := kibibytes(status, "RssAnon:")
	shared, sharedErr := kibibytes(status, "RssShmem:")
	if slices.ContainsFunc([]error{userErr, systemErr, anonErr, sharedErr}, func(err error) bool { return err != nil }) {
		return look{}, os.ErrInvalid // a dead process has no memory
	}
	return look{
		cpu: time.Duration(user+system) * tick, memory: anon + shared,
		handedOver: !unlimitedData.Match(limits),
	}, nil
}

var unlimitedData = regexp.MustCompile(`(?m)^Max data size +unlimited `)

func kibibytes(status []byte, name string) (int64, error) {
	_, rest, _ := strings.Cut(string(status), "\n"+name)
	line, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(line), " kB"), 10, 64)
	return n << 10, err
}

// What a sighting may differ by beside its tenth: the time and the pages
// between the last look before the hand-over and that, and the ticks of /proc.
const (
	cpuSlack    = 30 * time.Millisecond
	memorySlack = 4 << 20
)

// compare checks a report's figures against what was seen.
func (s sighting) compare(usage map[string]float64, cpus float64) (problems []string) {
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if s.pid == 0 {
		return nil // it ended between two looks
	}
	cpu := time.Duration(usage["cpu_seconds"] * float64(time.Second))
	if least := s.cpu*9/10 - cpuSlack; cpu < least {
		wrong("reported CPU time %v; from outside %v were seen", cpu, s.cpu)
	}
	// While nobody looked it may have used as much as it may at most, and a
	// quota may be overdrawn within a period.
	unseen := time.Duration(float64(s.unseen) * (cpus + 1))
	if most := s.cpu*11/10 + cpuSlack + unseen; cpu > most {
		wrong("reported CPU time %v; from outside %v were seen, and at most %v can have passed unseen", cpu, s.cpu, unseen)
	}
	// Inputs are seen, and are not the model's.
	seen := s.memory - int64(usage["array_bytes_in"])
	if peak := int64(usage["memory_peak_bytes"]); peak < seen*9/10-memorySlack {
		wrong("reported memory peak %d; from outside %d bytes were seen", peak, seen)
	}
	return problems
}
