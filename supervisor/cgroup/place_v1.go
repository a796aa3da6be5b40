package cgroup

import (
	"os"
	"path/filepath"
)

// placeV1 finds the group for the tree in every hierarchy with a wanted
// controller. Any v1 group may hold processes and groups at once, so nothing
// has to be arranged.
func (t *Tree) placeV1(h *host, opts Options) error {
	followed := followed(h)
	group := func(name string) string {
		switch {
		case opts.Parent != "":
			return filepath.Clean("/" + opts.Parent)
		case len(followed) > 0 && !delegatedV1(h, followed):
			return "/"
		}
		return h.ownGroup(name)
	}
	for _, c := range wantedV1 {
		m, dir, ok := h.locate(c, group(c))
		switch {
		case ok:
			_, home, _ := h.locate(c, h.ownGroup(c))
			t.addController(&hierarchy{mount: m, place: dir, home: home}, c)
		case opts.AllowMissing:
			t.layout.Missing = append(t.layout.Missing, c)
		default:
			return notFound(h, opts, c, group(c))
		}
	}
	for _, name := range followed {
		if m, dir, ok := h.locate(name, group(name)); ok {
			_, home, _ := h.locate(name, h.ownGroup(name))
			t.hierarchies = append(t.hierarchies, &hierarchy{v2: m.v2, mount: m, place: dir, home: home})
		}
	}
	return nil
}

// addController adds a controller to the hierarchy that has it: two can be
// mounted together.
func (t *Tree) addController(h *hierarchy, controller string) {
	for _, there := range t.hierarchies {
		if there.place == h.place {
			there.controllers = append(there.controllers, controller)
			return
		}
	}
	h.controllers = []string{controller}
	t.hierarchies = append(t.hierarchies, h)
}

// followed names the hierarchies in which systemd keeps account of its units'
// processes, if root is to stay out of its way; see the package comment. An
// ordinary user may not leave the unit.
func followed(h *host) []string {
	if os.Geteuid() != 0 || !systemdRuns() {
		return nil
	}
	var names []string
	for _, name := range []string{"name=systemd", ""} {
		if _, _, ok := h.locate(name, "/"); ok {
			names = append(names, name)
		}
	}
	return names
}

func delegatedV1(h *host, followed []string) bool {
	for _, name := range followed {
		if _, dir, ok := h.locate(name, h.ownGroup(name)); ok && marked(dir) {
			return true
		}
	}
	return false
}
