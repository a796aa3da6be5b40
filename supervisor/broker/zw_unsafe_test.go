package broker
import ("testing";"time";"unsafe";"golang.org/x/sys/unix";"hotcell/syscallpolicy")
var pollTime,recvTime,serveTime,sendTime time.Duration
// serve answers until no thread is under the filter any more.
func (p *process) serveAs(t testing.TB, b *Broker, c Caller) {
	for {
		s0:=time.Now()
		fds := []unix.PollFd{{Fd: int32(p.listener), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err == unix.EINTR {
			continue
		} else if err != nil {
			t.Errorf("poll: %v", err)
			return
		}
		if fds[0].Revents&unix.POLLIN == 0 {
			return
		}
		pollTime+=time.Since(s0);s0=time.Now()
		var n notification
		if _, err := p.ioctl(ioctlReceive, unsafe.Pointer(&n)); err != nil {
			continue
		}
		p.id = n.id
		recvTime+=time.Since(s0);s0=time.Now()
		a := b.Serve(c, syscallpolicy.Classify(int(n.nr), n.args), n.args, int(n.pid))
		serveTime+=time.Since(s0);s0=time.Now()
		if a.Gone {
			continue
		}
		n.answer.id, n.answer.value, n.answer.err = n.id, a.Value, -int32(a.Errno)
		if _, err := p.ioctl(ioctlSend, unsafe.Pointer(&n.answer)); err != nil && err != unix.ENOENT {
			t.Errorf("answer: %v", err)
		}
		sendTime+=time.Since(s0)
	}
}

