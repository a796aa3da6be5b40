package doctor

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"hotcell/child"
)

// Steps of the probe of namespaces, named as the stages of children and
// sandboxes in which the same may fail.
const (
	stepNamespaces = "namespaces" // by the supervisor, and again by the template
	stepEmptyRoot  = "empty_root"
	stepReady      = "ready" // to be looked into
)

// trialSteps are the probe's, in the place of a template: what needs rights
// in its namespaces, then giving them up, then a sandbox's namespaces.
var trialSteps = []struct {
	name string
	run  func() error
}{
	{"own", checkOwn},
	{"propagation", func() error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") }},
	{"sources", cloneRoot},
	{"credentials", becomeMapped},
	{"root", replaceRoot},
	{"hostname", func() error { return unix.Sethostname([]byte("hotcell")) }},
	{"privileges", giveUp},
	{stepNamespaces, nestedNamespaces},
	{stepEmptyRoot, nestedMount},
}

// tryNamespaces is the probe, up to its first failure. All steps are taken on
// one thread: rights belong to threads.
func tryNamespaces(t teller) {
	runtime.LockOSThread()
	for _, step := range trialSteps {
		err := step.run()
		t.tell(step.name, err)
		if err != nil {
			return
		}
	}
	t.say(answer{Call: stepReady, Value: int64(addressOfSecret())})
}

// checkOwn ends a probe that somebody started by hand: the next steps would
// change the mounts of the machine. A child is the first process of its PID
// namespace, and one id is mapped in its user namespace.
func checkOwn() error {
	ids, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return err
	}
	if f := strings.Fields(string(ids)); os.Getpid() != 1 || len(f) != 3 || f[0] != strconv.Itoa(child.ID) || f[2] != "1" {
		return fmt.Errorf("not in namespaces of its own: %w", unix.ENOTSUP)
	}
	return nil
}

// cloneRoot clones mounts as a child does those of its interpreter.
func cloneRoot() error {
	tree, err := unix.OpenTree(unix.AT_FDCWD, "/", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return err
	}
	defer unix.Close(tree)
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV}
	return unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr)
}

// replaceRoot leaves this process with an empty root. It has to be gone all
// the way: whose root is covered counts as chrooted, and the kernel gives it
// no user namespace.
func replaceRoot() error {
	tmpfs, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return fmt.Errorf("fsopen: %w", err)
	}
	unix.Close(tmpfs)
	if err := unix.Mount("hotcell", "/", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=4k,nr_inodes=2"); err != nil {
		return fmt.Errorf("mount tmpfs: %w", err)
	}
	if err := unix.Chdir("/.."); err != nil {
		return fmt.Errorf("chdir: %w", err)
	}
	// It asks for rights before it looks at its arguments; with rights, it
	// complains of those.
	if err := unix.MoveMount(-1, "", -1, "", -1); !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("move_mount: %w", err)
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	return unix.Unmount(".", unix.MNT_DETACH)
}

// becomeMapped becomes the one mapped user, by raw calls: those of package
// syscall would change all threads.
func becomeMapped() error {
	if allowed, err := os.ReadFile("/proc/self/setgroups"); err == nil && strings.TrimSpace(string(allowed)) == "allow" {
		if _, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0); errno != 0 {
			return errno
		}
	}
	for _, number := range []uintptr{unix.SYS_SETRESGID, unix.SYS_SETRESUID} {
		if _, _, errno := unix.RawSyscall(number, child.ID, child.ID, child.ID); errno != 0 {
			return errno
		}
	}
	return nil
}

// giveUp leaves this thread without rights, as templates are. A process that
// changed its user may not be looked into until it says so.
func giveUp() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var nothing [2]unix.CapUserData
	return errors.Join(
		unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
		unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0),
		unix.Capset(&header, &nothing[0]),
		unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0),
	)
}

const (
	sandboxNamespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
		unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

	nowhere = "" // is never there to be executed
)

// nestedNamespaces makes a sandbox's namespaces.
func nestedNamespaces() error { return forkInto(sandboxNamespaces &^ unix.CLONE_NEWNS) }

// nestedMount makes them again, and uses a right in them.
func nestedMount() error { return forkInto(sandboxNamespaces) }

// forkInto has package syscall fork a process and unshare its namespaces,
// without any id mapped. With a mount namespace among them, that process
// then changes its mounts. Last it executes a file that is not there: a
// failure of that is success.
func forkInto(flags uintptr) error {
	_, err := syscall.ForkExec(nowhere, []string{"hotcell"}, &syscall.ProcAttr{
		Env: []string{}, Sys: &syscall.SysProcAttr{Unshareflags: flags},
	})
	if err == nil {
		return fmt.Errorf("execute %q: %w", nowhere, unix.EEXIST)
	}
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}
