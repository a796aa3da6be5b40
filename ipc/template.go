package ipc

// Boot is the supervisor's first word to a template: what to import before
// it forks. Path is the whole of sys.path, in order.
type Boot struct {
	Path    []string
	Modules []string
}

// Ready is the template's answer: it has imported what it could. Failed
// lists "module: reason".
type Ready struct {
	Version string
	Numpy   string
	Failed  []string
}

// Fork asks the template for one sandbox. Token names it in Forked, Failed
// and Exited; Filter is the seccomp program as the kernel takes it, installed
// with WAIT_KILLABLE_RECV where the kernel has it; Grants is the first
// address of the range in which arrays are mapped. The frame carries three
// descriptors: the sandbox's control socket, and the write ends of its stdout
// and stderr.
type Fork struct {
	Token        uint64
	Filter       []byte
	WaitKillable bool
	Grants       uint64
}

// Forked says that the sandbox exists; the frame carries its pidfd.
type Forked struct{ Token uint64 }

// Failed says that the sandbox of Token could not be made: the step that
// failed, with its errno (0 when none). It comes from the template for what
// the intermediate does, and from the sandbox, in place of Hello, for its own
// steps.
type Failed struct {
	Token uint64
	Stage string
	Errno uint32
	Text  string
}

// Exited is the template's word that it reaped the sandbox of Token: the
// wait status as waitpid(2) gives it.
type Exited struct {
	Token  uint64
	Status uint32
}

func (*Boot) Type() Type   { return TypeBoot }
func (*Ready) Type() Type  { return TypeReady }
func (*Fork) Type() Type   { return TypeFork }
func (*Forked) Type() Type { return TypeForked }
func (*Failed) Type() Type { return TypeFailed }
func (*Exited) Type() Type { return TypeExited }

func (m *Boot) encode(e *encoder) { e.texts(m.Path); e.texts(m.Modules) }
func (m *Boot) decode(d *decoder) { m.Path, m.Modules = d.texts(), d.texts() }

func (m *Ready) encode(e *encoder) {
	e.text(m.Version)
	e.text(m.Numpy)
	e.texts(m.Failed)
}

func (m *Ready) decode(d *decoder) {
	m.Version, m.Numpy = d.text(), d.text()
	m.Failed = d.texts()
}

func (m *Fork) encode(e *encoder) {
	e.u64(m.Token)
	e.bytes(m.Filter)
	e.bool(m.WaitKillable)
	e.u64(m.Grants)
}

func (m *Fork) decode(d *decoder) {
	m.Token, m.Filter, m.WaitKillable, m.Grants = d.u64(), d.bytes(), d.bool(), d.u64()
}

func (m *Forked) encode(e *encoder) { e.u64(m.Token) }
func (m *Forked) decode(d *decoder) { m.Token = d.u64() }

func (m *Failed) encode(e *encoder) { e.u64(m.Token); e.text(m.Stage); e.u32(m.Errno); e.text(m.Text) }
func (m *Failed) decode(d *decoder) {
	m.Token, m.Stage, m.Errno, m.Text = d.u64(), d.text(), d.u32(), d.text()
}

func (m *Exited) encode(e *encoder) { e.u64(m.Token); e.u32(m.Status) }
func (m *Exited) decode(d *decoder) { m.Token, m.Status = d.u64(), d.u32() }
