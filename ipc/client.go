package ipc

// A client speaks with a supervisor over one socket for launches, and over one
// more for each model that it launched: what concerns a model comes on the
// model's own, so that threads of a client need no go-between.

// Open is a client's first word on its socket. Client is for the log.
type Open struct{ Client string }

// Opened is the answer: Version is Hotcell's, PID the supervisor's.
type Opened struct {
	Version string
	PID     uint32
}

// Launch asks for a model. The frame carries the supervisor's end of the
// model's socket, a sealed region with the files of Files back to back, the
// write ends of two pipes for what the model prints if Follow is set, and then
// one descriptor for each region that is passed. All answers come on the
// model's socket: Launched, or Failure and then Report.
type Launch struct {
	Function    string
	Interpreter string   // as --interpreter has it, empty for the default
	Options     []string // of the command line, without dashes: "memory=256M", "module=scipy"
	Env         []string
	Seed        uint64
	Seeded      bool
	Files       []File
	Args        []Arg // bound: every call gets them
	Regions     []Region
	Follow      bool
	Ask         bool     // questions go to the client
	Functions   []string // host functions that the model may call
}

// Launched says that the model may be called.
type Launched struct{}

// Request asks for one call, as Call does of a sandbox. The client's regions
// have numbers of its own choice. Release are regions of earlier replies whose
// memory may be used again. Timeout is in nanoseconds, 0 for the model's.
type Request struct {
	Args    []Arg
	Regions []Region
	Forget  []uint64
	Out     []Arg // offsets are not looked at
	Release []uint64
	Timeout uint64
	Results uint8 // how its arrays become the client's: 0 copied, 1 sealed, 2 live
}

const maxDelivery = 2

// Reply is what a call returned. Arrays lie in Region, which nobody writes
// until it is released; its descriptor comes with the frame if it is passed.
// With no array and no long text its number is 0.
type Reply struct {
	Values []Arg
	Region Region
	Forget []uint64 // regions that no later reply names
}

// Failure is a call, or a launch, without a result. If Ended is set, the model
// has ended.
type Failure struct {
	Verdict   string
	Source    string
	Reason    string
	Class     string
	Message   string
	Traceback string
	File      string
	Line      uint32
	Ended     bool
}

// Question asks the client to decide an operation: the model stands still
// until it does. It comes while a launch or a call waits.
type Question struct {
	Kind    string
	Target  string
	Write   bool
	Syscall string
}

// Decision answers a Question. Effect is allow, deny, kill or virtual, for
// which Content is what the file holds; Errno of deny, 0 for the usual one.
type Decision struct {
	Effect  string
	Errno   uint32
	Content []byte
	Always  bool
}

// Delegate asks the client to run one of its functions, which the model called
// and waits for. Arrays and long text lie in a sealed region of Size bytes,
// whose descriptor comes with the frame unless Size is 0. It comes while a
// launch or a call waits.
type Delegate struct {
	Function string
	Args     []Arg
	Size     uint64
}

// Delivered answers a Delegate. An array or a span lies at the beginning of a
// sealed region of Size bytes, as there. Why a function failed the model does not
// learn, and so the supervisor neither.
type Delivered struct {
	Failed bool
	Value  Value
	Size   uint64
}

// Inquire asks for figures while the model lives.
type Inquire struct{}

// Figures are what Inquire and Close ask for: a report as JSON, in the region
// whose descriptor comes with the frame.
type Figures struct{ Size uint64 }

// Cancel ends the model, whatever it is doing.
type Cancel struct{}

// Close ends the model; Figures and the end of the conversation follow.
type Close struct{}

func (*Open) Type() Type     { return TypeOpen }
func (*Opened) Type() Type   { return TypeOpened }
func (*Launch) Type() Type   { return TypeLaunch }
func (*Launched) Type() Type { return TypeLaunched }
func (*Request) Type() Type  { return TypeRequest }
func (*Reply) Type() Type    { return TypeReply }
func (*Failure) Type() Type  { return TypeFailure }
func (*Question) Type() Type { return TypeQuestion }
func (*Decision) Type() Type { return TypeDecision }
func (*Delegate) Type() Type { return TypeDelegate }
func (*Inquire) Type() Type  { return TypeInquire }
func (*Figures) Type() Type  { return TypeFigures }
func (*Cancel) Type() Type   { return TypeCancel }
func (*Close) Type() Type    { return TypeClose }

func (*Delivered) Type() Type { return TypeDelivered }

