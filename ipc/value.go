package ipc

import (
	"math/big"

	"hotcell/shm"
)

// ValueKind says which field of a Value holds.
type ValueKind uint8

// The kinds. KindList and KindDict go towards a sandbox only.
const (
	KindNone    ValueKind = 0
	KindBool    ValueKind = 1
	KindInt     ValueKind = 2 // Int, of any size
	KindFloat   ValueKind = 3
	KindComplex ValueKind = 4
	KindText    ValueKind = 5
	KindArray   ValueKind = 6 // Ref, in the region that the frame's descriptors give
	KindSpan    ValueKind = 7 // text too long for a frame: Offset and Size in the output region
	KindList    ValueKind = 8
	KindDict    ValueKind = 9
)

// maxNesting bounds lists and dicts within each other: decoding recurses.
const maxNesting = 16

// maxIntBytes bounds an integer on the wire: 32 KiB are 78,000 digits.
const maxIntBytes = 32 << 10

// Value is one argument or result: exactly one field holds, by Kind. It
// lives in the supervisor and in the shim; it never holds array bytes.
type Value struct {
	Kind         ValueKind
	Bool         bool
	Int          *big.Int
	Float        float64
	Complex      complex128
	Text         string
	Ref          shm.Ref
	Offset, Size uint64
	List         []Value
	Dict         []Arg
}

func (v *Value) encode(e *encoder) {
	e.u8(uint8(v.Kind))
	switch v.Kind {
	case KindBool:
		e.bool(v.Bool)
	case KindInt:
		encodeInt(e, v.Int)
	case KindFloat:
		e.f64(v.Float)
	case KindComplex:
		e.f64(real(v.Complex))
		e.f64(imag(v.Complex))
	case KindText:
		e.text(v.Text)
	case KindArray:
		encodeRef(e, v.Ref)
	case KindSpan:
		e.u64(v.Offset)
		e.u64(v.Size)
	case KindList:
		e.u32(uint32(len(v.List)))
		for i := range v.List {
			v.List[i].encode(e)
		}
	case KindDict:
		encodeArgs(e, v.Dict)
	}
}

func (v *Value) decode(d *decoder, nesting int) {
	v.Kind = ValueKind(d.u8())
	if v.Kind >= KindList && nesting == 0 {
		d.fail("a value of kind %d here", v.Kind)
		return
	}
	switch v.Kind {
	case KindNone:
	case KindBool:
		v.Bool = d.bool()
	case KindInt:
		v.Int = decodeInt(d)
	case KindFloat:
		v.Float = d.f64()
	case KindComplex:
		v.Complex = complex(d.f64(), d.f64())
	case KindText:
		v.Text = d.text()
	case KindArray:
		v.Ref = decodeRef(d)
	case KindSpan:
		v.Offset, v.Size = d.u64(), d.u64()
	case KindList:
		for range d.count(1) {
			var item Value
			item.decode(d, nesting-1)
			v.List = append(v.List, item)
		}
	case KindDict:
		v.Dict = decodeArgs(d, nesting-1)
	default:
		d.fail("a value of kind %d", v.Kind)
	}
}

// An integer is a sign byte and the magnitude, little-endian, without
// leading zeros: one encoding for each number, so none is malleable.
func encodeInt(e *encoder, v *big.Int) {
	if v == nil {
		v = new(big.Int)
	}
	e.bool(v.Sign() < 0)
	e.bytes(reversed(v.Bytes()))
}

func decodeInt(d *decoder) *big.Int {
	negative := d.bool()
	b := d.bytes()
	if len(b) > maxIntBytes || len(b) > 0 && b[len(b)-1] == 0 || negative && len(b) == 0 {
		d.fail("an integer of %d bytes in no normal form", len(b))
	}
	v := new(big.Int).SetBytes(reversed(b))
	if negative {
		v.Neg(v)
	}
	return v
}

func reversed(b []byte) []byte {
	r := make([]byte, len(b))
	for i, c := range b {
		r[len(b)-1-i] = c
	}
	return r
}

func encodeRef(e *encoder, r shm.Ref) {
	e.text(r.DType.Descr())
	e.bool(r.Fortran)
	e.i64(r.Offset)
	e.u32(uint32(len(r.Shape)))
	for _, n := range r.Shape {
		e.i64(n)
	}
}

// decodeRef reads a reference but does not judge it: only shm.Check knows
// the region that it must lie in.
func decodeRef(d *decoder) shm.Ref {
	descr := d.text()
	r := shm.Ref{Fortran: d.bool(), Offset: d.i64()}
	for range d.count(8) {
		r.Shape = append(r.Shape, d.i64())
	}
	if d.err != nil {
		return shm.Ref{}
	}
	var err error
	if r.DType, err = shm.ParseDType(descr); err != nil {
		d.fail("%v", err)
	} else if r.DType.Descr() != descr {
		d.fail("dtype %q is not in its normal form", descr)
	}
	return r
}
