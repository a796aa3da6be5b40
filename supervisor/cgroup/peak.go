package cgroup

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// A peakReader knows a group's highest memory use since the last reset, as
// well as the kernel lets it. Group.mu guards it.
type peakReader struct {
	file   *os.File // v2 since 6.12: a reset lasts as long as the open file
	before int64    // v2 before: the kernel's figure at the reset
	stale  bool     // and that there was one
	seen   int64    // v2 before 5.19: the highest seen
}

// read returns the peak and whether it is exact.
func (p *peakReader) read(g *Group, now int64) (int64, bool, error) {
	if g.tree.layout.Kind != V2 {
		data, err := readFile(g.file("memory", "memory.max_usage_in_bytes"))
		n, ok := number(data)
		return n, ok, err
	}
	data, err := p.bytes(g)
	if errors.Is(err, unix.ENOENT) {
		p.seen = max(p.seen, now)
		return p.seen, false, nil
	}
	n, ok := number(data)
	if p.stale && n == p.before {
		return n, false, err // reached before the reset; since then at most this
	}
	return n, ok, err
}

func (p *peakReader) bytes(g *Group) ([]byte, error) {
	if p.file == nil {
		return readFile(g.file("memory", "memory.peak"))
	}
	data := make([]byte, 32)
	n, err := p.file.ReadAt(data, 0)
	if n > 0 {
		err = nil // the end, as the file is short
	}
	return data[:n], err
}

// reset makes the peak start at the present use.
func (p *peakReader) reset(g *Group) error {
	if g.tree.by["memory"] == nil {
		return nil
	}
	if g.tree.layout.Kind != V2 {
		return writeFile(g.file("memory", "memory.max_usage_in_bytes"), "0")
	}
	p.seen = 0
	if p.resetFile(g) {
		return nil
	}
	data, err := readFile(g.file("memory", "memory.peak"))
	p.before, p.stale = number(data)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}

// resetFile reports whether the kernel can reset: before 6.12 the file takes
// no writing.
func (p *peakReader) resetFile(g *Group) bool {
	if p.file == nil {
		path := g.file("memory", "memory.peak")
		fd, err := openat(path, unix.O_RDWR)
		if err != nil {
			return false
		}
		p.file = os.NewFile(uintptr(fd), path)
	}
	if _, err := unix.Write(int(p.file.Fd()), []byte("reset")); err != nil {
		p.close()
		return false
	}
	return true
}

func (p *peakReader) close() {
	if p.file != nil {
		p.file.Close()
		p.file = nil
	}
}
