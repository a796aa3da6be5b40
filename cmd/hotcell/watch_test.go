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
	pid     int
	cpu     time.Duration // since the hand-over
	memory  int64         // most pages of its own and shared, beyond those at the hand-over
	threads int           // most at one time
	unseen  time.Duration // from the last look to the end
	gap     time.Duration // the longest between two looks
	own     int64         // most pages of the supervisor's own, shared ones left out
	least   time.Duration // from the hand-over to the end it took at least so long,
	most    time.Duration // and at most so long
}

// watch looks at the sandbox that the process pid starts, until done.
func watch(pid int, done <-chan struct{}) sighting {
	start := time.Now()
	w := watcher{last: start, notYet: start}
	for {
		if w.pid == 0 {
			w.pid = findSandbox(pid)
		}
		w.look()
		if now, err := lookAt(pid); err == nil {
			w.own = max(w.own, now.anon)
		}
		select {
		case <-done:
			return w.conclude()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// A watcher keeps the looks around the hand-over and around the end.
type watcher struct {
	sighting
	before          look      // the last one before the hand-over
	last            time.Time // the last look that found the process, or the start
	notYet, already time.Time // the last look before the hand-over, and the first after it
	gone            time.Time // the first look that found it no more
}

func (w *watcher) look() {
	at := time.Now()
	now, err := lookAt(w.pid)
	switch {
	case err != nil && lives(w.pid):
		w.last = at
		return
	case err != nil:
		if w.pid != 0 && w.gone.IsZero() {
			w.gone = time.Now()
		}
		return
	}
	if !now.handedOver || w.before == (look{}) {
		w.before = now
	}
	if !now.handedOver {
		w.notYet = at
	} else if w.already.IsZero() {
		w.already = time.Now()
	}
	w.cpu = now.cpu - w.before.cpu
	w.memory = max(w.memory, now.memory-w.before.memory)
	w.threads = max(w.threads, now.threads)
	w.gap = max(w.gap, time.Since(w.last))
	w.last = at
}

func (w *watcher) conclude() sighting {
	if w.gone.IsZero() {
		w.gone = time.Now()
	}
	if w.already.IsZero() {
		w.already = w.last
	}
	w.unseen = time.Since(w.last)
	w.gap = max(w.gap, w.gone.Sub(w.last))
	w.least, w.most = w.last.Sub(w.already), w.gone.Sub(w.notYet)
	return w.sighting
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
	memory     int64 // anon, and of shared memory
	anon       int64
	threads    int
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
	threads, threadsErr := strconv.Atoi(fields[17])
	if slices.ContainsFunc([]error{userErr, systemErr, anonErr, sharedErr, threadsErr}, func(err error) bool { return err != nil }) {
		return look{}, os.ErrInvalid // a dead process has no memory
	}
	return look{
		cpu: time.Duration(user+system) * tick, memory: anon + shared, anon: anon, threads: threads,
		handedOver: !unlimitedData.Match(limits),
	}, nil
}

var unlimitedData = regexp.MustCompile(`(?m)^Max data size +unlimited `)

// lives tells that a process goes on whose first thread has ended: it shows no
// memory any more.
func lives(pid int) bool {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	return err == nil && pid != 0 && len(tasks) > 1
}

func kibibytes(status []byte, name string) (int64, error) {
	_, rest, _ := strings.Cut(string(status), "\n"+name)
	line, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(line), " kB"), 10, 64)
	return n << 10, err
}

// What a sighting may differ by beside its tenth: the time and the pages
// between the last look before the hand-over and that, the ticks of /proc, and
// the time between a verdict and a process's death. Who is looked at as late as
// who looks adds the longest gap between two looks.
const (
	cpuSlack    = 30 * time.Millisecond
	wallSlack   = 30 * time.Millisecond
	memorySlack = 4 << 20
)

// supervisorMemory bounds what a model can make the supervisor keep: its log, its
// operations, its results' texts, all of which have bounds.
const supervisorMemory = 64 << 20

// fillRate is more bytes of fresh memory than any machine fills in a second.
const fillRate = 4 << 30

// compare checks a report's figures against what was seen.
func (s sighting) compare(r guestReport) (problems []string) {
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if s.pid == 0 {
		return nil // it ended between two looks
	}
	cpu := time.Duration(r.Usage["cpu_seconds"] * float64(time.Second))
	if least := s.cpu*9/10 - cpuSlack; cpu < least {
		wrong("reported CPU time %v; from outside %v were seen", cpu, s.cpu)
	}
	// While nobody looked it may have used as much as it may at most, and a
	// quota may be overdrawn within a period.
	unseen := time.Duration(float64(s.unseen) * (r.Limits.CPUs + 1))
	if most := s.cpu*11/10 + cpuSlack + unseen; cpu > most {
		wrong("reported CPU time %v; from outside %v were seen, and at most %v can have passed unseen", cpu, s.cpu, unseen)
	}
	wall := time.Duration(r.Usage["wall_seconds"] * float64(time.Second))
	if slack := wallSlack + 2*s.gap; wall < s.least*9/10-slack || wall > s.most*11/10+slack {
		wrong("reported wall time %v; from outside it was between %v and %v", wall, s.least, s.most)
	}
	if s.own > supervisorMemory {
		wrong("the supervisor had %d bytes of memory; want at most %d, whatever a model does", s.own, supervisorMemory)
	}
	// Inputs are seen, and are not the model's.
	seen := s.memory - int64(r.Usage["array_bytes_in"])
	peak := int64(r.Usage["memory_peak_bytes"])
	if peak < seen*9/10-memorySlack {
		wrong("reported memory peak %d; from outside %d bytes were seen", peak, seen)
	}
	// Files in scratch are no process's pages.
	hidden := r.Limits.ScratchBytes + int64(s.gap.Seconds()*fillRate)
	if peak > seen*11/10+memorySlack+hidden {
		wrong("reported memory peak %d; from outside %d bytes were seen, and at most %d can have been missed", peak, seen, hidden)
	}
	return problems
}
