package supervisor

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"hotcell/child"
)

// identity is the host's user and group that a child's user namespace maps.
type identity struct {
	uid, gid   int
	dropGroups bool // setgroups(2) is allowed in the namespace
	shared     bool // other processes of the host may have the same uid
}

// firstUID begins the range from which a supervisor that is root takes an id
// that no account and no service manager gives out.
const firstUID = 0x70000000

// chooseIdentity maps an ordinary user to himself. Root gets an id of this
// process's own, never 0; in a container whose namespace maps few ids it is
// the last of them.
func chooseIdentity() (identity, error) {
	if os.Geteuid() != 0 {
		return identity{uid: os.Geteuid(), gid: os.Getegid(), shared: true}, nil
	}
	want := firstUID + os.Getpid()&0x3fffff
	uid, uidErr := mappedID("/proc/self/uid_map", want)
	gid, gidErr := mappedID("/proc/self/gid_map", want)
	if err := errors.Join(uidErr, gidErr); err != nil {
		return identity{}, err
	}
	// A namespace that maps its root alone maps it to an ordinary user.
	return identity{uid: uid, gid: gid, dropGroups: uid != 0, shared: uid != want}, nil
}

// mappedID gives want where a namespace's map has it, or else the map's last
// id. It refuses the one answer that would be the host's root.
func mappedID(file string, want int) (int, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, fmt.Errorf("read id map: %w", err)
	}
	last, outer := -1, 0
	for line := range strings.Lines(string(data)) {
		var inside, outside, count int
		if _, err := fmt.Sscan(line, &inside, &outside, &count); err != nil {
			return 0, fmt.Errorf("parse %s: %w", file, err)
		}
		if want >= inside && want-inside < count {
			return want, nil
		}
		if end := inside + count - 1; end > last {
			last, outer = end, outside+count-1
		}
	}
	if last < 0 || outer == 0 {
		return 0, fmt.Errorf("%s maps no id but root's: a model would run as root; give this container a range of ids", file)
	}
	return last, nil
}

// namespaces are the child's; sandboxes get a second set of their own.
const namespaces = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET |
	syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS | syscall.CLONE_NEWCGROUP

// Capabilities over its own namespaces that the child's steps need; the step
// "privileges" gives them up.
const (
	capSetgid   = 6
	capSetuid   = 7
	capSetpcap  = 8
	capSysAdmin = 21
)

func (id identity) attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags:                 namespaces,
		UidMappings:                []syscall.SysProcIDMap{{ContainerID: child.ID, HostID: id.uid, Size: 1}},
		GidMappings:                []syscall.SysProcIDMap{{ContainerID: child.ID, HostID: id.gid, Size: 1}},
		GidMappingsEnableSetgroups: id.dropGroups,
		AmbientCaps:                []uintptr{capSetgid, capSetuid, capSetpcap, capSysAdmin},
		Setsid:                     true,
	}
}
