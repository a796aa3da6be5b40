package doctor

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// trial is what came of the probe of namespaces: of its start, of its steps,
// and of looking into it.
type trial struct {
	start  error
	steps  answers
	proof  error // reading /proc about it
	taken  error // a descriptor of it
	memory error // its memory
}

// tryTemplate starts a probe where a template would be.
func tryTemplate(ctx context.Context, attributes *syscall.SysProcAttr) trial {
	var t trial
	t.steps, t.start = startProbe(ctx, probeNamespaces, attributes, func(pid int, a answer, done func()) {
		if a.Call == stepReady {
			t.proof, t.taken, t.memory = readProof(pid), takeDescriptor(pid), readSecret(pid, uintptr(a.Value))
		}
		if a.Call == stepReady || a.Errno != 0 {
			done()
		}
	})
	return t
}

// readProof reads what the supervisor reads of a sandbox.
func readProof(pid int) error {
	dir := "/proc/" + strconv.Itoa(pid)
	if _, err := os.ReadFile(dir + "/status"); err != nil {
		return err
	}
	_, err := os.Readlink(dir + "/ns/user")
	return err
}

func takeDescriptor(pid int) error {
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return fmt.Errorf("pidfd_open: %w", err)
	}
	defer unix.Close(pidfd)
	fd, err := unix.PidfdGetfd(pidfd, 1, 0)
	if err != nil {
		return fmt.Errorf("pidfd_getfd: %w", err)
	}
	return unix.Close(fd)
}

// readSecret reads a number out of the probe's memory that only it can have.
// Its copy of this program need not lie at the same address.
func readSecret(pid int, address uintptr) error {
	var got [8]byte
	local := []unix.Iovec{{Base: &got[0], Len: uint64(len(got))}}
	remote := []unix.RemoteIovec{{Base: address, Len: len(got)}}
	n, err := unix.ProcessVMReadv(pid, local, remote, 0)
	if err != nil {
		return fmt.Errorf("process_vm_readv: %w", err)
	}
	if n != len(got) || binary.NativeEndian.Uint64(got[:]) != secret {
		return errors.New("process_vm_readv: other bytes than expected")
	}
	return nil
}
