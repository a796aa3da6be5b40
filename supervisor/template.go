package supervisor

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"hotcell/child"
	"hotcell/ipc"
	"hotcell/shm"
	"hotcell/supervisor/cgroup"
	"hotcell/vm"
)

// template is the supervisor's side of one template: the child process that
// became an interpreter and forks sandboxes. It owns the process, its
// conversation and its control group.
type template struct {
	interpreter vm.Interpreter
	identity    identity
	cmd         *exec.Cmd
	conn        *ipc.Conn
	group       group
	shared      bool // many models' sandboxes are forked
	diagnostics *tail

	ready chan struct{} // closed with boot set
	boot  ipc.Ready
	setup chan struct{} // closed with stage set
	stage error         // the child's failing step
	dead  chan struct{} // closed with err set, when the process was reaped
	err   error

	mu    sync.Mutex
	token uint64
	forks map[uint64]*fork // from Fork to Exited
}

// fork is one sandbox as the template knows it.
type fork struct {
	forked chan forkAnswer // one answer
	exited chan struct{}   // closed with status set
	status uint32
}

type forkAnswer struct {
	pidfd *os.File
	err   error
}

// templateConfig says what a template is made of.
type templateConfig struct {
	interpreter vm.Interpreter
	shim        []byte
	modules     []string
	identity    identity
	group       group
	shared      bool
}

// startTemplate starts the child and sends it on its way. It does not wait
// for the imports: Fork may be sent at once.
func startTemplate(config templateConfig) (*template, error) {
	conn, peer, err := ipc.Pair()
	if err != nil {
		return nil, err
	}
	defer peer.Close()
	t := &template{
		interpreter: config.interpreter, identity: config.identity, conn: conn, group: config.group,
		shared: config.shared, diagnostics: newTail(8 << 10),
		ready: make(chan struct{}), setup: make(chan struct{}), dead: make(chan struct{}), forks: map[uint64]*fork{},
	}
	if err := t.start(config, peer); err != nil {
		conn.Close()
		return nil, err
	}
	go t.receive()
	boot := &ipc.Boot{Path: config.interpreter.Path, Modules: config.modules, Shared: config.shared}
	if err := conn.Send(boot, 0); err != nil {
		t.kill()
		return nil, errors.Join(err, t.failure())
	}
	return t, nil
}

// start clones the child and instructs it.
func (t *template) start(config templateConfig, control *os.File) error {
	shim, err := shimFile(config.shim)
	if err != nil {
		return err
	}
	defer shim.Close()
	instructionsR, instructionsW, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make instructions pipe: %w", err)
	}
	defer instructionsR.Close()
	statusR, statusW, err := os.Pipe()
	if err != nil {
		instructionsW.Close()
		return fmt.Errorf("make status pipe: %w", err)
	}
	defer statusW.Close()
	born, err := t.clone(config, []*os.File{control, shim, instructionsR, statusW})
	if err != nil {
		instructionsW.Close()
		statusR.Close()
		return startError(err)
	}
	go t.wait(statusR)
	if err := t.instruct(config, instructionsW, born); err != nil {
		t.kill()
		return errors.Join(err, t.failure())
	}
	return nil
}

// clone starts the child: born in its group where that is possible, as moving
// it costs the kernel up to ten milliseconds.
func (t *template) clone(config templateConfig, files []*os.File) (born bool, err error) {
	command := func() *exec.Cmd {
		return &exec.Cmd{
			Path: "/proc/self/exe", Args: []string{child.Name}, Env: []string{},
			ExtraFiles:  files,
			Stdout:      t.diagnostics,
			Stderr:      t.diagnostics,
			SysProcAttr: config.identity.attributes(),
			// The pipe's other end may stay open in a process that is about
			// to die; nobody waits for it longer than that.
			WaitDelay: time.Second,
		}
	}
	t.cmd = command()
	err = config.group.Spawn(t.cmd.SysProcAttr, t.cmd.Start)
	if !errors.Is(err, os.ErrPermission) {
		return true, err
	}
	// A command that did not start cannot be started again.
	t.cmd = command()
	return false, startProcess(t.cmd)
}

// instruct lets the child take its steps, and become the interpreter once it
// is in its group.
func (t *template) instruct(config templateConfig, w *os.File, born bool) error {
	defer w.Close()
	if err := instructions(config).Write(w); err != nil {
		return err
	}
	if !born {
		if err := config.group.Add(t.cmd.Process.Pid); err != nil {
			return err
		}
	}
	return child.Admit(w)
}

// startError explains a clone that the kernel refused.
func startError(err error) error {
	return &child.StageError{Stage: "namespaces", Errno: errnoOf(err), Text: fmt.Sprintf("start child: %v", err)}
}

func instructions(config templateConfig) child.Instructions {
	argv, env := config.interpreter.Command()
	i := child.Instructions{
		Executable: config.interpreter.Executable, Args: argv, Env: env,
		Mounts: config.interpreter.Mounts, DropGroups: config.identity.dropGroups, Limits: processLimits(),
	}
	for _, link := range config.interpreter.Links {
		i.Links = append(i.Links, child.Link{Path: link.Path, Target: link.Target})
	}
	return i
}

func shimFile(code []byte) (*os.File, error) {
	region, err := shm.Frozen("shim", code)
	if err != nil {
		return nil, err
	}
	defer region.Close()
	return region.ReadOnly()
}

