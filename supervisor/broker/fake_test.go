package broker

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// fake is a sandbox in this process, or one thread of it: a piece of memory
// and a table of descriptors.
type fake struct {
	t testing.TB
	*table
	mu     sync.Mutex
	memory []byte
	used   int
	reads  int
	during func(read int) // called after each Read, as another thread of the sandbox
	gone   bool
}

// table is what the threads of a sandbox share.
type table struct {
	lock  sync.Mutex
	files map[int]Descriptor
	next  int // where Inject looks for a free number
}

// memoryBase is the address of the first byte; below and behind nothing is
// mapped.
const memoryBase = 0x10000

func newFake(t testing.TB) *fake {
	f := &fake{t: t, memory: make([]byte, 64*pageSize), table: &table{files: map[int]Descriptor{}, next: 3}}
	t.Cleanup(f.closeAll)
	return f
}

// thread gives another thread of the same sandbox.
func (f *fake) thread() *fake {
	return &fake{t: f.t, memory: make([]byte, 64*pageSize), table: f.table}
}

func (f *fake) closeAll() {
	for _, d := range f.files {
		d.Close()
	}
	clear(f.files)
}

func (f *fake) at(address uint64, size int) ([]byte, error) {
	if address < memoryBase || address-memoryBase > uint64(len(f.memory)) || size > len(f.memory)-int(address-memoryBase) {
		return nil, unix.EFAULT
	}
	return f.memory[address-memoryBase:][:size], nil
}

func (f *fake) Read(address uint64, into []byte) error {
	f.mu.Lock()
	from, err := f.at(address, len(into))
	copy(into, from)
	f.reads++
	f.mu.Unlock()
	if f.during != nil {
		f.during(f.reads)
	}
	return err
}

func (f *fake) Write(address uint64, data []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	to, err := f.at(address, len(data))
	copy(to, data)
	return err
}

func (f *fake) Valid() bool { return !f.gone }

func (f *fake) File(fd int) (Descriptor, error) {
	f.lock.Lock()
	defer f.lock.Unlock()
	d, ok := f.files[fd]
	if !ok {
		return none, unix.EBADF
	}
	n, err := unix.FcntlInt(uintptr(d), unix.F_DUPFD_CLOEXEC, 0)
	return Descriptor(n), err
}

func (f *fake) Inject(d Descriptor, closeOnExec bool) (int, error) {
	f.lock.Lock()
	defer f.lock.Unlock()
	for f.files[f.next] != 0 {
		f.next++
	}
	return f.next, f.put(d, f.next)
}

func (f *fake) InjectAt(d Descriptor, fd int, closeOnExec bool) error {
	f.lock.Lock()
	defer f.lock.Unlock()
	f.files[fd].Close()
	return f.put(d, fd)
}

func (f *fake) put(d Descriptor, at int) error {
	n, err := unix.FcntlInt(uintptr(d), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		f.files[at] = Descriptor(n)
	}
	return err
}

// close is the sandbox's own close.
func (f *fake) close(fd int) {
	f.lock.Lock()
	defer f.lock.Unlock()
	f.files[fd].Close()
	delete(f.files, fd)
	f.next = min(f.next, fd)
}

// hold puts a file of the test's into the sandbox's table.
func (f *fake) hold(path string, flags int) int {
	f.t.Helper()
	fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
	if err != nil {
		f.t.Fatalf("open %s: %v", path, err)
	}
	defer unix.Close(fd)
	n, err := f.Inject(Descriptor(fd), true)
	if err != nil {
		f.t.Fatal(err)
	}
	return n
}

// store puts bytes into the sandbox's memory, aligned.
func (f *fake) store(data []byte) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := (f.used + 15) &^ 15
	f.used = at + len(data)
	copy(f.memory[at:], data)
	return memoryBase + uint64(at)
}

// call makes a system call of the sandbox: strings and buffers are put into
// its memory, and what is in the buffers' place afterwards is copied back.
func (f *fake) call(b *Broker, nr int, args ...any) (int64, unix.Errno) {
	f.t.Helper()
	a := f.answer(b, nr, args...)
	if a.Gone {
		return 0, unix.ESRCH
	}
	return a.Value, a.Errno
}

func (f *fake) answer(b *Broker, nr int, args ...any) Answer {
	f.t.Helper()
	f.used = 0
	var words [6]uint64
	for i, arg := range args {
		switch arg := arg.(type) {
		case int:
			words[i] = uint64(arg)
		case uint64:
			words[i] = arg
		case string:
			words[i] = f.store([]byte(arg + "\x00"))
		case []byte:
			words[i] = f.store(arg)
		default:
			f.t.Fatalf("argument %d: a %T", i, arg)
		}
	}
	a := b.Serve(f, syscallpolicy.Classify(nr, words), words, 1, time.Now())
	for i, arg := range args {
		if buffer, ok := arg.([]byte); ok {
			if from, err := f.at(words[i], len(buffer)); err == nil {
				copy(buffer, from)
			}
		}
	}
	return a
}

// recorded is a policy of rules by path, first match wins, that keeps what it
// was asked.
type recorded struct {
	mu    sync.Mutex
	rules []rule
	asked []syscallpolicy.Operation
}

type rule struct {
	path   string // all below it too
	kinds  []syscallpolicy.Kind
	effect syscallpolicy.Decision
}

var allow = syscallpolicy.Decision{Effect: syscallpolicy.Allow}

func (p *recorded) decide(o syscallpolicy.Operation) syscallpolicy.Decision {
	p.mu.Lock()
	defer p.mu.Unlock()
	o.Target = strings.Clone(o.Target)
	p.asked = append(p.asked, o)
	for _, r := range p.rules {
		if _, ok := below(o.Target, r.path); ok && (r.kinds == nil || slices.Contains(r.kinds, o.Kind)) {
			return r.effect
		}
	}
	return syscallpolicy.Decision{}
}

// targets gives what was asked since the last time.
func (p *recorded) targets() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []string
	for _, o := range p.asked {
		list = append(list, o.Kind.String()+" "+o.Target)
	}
	p.asked = nil
	return list
}

func newBroker(t testing.TB, opts Options) *Broker {
	t.Helper()
	b, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// grant is a broker with one writable root where everything is allowed.
func grant(t testing.TB, root string) (*Broker, *recorded) {
	t.Helper()
	p := &recorded{rules: []rule{{path: root, effect: allow}}}
	return newBroker(t, Options{Decide: p.decide, Roots: []Root{{Path: root, Write: true}}, MaxFile: 1 << 30,
		Movable: func(string, string, bool) bool { return true }}), p
}
