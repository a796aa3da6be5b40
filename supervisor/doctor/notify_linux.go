package doctor

import (
	"errors"
	"runtime"

	"golang.org/x/sys/unix"
)

// Steps of the probe of notifications.
const (
	stepListener = "listener"
	stepSync     = "sync-wakeup"
	stepReceive  = "receive"
	stepAddFD    = "addfd"
	stepAddSend  = "addfd-send"
	stepRespond  = "respond"
	stepReturn   = "return"
)

// trapped is a call that nothing else in this process makes, and word is the
// answer that it gets.
const (
	trapped = unix.SYS_SCHED_GET_PRIORITY_MAX
	word    = 4242
)

// tryNotification is the probe: one thread makes a call that its filter
// routes, this one answers it.
func tryNotification(t teller) {
	listeners, returned := make(chan int), make(chan error, 1)
	installed := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the thread ends with the goroutine, and its filter with it
		listener, err := filterThread()
		installed <- err
		if err != nil {
			return
		}
		listeners <- listener
		value, _, errno := unix.Syscall(trapped, 0, 0, 0)
		if errno == 0 && value != word {
			errno = unix.EBADMSG
		}
		returned <- errnoError(errno)
	}()
	err := <-installed
	t.tell(stepListener, err)
	if err != nil {
		return
	}
	if answerOne(t, <-listeners) {
		t.tell(stepReturn, <-returned)
	}
}

func errnoError(errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

// filterThread allows everything on this thread but the one call.
func filterThread() (int, error) {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return -1, err
	}
	return installFilter([]unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: trapped, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER)
}

// answerOne receives the notification, injects a descriptor and answers.
func answerOne(t teller, listener int) bool {
	t.tell(stepSync, setFlags(listener, unix.SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP))
	var asked notification
	err := awaitInput(listener)
	if err == nil {
		err = receive(listener, &asked)
	}
	t.tell(stepReceive, err)
	if err != nil {
		return false
	}
	t.tell(stepAddFD, inject(listener, &injection{ID: asked.ID, Source: 0}))
	// Answering by an injection alone came with Linux 5.14. Asked of a
	// notification that is not there, it is refused for that alone.
	err = inject(listener, &injection{ID: ^asked.ID, Flags: unix.SECCOMP_ADDFD_FLAG_SEND})
	if errors.Is(err, unix.ENOENT) {
		err = nil
	}
	t.tell(stepAddSend, err)
	err = respond(listener, &response{ID: asked.ID, Value: word})
	t.tell(stepRespond, err)
	return err == nil
}

func awaitInput(fd int) error {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, int(probeTime.Milliseconds())/2)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return err
		case n == 0:
			return unix.ETIMEDOUT
		default:
			return nil
		}
	}
}
