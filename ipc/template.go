package ipc

// Boot is the supervisor's first word to a template: what to import before
// it forks. Path is the whole of sys.path, in order. Shared says that many
// sandboxes will be forked, of models that are not known yet: what a launch
// needs first is then done beforehand.
type Boot struct {
	Path    []string
	Modules []string
	Shared  bool
}

// Ready is the template's answer: it has imported what it could. Failed
// lists "module: reason". Threaded names the module after whose import the
// template had more than one native thread, if it still has: a fork keeps only
// one of them.
type Ready struct {
	Version  string
	Numpy    string
	Failed   []string
	Threaded string
}

// Fork asks the template for one sandbox. Token names it in Forked, Failed
// and Exited; Filter is the seccomp program as the kernel takes it, installed
// with WAIT_KILLABLE_RECV where the kernel has it; Grants is the first
// address of the range in which arrays are mapped; Warm has the sandbox touch
// the memory that each launch touches, before it says Hello, and Output is the
// size of an output region that it maps then, 0 for none. The frame carries
// four descriptors: the sandbox's ends of its control socket and of that for
// questions, and the write ends of its stdout and stderr. Behind them comes
// that region, if there is one, and may come the files by which the sandbox
// enters its control group.
type Fork struct {
	Token        uint64
	Filter       []byte
	WaitKillable bool
	Grants       uint64
	Warm         bool
	Output       uint64
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

func (m *Boot) encode(e *encoder) { e.texts(m.Path); e.texts(m.Modules); e.bool(m.Shared) }
func (m *Boot) decode(d *decoder) { m.Path, m.Modules, m.Shared = d.texts(), d.texts(), d.bool() }

func (m *Ready) encode(e *encoder) {
	e.text(m.Version)
	e.text(m.Numpy)
	e.texts(m.Failed)
	e.text(m.Threaded)
}

func (m *Ready) decode(d *decoder) {
	m.Version, m.Numpy = d.text(), d.text()
	m.Failed, m.Threaded = d.texts(), d.text()
}

func (m *Fork) encode(e *encoder) {
	e.u64(m.Token)
	e.bytes(m.Filter)
	e.bool(m.WaitKillable)
	e.u64(m.Grants)
	e.bool(m.Warm)
	e.u64(m.Output)
}

func (m *Fork) decode(d *decoder) {
	m.Token, m.Filter, m.WaitKillable, m.Grants = d.u64(), d.bytes(), d.bool(), d.u64()
	m.Warm, m.Output = d.bool(), d.u64()
}

func (m *Forked) encode(e *encoder) { e.u64(m.Token) }
func (m *Forked) decode(d *decoder) { m.Token = d.u64() }

func (m *Failed) encode(e *encoder) { e.u64(m.Token); e.text(m.Stage); e.u32(m.Errno); e.text(m.Text) }
func (m *Failed) decode(d *decoder) {
	m.Token, m.Stage, m.Errno, m.Text = d.u64(), d.text(), d.u32(), d.text()
}

func (m *Exited) encode(e *encoder) { e.u64(m.Token); e.u32(m.Status) }
func (m *Exited) decode(d *decoder) { m.Token, m.Status = d.u64(), d.u32() }