// wait reaps the child. Its death ends everything that it forked: it is the
// init of their PID namespace.
func (t *template) wait(status *os.File) {
	t.stage = child.ReadStatus(status)
	status.Close()
	close(t.setup)
	err := t.cmd.Wait()
	t.err = fmt.Errorf("template ended: %v", exitText(err))
	t.conn.Close()
	close(t.dead)
}

func exitText(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// receive serves the template's conversation until it ends.
func (t *template) receive() {
	for {
		m, _, files, err := t.conn.Receive(1)
		if err != nil {
			t.abandon(err)
			return
		}
		if _, ok := m.(*ipc.Forked); !ok {
			// No other message brings a descriptor that somebody would close.
			closeFiles(files)
		}
		switch m := m.(type) {
		case *ipc.Ready:
			if t.imported() {
				t.abandon(errors.New("template was ready twice"))
				return
			}
			t.boot = *m
			close(t.ready)
			if !t.shared {
				// A fork follows, and its sandbox is moved to a group.
				go cgroup.Prime()
			}
		case *ipc.Forked:
			if len(files) != 1 {
				t.abandon(errors.New("template sent no pidfd"))
				return
			}
			t.answer(m.Token, forkAnswer{pidfd: files[0]})
		case *ipc.Failed:
			t.answer(m.Token, forkAnswer{err: &child.StageError{Stage: m.Stage, Errno: int(m.Errno), Text: m.Text}})
		case *ipc.Exited:
			t.exit(m)
		default:
			t.abandon(fmt.Errorf("template sent %v", m.Type()))
			return
		}
	}
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

func (t *template) answer(token uint64, answer forkAnswer) {
	t.mu.Lock()
	f := t.forks[token]
	t.mu.Unlock()
	if f == nil {
		if answer.pidfd != nil {
			answer.pidfd.Close()
		}
		return
	}
	f.forked <- answer
}

func (t *template) exit(m *ipc.Exited) {
	t.mu.Lock()
	f := t.forks[m.Token]
	delete(t.forks, m.Token)
	t.mu.Unlock()
	if f != nil {
		f.status = m.Status
		close(f.exited)
	}
}

// abandon ends a template that broke off: without its word on exits its
// sandboxes cannot be judged.
func (t *template) abandon(err error) {
	t.kill()
	<-t.dead
	if !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrClosed) {
		t.err = fmt.Errorf("%w (%w)", t.err, err)
	}
}

// fork asks for a sandbox: its control socket and output pipes go over, the
// answer comes by the fork's channel.
func (t *template) fork(m ipc.Fork, files ...*os.File) (*fork, error) {
	f := &fork{forked: make(chan forkAnswer, 1), exited: make(chan struct{})}
	t.mu.Lock()
	t.token++
	m.Token = t.token
	t.forks[m.Token] = f
	t.mu.Unlock()
	if err := t.conn.Send(&m, 0, files...); err != nil {
		return nil, errors.Join(err, t.failure())
	}
	return f, nil
}

// failure says why the template is no more, nil while it lives. A failing
// step of the child outranks what follows from it.
func (t *template) failure() error {
	select {
	case <-t.setup:
		if t.stage != nil {
			return t.stage
		}
	default:
	}
	select {
	case <-t.dead:
	default:
		return nil
	}
	said := strings.TrimSpace(t.diagnostics.String())
	if cause := t.failedImport(said); cause != nil {
		return cause
	}
	if said != "" {
		return fmt.Errorf("%w; it said: %s", t.err, lastLine(said))
	}
	return t.err
}

// imported tells that the template has imported what it could.
func (t *template) imported() bool {
	select {
	case <-t.ready:
		return true
	default:
		return false
	}
}

// importing gives the module that is being imported and what was said since;
// none of those that an interpreter is known to survive is named.
func (t *template) importing(said string) (name, rest string) {
	if t.imported() {
		return "", ""
	}
	const importing = "importing "
	at := strings.LastIndex("\n"+said, "\n"+importing)
	if at < 0 {
		return "", ""
	}
	name, rest, _ = strings.Cut(said[at+len(importing):], "\n")
	return name, rest
}

// failedImport tells a module that took the interpreter with it: the template
// names each that it does not know before it imports it.
func (t *template) failedImport(said string) error {
	name, rest := t.importing(said)
	if name == "" {
		return nil
	}
	how := strings.TrimPrefix(t.err.Error(), "template ended: ")
	if last, _, _ := strings.Cut(strings.TrimSpace(rest), "\n"); last != "" {
		how += "; it said: " + last
	}
	return setupError(UnmetInput, "module %s ended %s while it was imported: %s", name, t.interpreter.Executable, how)
}

// late says what a template does that is not ready in time.
func (t *template) late() error {
	if name, _ := t.importing(t.diagnostics.String()); name != "" {
		return setupError(UnmetInput, "module %s did not end its import by %s within %v", name, t.interpreter.Executable, setupTime)
	}
	if !t.imported() {
		return fmt.Errorf("template was not ready within %v", setupTime)
	}
	return fmt.Errorf("sandbox was not locked down within %v", setupTime)
}

// over tells that the template's process has ended.
func (t *template) over() bool {
	select {
	case <-t.dead:
		return true
	default:
		return false
	}
}

func (t *template) kill() { t.cmd.Process.Kill() }

// close ends the template with all its sandboxes and waits until none is
// left.
func (t *template) close() {
	t.kill()
	<-t.dead
}
