package cgroup

import (
	"bytes"
	"fmt"
	"os"
	"slices"

	"github.com/containerd/cgroups/v3"
)

// The controllers a tree wants. On v2 freezing and CPU time need none.
var (
	wantedV1 = []string{"freezer", "memory", "pids", "cpu", "cpuacct"}
	wantedV2 = []string{"memory", "pids", "cpu"}
)

// A host is what the kernel says of this process's control groups.
type host struct {
	mounts  []mount
	own     map[string]string // this process's group by v1 controller or "name=…"
	unified string            // and in the v2 hierarchy, "" without one
}

func readHost() (*host, error) {
	info, err := readFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	groups, err := readFile("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	return parseHost(info, groups)
}

func parseHost(mountinfo, groups []byte) (*host, error) {
	own, unified, err := cgroups.ParseCgroupFromReaderUnified(bytes.NewReader(groups))
	if err != nil {
		return nil, fmt.Errorf("/proc/self/cgroup: %w", err)
	}
	return &host{mounts: parseMounts(mountinfo), own: own, unified: unified}, nil
}

// kind is the layout: v1 where a v1 hierarchy has the memory controller (it
// can be in one hierarchy only), otherwise v2 where that is mounted. It is ""
// where neither is.
func (h *host) kind() string {
	has := func(name string) bool {
		return slices.ContainsFunc(h.mounts, func(m mount) bool { return m.carries(name) })
	}
	switch v2 := has(""); {
	case has("memory") && v2:
		return Hybrid
	case has("memory"):
		return V1
	case v2:
		return V2
	case slices.ContainsFunc(wantedV1, has):
		return V1
	}
	return ""
}

// locate finds the directory of a group in the hierarchy that carries name.
// The last mount counts first: it hides older ones on the same directory.
func (h *host) locate(name, group string) (mount, string, bool) {
	for _, m := range slices.Backward(h.mounts) {
		if !m.carries(name) {
			continue
		}
		if dir, ok := m.dir(group); ok && isDir(dir) {
			return m, dir, true
		}
	}
	return mount{}, "", false
}

// ownGroup is this process's group in the hierarchy that carries name.
func (h *host) ownGroup(name string) string {
	if name == "" {
		return h.unified
	}
	return h.own[name]
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
