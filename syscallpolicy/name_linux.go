package syscallpolicy

import (
	"errors"
	"fmt"
	"sync"

	seccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"
)

// numbers is how many system call numbers are looked up at once; none of a
// supported architecture is as large.
const numbers = 512

// newer are calls that the oldest supported libseccomp does not know yet. The
// kernel numbers them alike on every architecture.
var newer = map[int]string{
	unix.SYS_PROCESS_MRELEASE: "process_mrelease", unix.SYS_FUTEX_WAITV: "futex_waitv",
	unix.SYS_SET_MEMPOLICY_HOME_NODE: "set_mempolicy_home_node", unix.SYS_CACHESTAT: "cachestat",
	unix.SYS_FCHMODAT2: "fchmodat2", unix.SYS_MAP_SHADOW_STACK: "map_shadow_stack",
	unix.SYS_FUTEX_WAKE: "futex_wake", unix.SYS_FUTEX_WAIT: "futex_wait", unix.SYS_FUTEX_REQUEUE: "futex_requeue",
	unix.SYS_STATMOUNT: "statmount", unix.SYS_LISTMOUNT: "listmount",
	unix.SYS_LSM_GET_SELF_ATTR: "lsm_get_self_attr", unix.SYS_LSM_SET_SELF_ATTR: "lsm_set_self_attr",
	unix.SYS_LSM_LIST_MODULES: "lsm_list_modules", unix.SYS_MSEAL: "mseal",
	unix.SYS_SETXATTRAT: "setxattrat", unix.SYS_GETXATTRAT: "getxattrat", unix.SYS_LISTXATTRAT: "listxattrat",
	unix.SYS_REMOVEXATTRAT: "removexattrat", unix.SYS_OPEN_TREE_ATTR: "open_tree_attr",
	unix.SYS_FILE_GETATTR: "file_getattr", unix.SYS_FILE_SETATTR: "file_setattr", unix.SYS_LISTNS: "listns",
	unix.SYS_RSEQ_SLICE_YIELD: "rseq_slice_yield",
}

// errNotHere: the call exists, on other architectures.
var errNotHere = errors.New("not on this architecture")

// number finds the native number of a call. A name that nobody knows is a
// mistake in this package.
func number(name string) (seccomp.ScmpSyscall, error) {
	nr, err := seccomp.GetSyscallFromName(name)
	switch {
	case err == nil && nr < 0:
		// libseccomp's stand-in for a call that this architecture lacks.
		return 0, fmt.Errorf("%s: %w", name, errNotHere)
	case err == nil:
		return nr, nil
	}
	for n, s := range newer {
		if s == name {
			return seccomp.ScmpSyscall(n), nil
		}
	}
	return 0, fmt.Errorf("system call %s: %w", name, err)
}

// table is what is known of each native number. It is made at the first
// refused call and not at start-up, which has no time to spare.
var table = sync.OnceValue(func() *[numbers]Syscall {
	var t [numbers]Syscall
	for nr := range t {
		name := resolve(nr)
		t[nr] = meanings[name]
		t[nr].Name = name
		if t[nr].Kind == KindNone {
			t[nr].Kind = KindSyscall
		}
	}
	return &t
})

func lookup(nr int) Syscall {
	if nr >= 0 && nr < numbers {
		return table()[nr]
	}
	return Syscall{Name: unnamed(nr), Kind: KindSyscall}
}

// Name gives the name of the native system call nr, or "syscall_" and the
// number for one that has none.
func Name(nr int) string { return lookup(nr).Name }

func resolve(nr int) string {
	if name, err := seccomp.ScmpSyscall(nr).GetName(); err == nil {
		return name
	}
	for _, names := range []map[int]string{newer, newerHere} {
		if name, ok := names[nr]; ok {
			return name
		}
	}
	return unnamed(nr)
}

func unnamed(nr int) string { return fmt.Sprintf("syscall_%d", nr) }
