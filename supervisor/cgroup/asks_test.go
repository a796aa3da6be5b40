package cgroup

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// asksHelper has one thread wait for the decision on a routed system call,
// which it cannot be woken from (WAIT_KILLABLE_RECV), and gives the answer
// itself when released.
func asksHelper([]string) {
	listener := make(chan int)
	go func() {
		runtime.LockOSThread()
		fd, err := installNotify(unix.SYS_GETPPID)
		if err != nil {
			fmt.Println("no filter:", err)
			os.Exit(0)
		}
		listener <- fd
		parent, _, _ := unix.Syscall(unix.SYS_GETPPID, 0, 0, 0)
		fmt.Println("answer", parent)
	}()
	fd := <-listener
	var ask struct {
		id   uint64
		rest [72]byte
	}
	if err := ioctl(fd, 0xc0502100, unsafe.Pointer(&ask)); err != nil { // SECCOMP_IOCTL_NOTIF_RECV
		fmt.Println("receive:", err)
		return
	}
	ready()
	answer := struct {
		id    uint64
		value int64
		errno int32
		flags uint32
	}{ask.id, 77, 0, 0}
	if err := ioctl(fd, 0xc0182101, unsafe.Pointer(&answer)); err != nil { // SECCOMP_IOCTL_NOTIF_SEND
		fmt.Println("send:", err)
	}
	forever()
}

// installNotify routes one system call of this thread to a descriptor.
func installNotify(call uint32) (int, error) {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: call},
		{Code: unix.BPF_RET, K: unix.SECCOMP_RET_USER_NOTIF},
		{Code: unix.BPF_RET, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, err
	}
	const waitKillableRecv = 1 << 5
	fd, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER|waitKillableRecv, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return 0, errno
	}
	return int(fd), nil
}

func ioctl(fd int, request uintptr, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}

// TestFreezeAsking freezes while a thread waits for a decision. The kernel
// never calls such a group frozen, and the thread must not get on when the
// answer comes.
func TestFreezeAsking(t *testing.T) {
	g := newGroup(t, open(t), "g")
	must(t, g.Set(small))
	p := start(t, "asks", nil)
	must(t, g.Add(p.Process.Pid))
	time.Sleep(10 * time.Millisecond)
	begin := time.Now()
	if err := g.Freeze(tContext); err != nil {
		t.Fatalf("Freeze() = %v; want nil", err)
	}
	t.Logf("Freeze took %v", time.Since(begin))
	f, err := g.freezer()
	must(t, err)
	if frozen, err := f.frozen(); err != nil || frozen {
		t.Errorf("the kernel's word = %v, %v; want that it is not frozen, or this test tests nothing", frozen, err)
	}
	said := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(p.out).ReadString('\n')
		said <- line
	}()
	p.release()
	select {
	case line := <-said:
		t.Errorf("helper said %q while frozen; want nothing", line)
	case <-time.After(50 * time.Millisecond):
	}
	must(t, g.Thaw())
	if line := <-said; line != "answer 77\n" {
		t.Errorf("helper said %q; want the answer 77", line)
	}
}
