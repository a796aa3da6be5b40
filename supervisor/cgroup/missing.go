package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// A MissingError says what a supervisor cannot have on this host and how it
// can be had. Both are one line; the mend is a command for a shell, or a
// setting.
type MissingError struct {
	What string
	Mend string
	Err  error // what the system said, or nil
}

func (e *MissingError) Error() string {
	s := e.What
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s + " (mend: " + e.Mend + ")"
}

func (e *MissingError) Unwrap() error { return e.Err }

// refused explains why a tree could not be made in a place.
func refused(err error, h *hierarchy, kind string) error {
	var known *MissingError
	group := h.mount.group(h.place)
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, unix.EROFS):
		return &MissingError{"control groups are mounted read-only at " + h.mount.point, mendReadOnly(kind, h.mount.point), err}
	case errors.Is(err, fs.ErrPermission):
		return &MissingError{fmt.Sprintf("user %d may not make groups in control group %s", os.Geteuid(), group), mendUser(h, kind), err}
	case errors.Is(err, unix.EOPNOTSUPP):
		return &MissingError{"control group " + group + " is threaded, its children cannot limit memory", mendElsewhere, err}
	}
	return err
}

// crowded is the answer to processes in a group that are not ours to move.
func crowded(dir, group string, pids []int) error {
	return &MissingError{
		What: fmt.Sprintf("control group %s holds other processes %v, so its children cannot have limits", group, pids),
		Mend: mendCrowded(dir),
	}
}

func notMounted() error {
	mend := "mount -t cgroup2 cgroup2 /sys/fs/cgroup"
	if c := container(); c != "" {
		mend = mendReadOnly(V2, "/sys/fs/cgroup")
	} else if os.Geteuid() != 0 {
		mend = "sudo " + mend
	}
	return &MissingError{What: "no control group file system is mounted", Mend: mend}
}

// notFound means that a controller has no mount that shows the group.
func notFound(h *host, opts Options, controller, group string) error {
	for _, m := range h.mounts {
		if m.carries(controller) {
			if opts.Parent != "" {
				return noParent(opts.Parent)
			}
			return &MissingError{
				What: fmt.Sprintf("the mount of control groups at %s does not show this process's group %s", m.point, group),
				Mend: mendHidden(controller, m),
			}
		}
	}
	if controller == "" {
		return notMounted()
	}
	return missingController(controller, h.kind())
}

func noParent(parent string) error {
	return &MissingError{
		What: "control group " + parent + " is not there, or not visible here",
		Mend: "name a group as /proc/self/cgroup names this process's own",
	}
}

// outside: see Options.Parent.
func outside(parent, own string) error {
	return &MissingError{
		What: fmt.Sprintf("from control group %s, user %d may not move processes to %s", own, os.Geteuid(), parent),
		Mend: "start the supervisor inside " + parent,
	}
}

// missingController is for one that the kernel or the mounts do not offer.
func missingController(name, kind string) error {
	what := "the kernel has no " + name + " controller"
	data, _ := readFile("/proc/cgroups")
	enabled, known := controllerState(data, name)
	switch {
	case !known && kind != V2:
		return &MissingError{What: what, Mend: "use a kernel with the " + name + " controller for control groups v1"}
	case !known:
		return &MissingError{What: what, Mend: "use a kernel with the " + name + " controller"}
	case !enabled:
		return &MissingError{What: "the " + name + " controller is switched off at boot",
			Mend: "add cgroup_enable=" + name + " to the kernel's command line (and take cgroup_disable=" + name + " out), then reboot"}
	}
	dir := "/sys/fs/cgroup/" + name
	return &MissingError{What: "the " + name + " controller is not mounted",
		Mend: fmt.Sprintf("%smkdir -p %s && %[1]smount -t cgroup -o %[3]s %[3]s %[2]s", sudo(), dir, name)}
}

// controllerState looks a controller up in /proc/cgroups.
func controllerState(data []byte, name string) (enabled, known bool) {
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line) // name, hierarchy, groups, enabled
		if len(f) >= 4 && f[0] == name {
			return f[3] == "1", true
		}
	}
	return false, false
}

// notOffered: the place cannot hand these controllers on.
func (u *unified) notOffered(place string, missing []string) error {
	root, err := readFile(u.mount.point + "/cgroup.controllers")
	for _, c := range missing {
		if err == nil && u.mount.root == "/" && !strings.Contains(" "+string(root), " "+c) && isLeafless(u.mount.point) {
			return missingController(c, V2)
		}
	}
	return &MissingError{
		What: fmt.Sprintf("control group %s is not given the controllers %s", u.mount.group(place), strings.Join(missing, ", ")),
		Mend: mendControllers(place),
	}
}

// noController: with AllowMissing, not even one.
func noController(l Layout) error {
	return &MissingError{
		What: "none of the controllers " + strings.Join(l.Missing, ", ") + " can be used",
		Mend: mendElsewhere,
	}
}

func noManager(err error, group string) error {
	return &MissingError{
		What: fmt.Sprintf("control group %s is systemd's and systemd cannot be asked for another", group),
		Mend: mendManager(),
		Err:  err,
	}
}

func noScope(err error) error {
	return &MissingError{What: "systemd refused a scope of its own to this process", Mend: mendScope(), Err: err}
}

func undelegated(unit string) error {
	return &MissingError{What: "the unit " + unit + " has no control group of its own to divide", Mend: mendUnit(unit)}
}
