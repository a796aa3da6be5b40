package broker

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// Caller is the sandbox's thread whose call waits for an answer, and through
// it the sandbox's memory and descriptors. All of it is hostile and changes
// at any time.
type Caller interface {
	// Read and Write copy all of it or give an error.
	Read(address uint64, into []byte) error
	Write(address uint64, data []byte) error
	// Valid reports whether the thread still waits. What was read before
	// counts only if it is true after.
	Valid() bool
	// File gives the file behind a descriptor of the sandbox, which shares
	// its offset and flags. Errors are unix.Errno.
	File(fd int) (Descriptor, error)
	// Inject puts a copy of d into the sandbox's table, under a free number
	// or under fd, whose file it replaces. Both fail with ENOENT when the
	// thread waits no longer, and are the last thing that a call does, so that
	// Inject may send its number as the answer.
	Inject(d Descriptor, closeOnExec bool) (fd int, err error)
	InjectAt(d Descriptor, fd int, closeOnExec bool) error
}

// Decide says what happens to an operation and records it. It may block while
// somebody is asked, but not beyond the sandbox's end, as Close waits for it;
// nor may it call Close. One call may be decided several times: as it was written,
// for each link met with what that names, and for both ends of a rename.
type Decide func(syscallpolicy.Operation) syscallpolicy.Decision

// Options are what one sandbox was granted. Nothing in them is the sandbox's
// own word.
type Options struct {
	Decide Decide // nil refuses everything
	Roots  []Root

	// Files exist nowhere: content by path. They are decided like others, and
	// hide what lies at their path.
	Files map[string]string

	// Scratch is the root of a detached tmpfs, from NewScratch. It appears at
	// ScratchPath, and is the Broker's from New on.
	Scratch *os.File

	// Network is what may be connected to; nil is nothing.
	Network *Network

	// Movable reports whether the policy lets a sandbox do no more at a new path
	// than at an old one, and with tree the same of all that lies below. Where
	// it does not, nothing is moved from the one to the other: the rules go by
	// path, and what they refuse would be moved past them. Nil says never of
	// directories, and lets files move.
	Movable func(old, new string, tree bool) bool

	// Named says what is said of a call by its name, for those that need no
	// decision otherwise: see the package comment. Nil says nothing.
	Named func(syscallpolicy.Operation) (decision syscallpolicy.Decision, ok bool)

	// MaxFile is the size in bytes beyond which no file of the host is made to
	// grow. A sandbox writes through descriptors of its own, which its
	// RLIMIT_FSIZE bounds; set both to the same number.
	MaxFile int64
}

// ScratchPath is where scratch appears: where programs look first.
const ScratchPath = "/tmp"

// Answer is what a call returns to the sandbox.
type Answer struct {
	Value   int64
	Errno   unix.Errno // not 0: the call fails with it
	Gone    bool       // the thread waits no longer: there is nothing to answer
	Refused string     // why something that was allowed was not done; a fixed text
}

// Broker performs the calls of one sandbox. It lives in the supervisor
// (parent). Serve may be called from several goroutines.
type Broker struct {
	decide  Decide
	named   func(syscallpolicy.Operation) (syscallpolicy.Decision, bool)
	files   map[string]string
	movable func(old, new string, tree bool) bool
	network *network
	maxFile int64
	made    atomic.Int64 // names on the host, by this sandbox
	slow    atomic.Int64 // slow calls under way
	procfd  Descriptor   // /proc/self/fd
	roots   atomic.Pointer[[]*root]
	scratch *root
	device  uint64 // scratch's st_dev, which no other file system has
	virtual contents

	expected expected

	// serving is held by every call and, to close, alone.
	serving sync.RWMutex
	closed  bool

	mu        sync.Mutex
	directory string // the sandbox's current one: text, clean
	mask      uint32 // its umask
}

// New opens what was granted.
func New(opts Options) (*Broker, error) {
	b := &Broker{
		decide: opts.Decide, named: opts.Named, files: opts.Files, movable: opts.Movable, maxFile: opts.MaxFile,
		procfd: none, directory: "/", mask: 0o077,
	}
	b.roots.Store(&[]*root{})
	if b.decide == nil {
		b.decide = func(syscallpolicy.Operation) syscallpolicy.Decision { return syscallpolicy.Decision{} }
	}
	if err := b.openGrants(opts); err != nil {
		b.Close()
		if opts.Scratch != nil {
			opts.Scratch.Close()
		}
		return nil, err
	}
	return b, nil
}

func (b *Broker) openGrants(opts Options) error {
	fd, err := unix.Open("/proc/self/fd", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open /proc/self/fd: %w", err)
	}
	b.procfd = Descriptor(fd)
	if opts.Scratch != nil {
		if err := b.takeScratch(opts.Scratch); err != nil {
			return err
		}
	}
	for _, r := range opts.Roots {
		if err := b.Grant(r); err != nil {
			return err
		}
	}
	if opts.Network != nil {
		if err := b.takeNetwork(*opts.Network); err != nil {
			return err
		}
	}
	for path := range b.files {
		if clean := lexically(nil, "/", []byte(path)); string(clean.path) != path || strings.IndexByte(path, 0) >= 0 {
			return fmt.Errorf("virtual file %q: not an absolute path without empty and dotted names", path)
		}
	}
	return nil
}

// takeNetwork adds the files in which the C library finds the granted names,
// unless the host gave its own.
func (b *Broker) takeNetwork(granted Network) (err error) {
	if b.network, err = newNetwork(granted); err != nil {
		return err
	}
	files := b.network.files()
	maps.Copy(files, b.files)
	b.files = files
	return nil
}

// takeScratch makes the detached tmpfs the sandbox's /tmp, and its first
// directory.
func (b *Broker) takeScratch(f *os.File) error {
	defer f.Close()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("take scratch: %w", err)
	}
	o := &root{path: ScratchPath, dir: Descriptor(fd), write: true, own: true}
	var s unix.Stat_t
	if errno := o.dir.stat(&s); errno != 0 {
		o.dir.Close()
		return fmt.Errorf("fstat of scratch: %w", errno)
	}
	if s.Mode&unix.S_IFMT != unix.S_IFDIR {
		o.dir.Close()
		return errors.New("scratch is not a directory")
	}
	b.scratch, b.device, b.directory = o, s.Dev, ScratchPath
	return b.addRoot(o)
}

// Close gives up every grant, breaks off connections that are being made, and
// waits for calls being served; later ones are answered with Gone. What the
// sandbox holds stays open.
func (b *Broker) Close() error {
	if b.network != nil {
		b.network.stop()
	}
	b.serving.Lock()
	defer b.serving.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	for _, o := range *b.roots.Load() {
		o.dir.Close()
	}
	b.roots.Store(&[]*root{})
	b.virtual.close()
	b.procfd.Close()
	return nil
}
