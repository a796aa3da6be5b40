package ipc

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// encoder appends little-endian fields. Text and lists carry a u32 count.
type encoder struct{ b []byte }

func (e *encoder) u8(v uint8)     { e.b = append(e.b, v) }
func (e *encoder) u32(v uint32)   { e.b = binary.LittleEndian.AppendUint32(e.b, v) }
func (e *encoder) u64(v uint64)   { e.b = binary.LittleEndian.AppendUint64(e.b, v) }
func (e *encoder) i64(v int64)    { e.u64(uint64(v)) }
func (e *encoder) f64(v float64)  { e.u64(math.Float64bits(v)) }
func (e *encoder) bytes(v []byte) { e.u32(uint32(len(v))); e.b = append(e.b, v...) }

// text writes UTF-8 whatever it is given: what a user typed need not be.
func (e *encoder) text(v string) {
	v = strings.ToValidUTF8(v, "\ufffd")
	e.u32(uint32(len(v)))
	e.b = append(e.b, v...)
}

func (e *encoder) bool(v bool) {
	if v {
		e.u8(1)
	} else {
		e.u8(0)
	}
}

func (e *encoder) texts(v []string) {
	e.u32(uint32(len(v)))
	for _, s := range v {
		e.text(s)
	}
}

func (e *encoder) u64s(v []uint64) {
	e.u32(uint32(len(v)))
	for _, n := range v {
		e.u64(n)
	}
}

// decoder reads the same fields from hostile bytes. The first error sticks
// and every later read gives zero, so callers check once, by done.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: "+format, append([]any{ErrFrame}, args...)...)
	}
	d.b = nil
}

func (d *decoder) take(n int) []byte {
	if n > len(d.b) {
		d.fail("%d bytes wanted, %d left", n, len(d.b))
		return nil
	}
	v := d.b[:n]
	d.b = d.b[n:]
	return v
}

func (d *decoder) u8() uint8 {
	if v := d.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (d *decoder) u32() uint32 {
	if v := d.take(4); v != nil {
		return binary.LittleEndian.Uint32(v)
	}
	return 0
}

func (d *decoder) u64() uint64 {
	if v := d.take(8); v != nil {
		return binary.LittleEndian.Uint64(v)
	}
	return 0
}

func (d *decoder) i64() int64   { return int64(d.u64()) }
func (d *decoder) f64() float64 { return math.Float64frombits(d.u64()) }

// bool accepts 0 and 1 only: another byte would not re-encode to itself.
func (d *decoder) bool() bool {
	v := d.u8()
	if v > 1 {
		d.fail("a truth value of %d", v)
	}
	return v == 1
}

// count reads a list's length. An element takes at least size bytes, so a
// count that the remaining bytes cannot hold is refused before anything is
// allocated for it.
func (d *decoder) count(size int) int {
	n := d.u32()
	if uint64(n)*uint64(size) > uint64(len(d.b)) {
		d.fail("a count of %d in %d bytes", n, len(d.b))
		return 0
	}
	return int(n)
}

// bytes copies, so that nothing decoded aliases a receive buffer.
func (d *decoder) bytes() []byte {
	return append([]byte(nil), d.take(d.count(1))...)
}

// text wants UTF-8: both sides encode it, so anything else is a forgery.
func (d *decoder) text() string {
	v := d.take(d.count(1))
	if !utf8.Valid(v) {
		d.fail("text that is not UTF-8")
		return ""
	}
	return string(v)
}

func (d *decoder) texts() []string {
	n := d.count(4)
	var v []string
	for range n {
		v = append(v, d.text())
	}
	return v
}

func (d *decoder) u64s() []uint64 {
	var v []uint64
	for range d.count(8) {
		v = append(v, d.u64())
	}
	return v
}

// done reports the first error, or bytes left over.
func (d *decoder) done() error {
	if d.err == nil && len(d.b) > 0 {
		d.fail("%d bytes too many", len(d.b))
	}
	return d.err
}