func (m *Open) encode(e *encoder)   { e.text(m.Client) }
func (m *Open) decode(d *decoder)   { m.Client = d.text() }
func (m *Opened) encode(e *encoder) { e.text(m.Version); e.u32(m.PID) }
func (m *Opened) decode(d *decoder) { m.Version, m.PID = d.text(), d.u32() }

func (m *Launch) encode(e *encoder) {
	e.text(m.Function)
	e.text(m.Interpreter)
	e.texts(m.Options)
	e.texts(m.Env)
	e.u64(m.Seed)
	e.bool(m.Seeded)
	encodeFiles(e, m.Files)
	encodeArgs(e, m.Args)
	encodeRegions(e, m.Regions)
	e.bool(m.Follow)
	e.bool(m.Ask)
	e.texts(m.Functions)
}

func (m *Launch) decode(d *decoder) {
	m.Function, m.Interpreter, m.Options, m.Env = d.text(), d.text(), d.texts(), d.texts()
	m.Seed, m.Seeded, m.Files = d.u64(), d.bool(), decodeFiles(d)
	m.Args, m.Regions = decodeArgs(d, maxNesting), decodeRegions(d)
	m.Follow, m.Ask, m.Functions = d.bool(), d.bool(), d.texts()
}

func (*Launched) encode(*encoder) {}
func (*Launched) decode(*decoder) {}
func (*Inquire) encode(*encoder)  {}
func (*Inquire) decode(*decoder)  {}
func (*Cancel) encode(*encoder)   {}
func (*Cancel) decode(*decoder)   {}
func (*Close) encode(*encoder)    {}
func (*Close) decode(*decoder)    {}

func (m *Request) encode(e *encoder) {
	encodeArgs(e, m.Args)
	encodeRegions(e, m.Regions)
	e.u64s(m.Forget)
	encodeArgs(e, m.Out)
	e.u64s(m.Release)
	e.u64(m.Timeout)
	e.u8(m.Results)
}

func (m *Request) decode(d *decoder) {
	m.Args, m.Regions, m.Forget = decodeArgs(d, maxNesting), decodeRegions(d), d.u64s()
	m.Out, m.Release, m.Timeout = decodeArgs(d, 0), d.u64s(), d.u64()
	if m.Results = d.u8(); m.Results > maxDelivery {
		d.fail("a delivery of %d", m.Results)
	}
}

func (m *Reply) encode(e *encoder) {
	encodeArgs(e, m.Values)
	encodeRegion(e, m.Region)
	e.u64s(m.Forget)
}
func (m *Reply) decode(d *decoder) {
	m.Values, m.Region, m.Forget = decodeArgs(d, 0), decodeRegion(d), d.u64s()
}

func (m *Failure) encode(e *encoder) {
	for _, s := range []string{m.Verdict, m.Source, m.Reason, m.Class, m.Message, m.Traceback, m.File} {
		e.text(s)
	}
	e.u32(m.Line)
	e.bool(m.Ended)
}

func (m *Failure) decode(d *decoder) {
	for _, s := range []*string{&m.Verdict, &m.Source, &m.Reason, &m.Class, &m.Message, &m.Traceback, &m.File} {
		*s = d.text()
	}
	m.Line, m.Ended = d.u32(), d.bool()
}

func (m *Question) encode(e *encoder) {
	e.text(m.Kind)
	e.text(m.Target)
	e.bool(m.Write)
	e.text(m.Syscall)
}

func (m *Question) decode(d *decoder) {
	m.Kind, m.Target, m.Write, m.Syscall = d.text(), d.text(), d.bool(), d.text()
}

func (m *Decision) encode(e *encoder) {
	e.text(m.Effect)
	e.u32(m.Errno)
	e.bytes(m.Content)
	e.bool(m.Always)
}

func (m *Decision) decode(d *decoder) {
	m.Effect, m.Errno, m.Content, m.Always = d.text(), d.u32(), d.bytes(), d.bool()
}

func (m *Delegate) encode(e *encoder) { e.text(m.Function); encodeArgs(e, m.Args); e.u64(m.Size) }
func (m *Delegate) decode(d *decoder) {
	m.Function, m.Args, m.Size = d.text(), decodeArgs(d, 0), d.u64()
}

func (m *Delivered) encode(e *encoder) { e.bool(m.Failed); m.Value.encode(e); e.u64(m.Size) }
func (m *Delivered) decode(d *decoder) {
	m.Failed = d.bool()
	m.Value.decode(d, 0)
	m.Size = d.u64()
}

func (m *Figures) encode(e *encoder) { e.u64(m.Size) }
func (m *Figures) decode(d *decoder) { m.Size = d.u64() }
