package cgroup

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// leafName is the group that processes of a place go to.
const leafName = "hotcell-supervisor"

// evict says who may be moved out of a group's way.
type evict int

const (
	evictNobody evict = iota
	evictSelf
	evictAll
)

// placeV2 finds or makes a group that may hold the tree: one whose controllers
// its children get and that holds no processes itself.
func (t *Tree) placeV2(h *host, opts Options) error {
	m, own, ok := h.locate("", h.unified)
	if !ok {
		return notFound(h, opts, "", h.unified)
	}
	u := &unified{mount: m, own: own}
	place, who, err := u.choose(opts)
	if err != nil {
		return err
	}
	controllers, missing, err := u.controllers(place, opts)
	if err != nil {
		return err
	}
	if err := u.prepare(place, controllers, who); err != nil {
		return refused(err, &hierarchy{mount: m, place: place, controllers: controllers}, V2)
	}
	t.layout.Missing = missing
	t.hierarchies = []*hierarchy{{v2: true, controllers: controllers, mount: m, place: place}}
	return nil
}

// unified is the v2 hierarchy as this process sees it.
type unified struct {
	mount mount
	own   string // directory of this process's group
}

// choose picks the place and says who may be moved in it.
func (u *unified) choose(opts Options) (string, evict, error) {
	if opts.Parent != "" {
		return u.given(opts.Parent)
	}
	parent := filepath.Dir(u.own)
	switch {
	case filepath.Base(u.own) == leafName && writable(parent):
		return parent, evictAll, nil // arranged by a supervisor before us
	case delegated(u.own):
		return u.own, evictAll, nil
	case systemdRuns():
		return u.underSystemd()
	case ordinary():
		return u.own, evictAll, u.refuseUnlessWritable(V2)
	case u.own != u.mount.point && !isLeafless(u.mount.point) && populated(u.mount.point):
		return u.own, evictSelf, nil // others hold the namespace's root
	}
	return u.mount.point, evictSelf, nil
}

// given takes the caller's word that the group is this supervisor's.
func (u *unified) given(parent string) (string, evict, error) {
	dir, ok := u.mount.dir(filepath.Clean("/" + parent))
	if !ok || !isDir(dir) {
		return "", 0, noParent(parent)
	}
	common := dir
	for !within(u.own, common) {
		common = filepath.Dir(common)
	}
	if common != dir && unix.Access(common+"/cgroup.procs", unix.W_OK) != nil {
		return "", 0, outside(parent, u.mount.group(u.own))
	}
	return dir, evictAll, nil
}

// within reports whether a directory is another or lies below it.
func within(dir, top string) bool {
	return dir == top || top == "/" || strings.HasPrefix(dir, top+"/")
}

// controllers are those wanted that the place can hand on, and the others.
func (u *unified) controllers(place string, opts Options) (have, missing []string, err error) {
	data, err := readFile(filepath.Join(place, "cgroup.controllers"))
	if err != nil {
		return nil, nil, err
	}
	offered := strings.Fields(string(data))
	for _, c := range wantedV2 {
		if slices.Contains(offered, c) {
			have = append(have, c)
		} else {
			missing = append(missing, c)
		}
	}
	if len(missing) > 0 && !opts.AllowMissing || len(have) == 0 {
		return nil, nil, u.notOffered(place, missing)
	}
	return have, missing, nil
}

// prepare hands the controllers on to the place's children. The kernel allows
// it where no process lives, and then lets none in.
func (u *unified) prepare(place string, controllers []string, who evict) error {
	if err := unix.Access(place, unix.W_OK); err != nil {
		return &os.PathError{Op: "access", Path: place, Err: err}
	}
	if handedOn(place, controllers) {
		return nil
	}
	var err error
	for range 10 { // somebody may be forking
		if !isLeafless(place) {
			if err := u.vacate(place, who); err != nil {
				return err
			}
		}
		if err = enable(place, controllers); !errors.Is(err, unix.EBUSY) {
			return err
		}
	}
	return err
}

// vacate moves the processes of a place to its leaf.
func (u *unified) vacate(place string, who evict) error {
	list, err := processes(place)
	if err != nil || len(list) == 0 {
		return err
	}
	others := slices.DeleteFunc(slices.Clone(list), func(pid int) bool { return pid == os.Getpid() })
	if len(others) > 0 && who != evictAll || who == evictNobody {
		return crowded(place, u.mount.group(place), others)
	}
	leaf := filepath.Join(place, leafName)
	if err := os.Mkdir(leaf, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	for _, pid := range list {
		if pid == 0 {
			return crowded(place, u.mount.group(place), others)
		}
		err := writeFile(filepath.Join(leaf, "cgroup.procs"), strconv.Itoa(pid))
		if err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	return nil
}

func handedOn(dir string, controllers []string) bool {
	data, err := readFile(filepath.Join(dir, "cgroup.subtree_control"))
	on := strings.Fields(string(data))
	return err == nil && !slices.ContainsFunc(controllers, func(c string) bool { return !slices.Contains(on, c) })
}

// enable hands controllers on to a group's children.
func enable(dir string, controllers []string) error {
	if len(controllers) == 0 {
		return nil
	}
	return writeFile(filepath.Join(dir, "cgroup.subtree_control"), "+"+strings.Join(controllers, " +"))
}

// isLeafless reports whether a directory is the kernel's real root, the only
// group that may hold processes and have children with controllers.
func isLeafless(dir string) bool { return !exists(filepath.Join(dir, "cgroup.type")) }

func populated(dir string) bool {
	list, err := processes(dir)
	return err != nil || len(list) > 0
}

// writable reports whether this process may arrange a group: make groups in
// it, hand controllers on and move processes.
func writable(dir string) bool {
	for _, path := range []string{dir, dir + "/cgroup.procs", dir + "/cgroup.subtree_control"} {
		if unix.Access(path, unix.W_OK) != nil {
			return false
		}
	}
	return true
}

// ordinary reports whether this process has no rights of the host's root. The
// root of a user namespace is, to the files of control groups, the user who
// made it.
func ordinary() bool {
	if os.Geteuid() != 0 {
		return true
	}
	ids, err := readFile("/proc/self/uid_map")
	return err == nil && !mapsRoot(string(ids))
}

// mapsRoot reads a uid_map: does root stand for root outside? It says so of the
// namespace around only, and nested ones are where the difference matters least.
func mapsRoot(ids string) bool {
	for line := range strings.Lines(ids) {
		f := strings.Fields(line)
		if len(f) == 3 && f[0] == "0" && f[1] == "0" {
			return true
		}
	}
	return false
}

// delegated reports whether a group is marked as its user's own.
func delegated(dir string) bool { return marked(dir) && writable(dir) }

// marked reports whether systemd's system manager marked a group as delegated.
// "user.delegate" is there since systemd 251; root reads the older one.
func marked(dir string) bool {
	var value [8]byte
	for _, mark := range []string{"user.delegate", "trusted.delegate"} {
		n, err := unix.Getxattr(dir, mark, value[:])
		if err == nil && string(value[:n]) == "1" {
			return true
		}
	}
	return false
}

// refuseUnlessWritable is for a group that no manager marked.
func (u *unified) refuseUnlessWritable(kind string) error {
	if writable(u.own) {
		return nil
	}
	return refused(os.ErrPermission, &hierarchy{mount: u.mount, place: u.own, controllers: wantedV2}, kind)
}
