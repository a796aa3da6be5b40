package cgroup

import (
	"path/filepath"
)

// placeV1 finds this process's group, or the parent that was asked for, in
// every hierarchy with a wanted controller. Any v1 group may hold processes
// and groups at once, so nothing has to be arranged.
func (t *Tree) placeV1(h *host, opts Options) error {
	byDir := map[string]*hierarchy{}
	for _, c := range wantedV1 {
		m, dir, ok := h.locate(c, groupIn(h, opts, c))
		if !ok {
			if !opts.AllowMissing {
				return notFound(h, opts, c)
			}
			t.layout.Missing = append(t.layout.Missing, c)
			continue
		}
		if byDir[dir] == nil {
			byDir[dir] = &hierarchy{mount: m, place: dir}
			t.hierarchies = append(t.hierarchies, byDir[dir])
		}
		byDir[dir].controllers = append(byDir[dir].controllers, c)
	}
	if len(t.hierarchies) > 0 && systemdRuns() {
		t.followSystemd(h, opts)
	}
	return nil
}

// followSystemd adds the hierarchies systemd keeps its units in, see the
// package comment. An ordinary user cannot write there; claimAll passes over
// them then.
func (t *Tree) followSystemd(h *host, opts Options) {
	for _, name := range []string{"name=systemd", ""} {
		if m, dir, ok := h.locate(name, groupIn(h, opts, name)); ok {
			t.hierarchies = append(t.hierarchies, &hierarchy{v2: m.v2, mount: m, place: dir})
		}
	}
}

func groupIn(h *host, opts Options, name string) string {
	if opts.Parent != "" {
		return filepath.Clean("/" + opts.Parent)
	}
	return h.ownGroup(name)
}
