package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// belongings are what a launch could leave behind.
type belongings struct {
	memory      float64 // this process's, in KiB
	descriptors int
	goroutines  int
	groups      int // control groups, of all hierarchies
	dying       int // of them those that are removed and not gone
	processes   int // below this one, zombies too
	zombies     int
	namespaces  int // of the network: they end last
}

func count() belongings {
	b := belongings{memory: ownHeap() / 1024, goroutines: runtime.NumGoroutine(), groups: groups(), dying: dying()}
	fds, _ := os.ReadDir("/proc/self/fd")
	b.descriptors = len(fds)
	b.processes, b.zombies, b.namespaces = processes()
	return b
}

// groups counts control groups that the kernel has, by controller.
func groups() (n int) {
	data, _ := os.ReadFile("/proc/cgroups")
	for line := range strings.Lines(string(data)) {
		var name string
		var hierarchy, groups int
		if _, err := fmt.Sscan(line, &name, &hierarchy, &groups); err == nil {
			n += groups
		}
	}
	return n
}

// dying counts those that are removed and kept for what was charged to them, as
// far as the kernel tells.
func dying() (n int) {
	found, _ := filepath.Glob("/sys/fs/cgroup/cgroup.stat")
	for _, file := range found {
		data, _ := os.ReadFile(file)
		for line := range strings.Lines(string(data)) {
			fmt.Sscanf(line, "nr_dying_descendants %d", &n)
		}
	}
	return n
}

// processes counts this process's descendants, and the network namespaces there
// are among all processes that can be seen.
func processes() (below, zombies, namespaces int) {
	parents := map[string]string{}
	states := map[string]string{}
	seen := map[string]bool{}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		data, err := os.ReadFile(dir + "/stat")
		if err != nil {
			continue
		}
		fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
		pid := filepath.Base(dir)
		states[pid], parents[pid] = fields[0], fields[1]
		if link, err := os.Readlink(dir + "/ns/net"); err == nil {
			seen[link] = true
		}
	}
	self := fmt.Sprint(os.Getpid())
	for pid := range parents {
		for p := pid; p != "" && p != "0"; p = parents[p] {
			if parents[p] == self {
				below++
				if states[pid] == "Z" {
					zombies++
				}
				break
			}
		}
	}
	return below, zombies, len(seen)
}

const blocks = 5

// soak launches many models in a row and looks for what is left behind.
func (b *launchBench) soak(ctx context.Context, launches int) error {
	l, err := b.openReady(ctx, poolSize)
	if err != nil {
		return err
	}
	defer l.close()
	for range 200 { // what is kept is there then
		if _, err := l.once(ctx); err != nil {
			return err
		}
	}
	settle := func() belongings {
		l.ready(ctx, poolSize)
		time.Sleep(2 * time.Second)
		return count()
	}
	before := settle()
	fmt.Printf("before  %+v\n", before)
	var medians sample
	for block := range blocks {
		var times sample
		start := time.Now()
		for range launches / blocks {
			took, err := l.once(ctx)
			if err != nil {
				return err
			}
			times = append(times, took)
		}
		medians = append(medians, times.median())
		fmt.Printf("block %d  %d launches, %.0f/s: %s us\n", block+1, len(times), float64(len(times))/time.Since(start).Seconds(), times.text("%.0f"))
	}
	after := settle()
	fmt.Printf("after   %+v\nlargest to smallest median of %d blocks: %.2f, at most 1.2\n", after, blocks, medians.quantile(1)/medians.min())
	return nil
}
