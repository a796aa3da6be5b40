package ipc

// Hello is a sandbox's first word, said from inside the lock-down while no
// byte of a user's has been read. Listener is the number of the seccomp
// listener's descriptor, for pidfd_getfd(2); Landlock the version that was
// applied, 0 for none. What else holds the supervisor reads from /proc.
type Hello struct {
	Listener uint32
	Landlock uint32
}

// Locked says that the supervisor holds the listener.
type Locked struct{}

// Waiting says that the sandbox closed its copy of the listener and reads
// nothing but Load from now on.
type Waiting struct{}

// Load hands over the model. The frame carries the descriptor of a sealed
// region with the files of Files back to back, unless Source has them, then one for each array among
// Args, in order, and last the output region of Output bytes when Output is
// not 0. File 0 is the model itself, the others are modules that it may import.
//
// Args are bound: every call gets them. An array among them that is not the
// whole of its region is granted exactly: the shim, which is still trusted,
// maps no other byte and closes the descriptor.
type Load struct {
	Function  string
	Modules   string // what its import statements may name, with blanks between
	Recursion uint32
	Seed      []byte // 32 bytes for the random generators
	Seeded    bool   // the user chose the seed: os.urandom repeats too
	Threads   uint32 // for BLAS and OpenMP, fitted to the CPU limit
	Env       []string
	Files     []File
	Args      []Arg
	Regions   []Region // of the arrays among Args, in order
	Output    uint64
	Functions []string // of the host, that the model may call
	Exchange  uint64   // bytes of the region for their arrays, which comes last; 0 for none

	// Source are the files themselves where they are short: no region comes with
	// the frame then.
	Source []byte
	// Mapped says that the output region is the one that came with Fork.
	Mapped bool
}

// Region names the region of one array. The sandbox keeps it mapped under ID
// until it is told to forget it, so its descriptor is passed once.
type Region struct {
	ID     uint64
	Size   uint64
	Passed bool // the frame carries its descriptor
}

// File is one source file inside Load's region. Module is its dotted import
// name, empty for the model itself; Path is what tracebacks show.
type File struct {
	Module  string
	Path    string
	Package bool
	Offset  uint64
	Size    uint64
}

// Loaded says that the model's own statements ran and its function exists.
type Loaded struct{}

// Call asks for one result. The frame carries a descriptor for each region
// that is passed, in order.
type Call struct {
	Args    []Arg
	Regions []Region // of the arrays among Args, in order
	Forget  []uint64 // regions that will not be named again
	Out     []Arg    // arrays for the model to write, at their places in the output region
}

// Output has the results of later calls go to another region, of Size bytes,
// which comes with the frame. Once says that it is for the next call only, and
// that the sandbox gives it up before it tells the result: so it can be sealed.
type Output struct {
	Size uint64
	Once bool
}

// Arg is one named argument or result.
type Arg struct {
	Name  string
	Value Value
}

// Result carries what the model returned, in order, with the names that its
// results have in the report. Arrays and long text lie in the output region.
type Result struct{ Values []Arg }

// Cause says what an Exception is about.
type Cause uint8

// The causes. All but CauseRaised are the shim's own findings; every one is
// the model's word only.
const (
	CauseRaised        Cause = 1 // the model raised, Type names the class
	CauseSyntax        Cause = 2 // the source does not compile
	CauseNoFunction    Cause = 3 // no callable of the wanted name
	CauseInput         Cause = 4 // an unknown or a missing input name
	CauseInvalidResult Cause = 5 // a result that cannot cross
	CauseOutput        Cause = 6 // results larger than the output region
	CauseMemory        Cause = 7 // the model raised a MemoryError
	CauseRecursion     Cause = 8 // the model raised a RecursionError
)

// Exception ends a Load or a Call without a result.
type Exception struct {
	Cause     Cause
	Class     string // class name, for CauseRaised and CauseSyntax
	Message   string
	Traceback string // the model's frames only
	File      string
	Line      uint32
}

// Ask is the courteous door: the shim names an operation before it would
// fail less clearly at the kernel's. Kind is a syscallpolicy.Kind by name.
type Ask struct {
	Kind   string
	Target string
}

// Answer is the supervisor's decision on the Ask with the same sequence
// number. Text is for the error that the model sees.
type Answer struct {
	Allow bool
	Text  string
}

// Invoke has a function of the host called, on the socket for questions.
// Arguments without a name of the model's are _0, _1 and so on. Arrays and long
// text lie in the exchange region, where the supervisor copies them from before
// it looks.
type Invoke struct {
	Function string
	Args     []Arg
}

// Returned answers the Invoke with the same sequence number. An array lies in
// the exchange region, for the sandbox to copy. Failed says that Text is why
// there is no value.
type Returned struct {
	Failed bool
	Text   string
	Value  Value
}

func (*Invoke) Type() Type   { return TypeInvoke }
func (*Returned) Type() Type { return TypeReturned }
func (*Output) Type() Type   { return TypeOutput }

func (m *Invoke) encode(e *encoder) { e.text(m.Function); encodeArgs(e, m.Args) }
func (m *Invoke) decode(d *decoder) { m.Function, m.Args = d.text(), decodeArgs(d, 0) }

func (m *Output) encode(e *encoder) { e.u64(m.Size); e.bool(m.Once) }
func (m *Output) decode(d *decoder) { m.Size, m.Once = d.u64(), d.bool() }

func (m *Returned) encode(e *encoder) { e.bool(m.Failed); e.text(m.Text); m.Value.encode(e) }
func (m *Returned) decode(d *decoder) {
	m.Failed, m.Text = d.bool(), d.text()
	m.Value.decode(d, 0)
}

