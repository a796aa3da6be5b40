package supervisor

import (
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"hotcell/ipc"
)

// Only Forked brings a descriptor. One that comes with another message is
// closed and not kept for the life of the supervisor.
func TestTemplateClosesStrayDescriptors(t *testing.T) {
	conn, peer, err := ipc.Pair()
	if err != nil {
		t.Fatal(err)
	}
	other := ipc.NewConn(peer)
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	template := &template{cmd: cmd, conn: conn, ready: make(chan struct{}), dead: make(chan struct{}), forks: map[uint64]*fork{}}
	go func() {
		cmd.Wait()
		close(template.dead)
	}()
	received := make(chan struct{})
	go func() {
		template.receive()
		close(received)
	}()
	for _, m := range []ipc.Message{&ipc.Ready{}, &ipc.Failed{Token: 1}, &ipc.Exited{Token: 1}} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Send(m, 0, w); err != nil {
			t.Fatal(err)
		}
		w.Close()
		// The end of the pipe comes when its last writer is closed.
		r.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.ReadAll(r); err != nil {
			t.Errorf("a descriptor that came with %v is left open: %v", m.Type(), err)
		}
		r.Close()
	}
	other.Close()
	<-received
	conn.Close()
}
