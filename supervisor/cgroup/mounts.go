package cgroup

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
)

// A mount is one place where a hierarchy of control groups is mounted.
type mount struct {
	root  string   // the group that shows at point
	point string   // a directory
	v2    bool     // the unified hierarchy
	names []string // v1: its controllers, and "name=…" for a named one
}

// parseMounts returns the control group mounts of a mountinfo file, see
// proc_pid_mountinfo(5), in their order. A line it does not understand is no
// mount of ours.
func parseMounts(info []byte) []mount {
	var mounts []mount
	for line := range bytes.Lines(info) {
		// Blanks within a field are escaped, so this is the separator.
		left, right, ok := bytes.Cut(line, []byte(" - cgroup"))
		if !ok {
			continue
		}
		if m, ok := parseMount(strings.Fields(string(left)), string(right)); ok {
			mounts = append(mounts, m)
		}
	}
	return mounts
}

// parseMount takes what stands before and after " - cgroup" in a line.
func parseMount(left []string, right string) (mount, bool) {
	kind, rest, _ := strings.Cut(right, " ")
	right3 := strings.Fields(rest) // source, super block options
	if len(left) < 6 || len(right3) < 1 || kind != "" && kind != "2" {
		return mount{}, false
	}
	m := mount{root: unescape(left[3]), point: unescape(left[4]), v2: kind == "2"}
	if !m.v2 {
		m.names = strings.Split(unescape(right3[len(right3)-1]), ",")
	}
	return m, true
}

// unescape undoes mountinfo's octal escapes of blank, tab, newline and
// backslash.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	return mountEscapes.Replace(s)
}

var mountEscapes = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`, `\043`, "#")

// carries reports whether the hierarchy has a controller or name; "" asks for
// the unified one.
func (m mount) carries(name string) bool {
	if name == "" {
		return m.v2
	}
	return !m.v2 && slices.Contains(m.names, name)
}

// dir is the directory of a group given as /proc/PID/cgroup gives it. A mount
// may show a part of the tree only (containers), and the group may lie outside
// of it or outside of this process's cgroup namespace ("/..").
func (m mount) dir(group string) (string, bool) {
	rel, ok := group, true
	if m.root != "/" {
		rel, ok = strings.CutPrefix(group, m.root)
		ok = ok && (rel == "" || rel[0] == '/')
	}
	if !ok || slices.Contains(strings.Split(rel, "/"), "..") {
		return "", false
	}
	return filepath.Join(m.point, rel), true
}

// group is the inverse of dir.
func (m mount) group(dir string) string {
	rel := strings.TrimPrefix(dir, m.point)
	if m.root == "/" && rel != "" {
		return rel
	}
	return m.root + rel // not cleaned: the root may begin with ".."
}
