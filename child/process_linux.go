package child

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// credentials becomes the mapped user. The calls are raw ones: those of the
// syscall package would change all threads, and only this one stays.
func credentials(s *state) error {
	if s.DropGroups {
		if _, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0); errno != 0 {
			return fmt.Errorf("setgroups: %w", errno)
		}
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESGID, ID, ID, ID); errno != 0 {
		return fmt.Errorf("setresgid: %w", errno)
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, ID, ID, ID); errno != 0 {
		return fmt.Errorf("setresuid: %w", errno)
	}
	return nil
}

// hostname replaces what the UTS namespace copied from the host.
func hostname(*state) error {
	if err := unix.Sethostname([]byte("hotcell")); err != nil {
		return fmt.Errorf("sethostname: %w", err)
	}
	if err := unix.Setdomainname([]byte("(none)")); err != nil {
		return fmt.Errorf("setdomainname: %w", err)
	}
	return nil
}

// limits lowers to what is asked; a host's own lower hard limit stays.
func limits(s *state) error {
	for _, l := range s.Limits {
		var now unix.Rlimit
		if err := unix.Getrlimit(l.Resource, &now); err != nil {
			return fmt.Errorf("getrlimit %d: %w", l.Resource, err)
		}
		want := unix.Rlimit{Cur: min(l.Soft, now.Max), Max: min(l.Hard, now.Max)}
		if err := unix.Prlimit(0, l.Resource, &want, nil); err != nil {
			return fmt.Errorf("prlimit %d: %w", l.Resource, err)
		}
	}
	return nil
}

// death asks for SIGKILL when the supervisor's thread that started us ends;
// that thread lives as long as the supervisor. It comes after every change
// of credentials, because the kernel forgets it then.
func death(*state) error {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("prctl(PR_SET_PDEATHSIG): %w", err)
	}
	return nil
}

func descriptors(*state) error {
	if err := unix.CloseRange(ShimFD+1, ^uint(0)>>1, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("close_range: %w", err)
	}
	return nil
}

// admission waits for the control group. A pipe that ends without the word
// is a supervisor that died.
func admission(s *state) error {
	var word [1]byte
	if _, err := io.ReadFull(s.pipe, word[:]); err != nil || word[0] != admitted {
		return fmt.Errorf("wait for the control group: %w", errors.Join(err, errNotAdmitted))
	}
	return nil
}

var errNotAdmitted = errors.New("the supervisor did not admit this child")

func become(s *state) error {
	if err := unix.Exec(s.Executable, s.Args, s.Env); err != nil {
		return fmt.Errorf("execute %s: %w", s.Executable, err)
	}
	return nil
}
