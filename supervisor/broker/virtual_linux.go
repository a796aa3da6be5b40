package broker

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// What is kept of virtual files: opening one again then costs no fresh pages.
const (
	cacheFiles = 64
	cacheBytes = 16 << 20
)

// content is a virtual file's content in sealed memory. Each open of it is a
// file of its own, with its own offset, that can only be read.
type content struct {
	text string
	fd   Descriptor
	kept bool // by contents, which closes it
}

func (c *content) release() {
	if !c.kept {
		c.fd.Close()
	}
}

// contents keeps virtual files by path.
type contents struct {
	mu    sync.Mutex
	files map[string]*content
	bytes int
}

// get gives the content for a path, which may say something else than before.
// What is kept stays open until the Broker is closed, so that a call that
// uses it cannot lose it; when there is no room, the call has its own.
func (c *contents) get(path, text string) (*content, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if have, ok := c.files[path]; ok && have.text == text {
		return have, nil
	}
	fd, err := sealed(text)
	if err != nil {
		return nil, err
	}
	made := &content{text: text, fd: fd}
	if _, taken := c.files[path]; taken || len(c.files) >= cacheFiles || c.bytes+len(text) > cacheBytes {
		return made, nil
	}
	if c.files == nil {
		c.files = map[string]*content{}
	}
	made.kept = true
	c.files[path] = made
	c.bytes += len(text)
	return made, nil
}

func (c *contents) close() {
	for _, have := range c.files {
		have.fd.Close()
	}
	c.files = nil
}

// sealed makes memory with this text that nobody can change.
func sealed(text string) (Descriptor, error) {
	fd, err := unix.MemfdCreate("virtual", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return none, fmt.Errorf("memfd_create: %w", err)
	}
	d := Descriptor(fd)
	if err := d.fill(text); err != nil {
		d.Close()
		return none, err
	}
	return d, nil
}

func (d Descriptor) fill(text string) error {
	for rest := []byte(text); len(rest) > 0; {
		n, err := unix.Write(int(d), rest)
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("write to memory: %w", err)
		}
		rest = rest[max(n, 0):]
	}
	// The mode that fstat shows inside: memory is made executable and
	// writable.
	if err := unix.Fchmod(int(d), 0o444); err != nil {
		return fmt.Errorf("fchmod of memory: %w", err)
	}
	const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	if _, err := unix.FcntlInt(uintptr(d), unix.F_ADD_SEALS, seals); err != nil {
		return fmt.Errorf("seal memory: %w", err)
	}
	return nil
}

// virtual finds the content that stands for a path, by the decision or among
// the virtual files. ok is false when there is none.
func (r *request) virtual(path string, d syscallpolicy.Decision, l lexical, w wish) (o object, ok bool, errno unix.Errno) {
	text := d.Content
	if d.Effect != syscallpolicy.Virtual {
		if text, ok = r.b.files[path]; !ok {
			return object{}, false, 0
		}
	}
	switch {
	case w.mode == aParent:
		return object{}, true, unix.EROFS
	case l.folder:
		return object{}, true, unix.ENOTDIR
	}
	c, err := r.b.virtual.get(path, text)
	if err != nil {
		return object{}, true, unix.ENOMEM
	}
	o = object{fd: c.fd, path: path, virtual: c, stat: &r.stat}
	if errno := c.fd.stat(o.stat); errno != 0 {
		o.close()
		return object{}, true, errno
	}
	return o, true, 0
}

// openVirtual gives a virtual file to read.
func (r *request) openVirtual(f *object, o opening) (Descriptor, unix.Errno) {
	switch {
	case o.exclusive:
		return none, unix.EEXIST
	case o.folder:
		return none, unix.ENOTDIR
	case o.flags&unix.O_ACCMODE != unix.O_RDONLY || o.flags&unix.O_TRUNC != 0:
		return none, unix.EROFS
	}
	return r.b.reopen(f.fd, unix.O_RDONLY)
}