func (*Hello) Type() Type     { return TypeHello }
func (*Locked) Type() Type    { return TypeLocked }
func (*Waiting) Type() Type   { return TypeWaiting }
func (*Load) Type() Type      { return TypeLoad }
func (*Loaded) Type() Type    { return TypeLoaded }
func (*Call) Type() Type      { return TypeCall }
func (*Result) Type() Type    { return TypeResult }
func (*Exception) Type() Type { return TypeException }
func (*Ask) Type() Type       { return TypeAsk }
func (*Answer) Type() Type    { return TypeAnswer }

func (m *Hello) encode(e *encoder) { e.u32(m.Listener); e.u32(m.Landlock) }
func (m *Hello) decode(d *decoder) { m.Listener, m.Landlock = d.u32(), d.u32() }

func (*Locked) encode(*encoder)  {}
func (*Locked) decode(*decoder)  {}
func (*Waiting) encode(*encoder) {}
func (*Waiting) decode(*decoder) {}
func (*Loaded) encode(*encoder)  {}
func (*Loaded) decode(*decoder)  {}

func (m *Load) encode(e *encoder) {
	e.text(m.Function)
	e.text(m.Modules)
	e.u32(m.Recursion)
	e.bytes(m.Seed)
	e.bool(m.Seeded)
	e.u32(m.Threads)
	e.texts(m.Env)
	encodeFiles(e, m.Files)
	encodeArgs(e, m.Args)
	encodeRegions(e, m.Regions)
	e.u64(m.Output)
	e.texts(m.Functions)
	e.u64(m.Exchange)
	e.bytes(m.Source)
	e.bool(m.Mapped)
}

func (m *Load) decode(d *decoder) {
	m.Function, m.Modules, m.Recursion = d.text(), d.text(), d.u32()
	m.Seed, m.Seeded, m.Threads, m.Env = d.bytes(), d.bool(), d.u32(), d.texts()
	m.Files = decodeFiles(d)
	m.Args, m.Regions, m.Output = decodeArgs(d, maxNesting), decodeRegions(d), d.u64()
	m.Functions, m.Exchange = d.texts(), d.u64()
	m.Source, m.Mapped = d.bytes(), d.bool()
}

func (m *Call) encode(e *encoder) {
	encodeArgs(e, m.Args)
	encodeRegions(e, m.Regions)
	e.u64s(m.Forget)
	encodeArgs(e, m.Out)
}

func (m *Call) decode(d *decoder) {
	m.Args, m.Regions, m.Forget, m.Out = decodeArgs(d, maxNesting), decodeRegions(d), d.u64s(), decodeArgs(d, 0)
}

func encodeFiles(e *encoder, files []File) {
	e.u32(uint32(len(files)))
	for _, f := range files {
		e.text(f.Module)
		e.text(f.Path)
		e.bool(f.Package)
		e.u64(f.Offset)
		e.u64(f.Size)
	}
}

func decodeFiles(d *decoder) []File {
	var files []File
	for range d.count(25) {
		files = append(files, File{Module: d.text(), Path: d.text(), Package: d.bool(), Offset: d.u64(), Size: d.u64()})
	}
	return files
}

func encodeRegions(e *encoder, regions []Region) {
	e.u32(uint32(len(regions)))
	for _, r := range regions {
		encodeRegion(e, r)
	}
}

func encodeRegion(e *encoder, r Region) { e.u64(r.ID); e.u64(r.Size); e.bool(r.Passed) }

func decodeRegion(d *decoder) Region { return Region{ID: d.u64(), Size: d.u64(), Passed: d.bool()} }

func decodeRegions(d *decoder) []Region {
	var regions []Region
	for range d.count(17) {
		regions = append(regions, decodeRegion(d))
	}
	return regions
}

// A result is flat: its values hold no list and no dict.
func (m *Result) encode(e *encoder) { encodeArgs(e, m.Values) }
func (m *Result) decode(d *decoder) { m.Values = decodeArgs(d, 0) }

func (m *Exception) encode(e *encoder) {
	e.u8(uint8(m.Cause))
	e.text(m.Class)
	e.text(m.Message)
	e.text(m.Traceback)
	e.text(m.File)
	e.u32(m.Line)
}

func (m *Exception) decode(d *decoder) {
	m.Cause = Cause(d.u8())
	if d.err == nil && (m.Cause < CauseRaised || m.Cause > CauseRecursion) {
		d.fail("cause %d", m.Cause)
	}
	m.Class, m.Message, m.Traceback, m.File, m.Line = d.text(), d.text(), d.text(), d.text(), d.u32()
}

func (m *Ask) encode(e *encoder) { e.text(m.Kind); e.text(m.Target) }
func (m *Ask) decode(d *decoder) { m.Kind, m.Target = d.text(), d.text() }

func (m *Answer) encode(e *encoder) { e.bool(m.Allow); e.text(m.Text) }
func (m *Answer) decode(d *decoder) { m.Allow, m.Text = d.bool(), d.text() }

func encodeArgs(e *encoder, args []Arg) {
	e.u32(uint32(len(args)))
	for _, a := range args {
		e.text(a.Name)
		a.Value.encode(e)
	}
}

func decodeArgs(d *decoder, nesting int) []Arg {
	var args []Arg
	for range d.count(5) {
		a := Arg{Name: d.text()}
		a.Value.decode(d, nesting)
		args = append(args, a)
	}
	return args
}
