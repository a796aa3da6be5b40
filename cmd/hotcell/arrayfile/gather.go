package arrayfile

import (
	"fmt"
	"io"
)

// gatherer copies a selection that is not one run of bytes, in windows: one
// read for many elements, then a strided copy. It reads at ascending offsets
// only, so that src may be a decompressor.
type gatherer struct {
	src    io.ReaderAt
	dst    []byte // the selection, in the array's own order
	plan   plan
	window []byte
}

const windowSize = 1 << 20

// gather reads the selection p of the array that begins at offset base.
// len(dst) is p.size.
func gather(dst []byte, src io.ReaderAt, base int64, p plan, window int) error {
	if p.size == 0 {
		return nil
	}
	g := gatherer{src: src, dst: dst, plan: p}
	if len(p.axes) > 0 {
		g.window = make([]byte, window)
	}
	return g.fetch(0, base, 0)
}

// fetch gathers what lies below axis k at the given places in src and dst.
func (g *gatherer) fetch(k int, src, dst int64) error {
	if k == len(g.plan.axes) {
		return readFull(g.src, g.dst[dst:dst+g.plan.item], src)
	}
	a := g.plan.axes[k]
	src += a.low * a.stride
	apart := a.stride
	if a.count > 1 {
		apart *= a.step
	}
	per := min(int64(len(g.window))/apart, a.count)
	if per <= 1 {
		for j := range a.count {
			if err := g.fetch(k+1, src+j*apart, dst+a.place(j)); err != nil {
				return err
			}
		}
		return nil
	}
	for first := int64(0); first < a.count; first += per {
		n := min(per, a.count-first)
		// The last index taken needs its own stride, not the whole step,
		// which may lie beyond the end of the file.
		span := g.window[:(n-1)*apart+a.stride]
		if err := readFull(g.src, span, src+first*apart); err != nil {
			return err
		}
		for j := range n {
			g.scatter(k+1, span[j*apart:], dst+a.place(first+j))
		}
	}
	return nil
}

// scatter copies from a window that holds all below axis k.
func (g *gatherer) scatter(k int, from []byte, dst int64) {
	if k == len(g.plan.axes) {
		copy(g.dst[dst:dst+g.plan.item], from)
		return
	}
	a := g.plan.axes[k]
	from = from[a.low*a.stride:]
	for j := range a.count {
		g.scatter(k+1, from[j*a.stride*a.step:], dst+a.place(j))
	}
}

// place is where the j-th index in file order goes, in bytes.
func (a planAxis) place(j int64) int64 {
	if a.reverse {
		j = a.count - 1 - j
	}
	return j * a.out
}

func readFull(src io.ReaderAt, p []byte, off int64) error {
	n, err := src.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == io.EOF {
		return fmt.Errorf("truncated: %d bytes are missing at offset %d", len(p)-n, off+int64(n))
	}
	return fmt.Errorf("read at offset %d: %w", off, err)
}

// forward lets a decompressor be read at ascending offsets.
type forward struct {
	r   io.Reader
	pos int64
}

// ReadAt skips to off, which must not lie before what was read already.
func (f *forward) ReadAt(p []byte, off int64) (int, error) {
	if off < f.pos {
		return 0, fmt.Errorf("bug: read at %d after %d", off, f.pos)
	}
	skipped, err := io.CopyN(io.Discard, f.r, off-f.pos)
	f.pos += skipped
	if err != nil {
		return 0, err
	}
	n, err := io.ReadFull(f.r, p)
	f.pos += int64(n)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return n, err
}
