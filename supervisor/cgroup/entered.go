package cgroup

import (
	"bytes"
	"fmt"
	"strconv"
)

// Holds tells whether a process is in the group, in every hierarchy: the word
// of the kernel on a process that went in by itself, through Entrances.
func (g *Group) Holds(pid int) (bool, error) {
	data, err := readFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return false, fmt.Errorf("control groups of process %d: %w", pid, err)
	}
	within := []byte("/" + g.tree.name + "/" + g.name)
	found := 0
	for line := range bytes.Lines(data) {
		if bytes.HasSuffix(bytes.TrimSpace(line), within) {
			found++
		}
	}
	return found == len(g.tree.hierarchies), nil
}

// Entered tells that processes go into groups of this tree by themselves,
// through Entrances. On v2 that costs what Add costs, and asks more of older
// kernels: whose rights count there is the writer's.
func (t *Tree) Entered() bool { return t.layout.Kind != V2 }
