package supervisor

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
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

// A template that says twice that it is ready is broken, and the supervisor is
// not.
func TestTemplateReadyTwice(t *testing.T) {
	conn, peer, err := ipc.Pair()
	if err != nil {
		t.Fatal(err)
	}
	other := ipc.NewConn(peer)
	defer other.Close()
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	template := &template{cmd: cmd, conn: conn, diagnostics: newTail(8 << 10), ready: make(chan struct{}), setup: make(chan struct{}),
		dead: make(chan struct{}), forks: map[uint64]*fork{}}
	go func() {
		template.err = cmd.Wait()
		close(template.dead)
	}()
	for range 2 {
		if err := other.Send(&ipc.Ready{}, 0); err != nil {
			t.Fatal(err)
		}
	}
	template.receive()
	conn.Close()
	if err := template.failure(); err == nil || !strings.Contains(err.Error(), "ready twice") {
		t.Errorf("failure = %v; want that it was ready twice", err)
	}
}

// A template that is not ready in time names the module that it imports, if that
// is not one that an interpreter is known to survive.
func TestTemplateLate(t *testing.T) {
	ready := make(chan struct{})
	close(ready)
	for _, test := range []struct {
		name, said string
		ready      chan struct{}
		module     string // "" is no error of the user's
	}{
		{"a module", "importing scipy\nimporting slow\n", nil, "slow"},
		{"one that talks", "importing slow\nworking on it\n", nil, "slow"},
		{"none of those that are named", "", nil, ""},
		{"all imported", "importing slow\n", ready, ""},
	} {
		template := &template{diagnostics: newTail(8 << 10), ready: test.ready}
		io.WriteString(template.diagnostics, test.said)
		err := template.late()
		cause, ok := errors.AsType[*Cause](err)
		if ok != (test.module != "") || ok && (cause.Verdict != SetupError || !strings.Contains(cause.Reason, "module "+test.module+" ")) {
			t.Errorf("%s: late = %v; want module %q", test.name, err, test.module)
		}
	}
}
