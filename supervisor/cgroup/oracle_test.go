package cgroup

import (
	"slices"
	"strings"
	"testing"

	"github.com/containerd/cgroups/v3/cgroup1"
	"github.com/containerd/cgroups/v3/cgroup2"
)

// TestAgainstLibrary compares limits and figures with what the managers of
// containerd/cgroups read from the same group.
func TestAgainstLibrary(t *testing.T) {
	g := newGroup(t, open(t), "g")
	limits := Limits{Memory: 96 << 20, Pids: 31, CPUs: 0.5}
	must(t, g.Set(limits))
	p := start(t, "alloc", []string{"20"})
	must(t, g.Add(p.Process.Pid))
	p.release()
	p.expect(t, "allocated")
	must(t, g.Freeze(tContext)) // so that the figures stand still
	u, err := g.Usage()
	must(t, err)

	var got, want [5]uint64 // memory, its limit, its peak, processes, their limit
	want = [5]uint64{uint64(u.Memory), uint64(limits.Memory), uint64(u.MemoryPeak), uint64(u.Pids), uint64(limits.Pids)}
	if g.tree.layout.Kind == V2 {
		m, err := cgroup2.Load("/"+g.name, cgroup2.WithMountpoint(g.tree.hierarchies[0].dir))
		must(t, err)
		s, err := m.Stat()
		must(t, err)
		got = [5]uint64{s.Memory.Usage, s.Memory.UsageLimit, s.Memory.MaxUsage, s.Pids.Current, s.Pids.Limit}
	} else {
		s := libraryV1(t, g)
		got = [5]uint64{s.memory.Usage, s.memory.Limit, s.memory.Max, s.pids.Current, s.pids.Limit}
	}
	// The kernel may return pages it had put aside between the two readings.
	if slack := int64(got[0]) - int64(want[0]); slack > 1<<20 || slack < -1<<20 {
		t.Errorf("the library reads %d bytes; want about %d", got[0], want[0])
	}
	if !slices.Equal(got[1:], want[1:]) {
		t.Errorf("the library reads %v; want %v", got[1:], want[1:])
	}
	must(t, g.Kill())
}

func libraryV1(t *testing.T, g *Group) (s struct {
	memory struct{ Usage, Limit, Max uint64 }
	pids   struct{ Current, Limit uint64 }
}) {
	t.Helper()
	dirs := map[cgroup1.Name]string{"memory": g.file("memory", ""), "pids": g.file("pids", "")}
	// The library roots a controller at ROOT/CONTROLLER; a step up takes that
	// off again.
	path := func(name cgroup1.Name) (string, error) { return "../" + strings.TrimSuffix(dirs[name], "/"), nil }
	control, err := cgroup1.Load(path, cgroup1.WithHierarchy(func() ([]cgroup1.Subsystem, error) {
		return []cgroup1.Subsystem{cgroup1.NewMemory("/", cgroup1.IgnoreModules("memsw", "kmem", "kmem.tcp")), cgroup1.NewPids("/")}, nil
	}))
	must(t, err)
	stat, err := control.Stat()
	must(t, err)
	s.memory.Usage, s.memory.Limit, s.memory.Max = stat.Memory.Usage.Usage, stat.Memory.Usage.Limit, stat.Memory.Usage.Max
	s.pids.Current, s.pids.Limit = stat.Pids.Current, stat.Pids.Limit
	return s
}
