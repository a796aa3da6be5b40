package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"hotcell/shm"
	"hotcell/supervisor"
)

// What slices shares: one array, and into how many parts it goes.
const (
	sharedSize = 1 << 30
	partsCount = 16
	partSize   = sharedSize / partsCount
)

// parts launches sandboxes with different parts of one large array, and wants
// the array in memory once.
func parts(ctx context.Context, o options) error {
	h, err := openHost(ctx, o.python)
	if err != nil {
		return err
	}
	defer h.close()
	none := machine()
	region, memory, err := shm.Owned("parts", sharedSize)
	if err != nil {
		return err
	}
	defer region.Close()
	for i := 0; i < sharedSize; i += 1024 {
		memory[i] = byte(i >> 10)
	}
	one := machine()
	spec, err := h.spec(job{model: "pages.py"})
	if err != nil {
		return err
	}
	spec.Arrays = true
	var models []*supervisor.Model
	defer func() {
		for _, m := range models {
			m.Close()
		}
	}()
	var charged int64
	for i := range partsCount {
		// Neither end lies on a page's edge, and no two have the same part of a page.
		x := shm.Ref{DType: float64s, Shape: []int64{partSize/8 - 24}, Offset: int64(i)*partSize + 8*int64(i+1)}
		m, err := h.called(ctx, spec, supervisor.ArrayInput("x", x, region))
		if m != nil {
			models = append(models, m)
		}
		if err != nil {
			return err
		}
		charged += m.Now().Usage.MemoryHeapBytes
	}
	all := machine()
	fmt.Printf("MiB                      before  with the array  with %d sandboxes that read their parts\n", partsCount)
	for _, name := range []string{"Shmem", "MemAvailable", "MemFree"} {
		fmt.Printf("  %-20s %9d %15d %15d\n", name, none[name]>>20, one[name]>>20, all[name]>>20)
	}
	pss, mapped, err := sharedPSS()
	if err != nil {
		return err
	}
	fmt.Printf("  shares of shared memory, of all processes together: %d; mapped by them: %d; of the sandboxes' own: %d\n", pss>>20, mapped>>20, charged>>20)
	// Other programs on the machine have shared memory too: a sandbox may add
	// its edge pages, and what it is told by.
	if more := all["Shmem"] - one["Shmem"]; more > partsCount<<20 {
		return fmt.Errorf("the machine's shared memory grew by %d MiB with the sandboxes", more>>20)
	}
	if pss > sharedSize+partsCount<<20 {
		return fmt.Errorf("all processes together hold %d MiB of shared memory, and the array has %d", pss>>20, sharedSize>>20)
	}
	return nil
}

// sharedPSS sums this process's part of shared memory and that of all that it
// started, in bytes; a page that n share counts as a part of n. It also gives
// how much of it they have mapped and touched.
func sharedPSS() (pss, rss int64, err error) {
	self := fmt.Sprint(os.Getpid())
	pids := map[string]bool{self: true}
	for before := 0; len(pids) != before; {
		before = len(pids)
		stats, _ := filepath.Glob("/proc/[0-9]*/stat")
		for _, file := range stats {
			data, _ := os.ReadFile(file)
			if fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:])); len(fields) > 1 && pids[fields[1]] {
				pids[filepath.Base(filepath.Dir(file))] = true
			}
		}
	}
	for pid := range pids {
		data, err := os.ReadFile("/proc/" + pid + "/smaps_rollup")
		if err != nil {
			continue // it has ended
		}
		for line := range strings.Lines(string(data)) {
			var kib int64
			if rest, ok := strings.CutPrefix(line, "Pss_Shmem:"); ok {
				fmt.Sscan(rest, &kib)
				pss += kib << 10
			}
			// What is mapped of files is counted with it; that is little.
			for _, name := range []string{"Shared_Clean:", "Shared_Dirty:"} {
				if rest, ok := strings.CutPrefix(line, name); ok {
					fmt.Sscan(rest, &kib)
					rss += kib << 10
				}
			}
		}
	}
	if pss == 0 {
		return 0, 0, fmt.Errorf("the kernel tells no Pss_Shmem")
	}
	return pss, rss, nil
}

// machine is what /proc/meminfo says, in bytes.
func machine() state {
	s := state{}
	data, _ := os.ReadFile("/proc/meminfo")
	for line := range strings.Lines(string(data)) {
		var name string
		var kib int64
		if _, err := fmt.Sscanf(line, "%s %d", &name, &kib); err == nil {
			s[name[:len(name)-1]] = kib << 10
		}
	}
	return s
}
