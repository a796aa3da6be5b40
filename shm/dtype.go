package shm

import (
	"fmt"
	"strings"
)

// The bounds on a dtype that somebody else describes.
const (
	// maxDescr bounds a description's text, in bytes. By default numpy loads
	// no .npy header longer than 10,000, so no real file has a longer one.
	maxDescr = 8 << 10

	maxItemSize = 1 << 20 // bytes of one element
	maxFields   = 512     // of a structure, those of inner ones counted in
	maxNesting  = 8       // of structures within each other
)

// Kind is the family of a dtype, by numpy's letter.
type Kind byte

// The kinds. Python objects are none of them: their bytes are pointers in a
// process, or a pickle, which runs code.
const (
	Bool    Kind = 'b'
	Int     Kind = 'i'
	Uint    Kind = 'u'
	Float   Kind = 'f'
	Complex Kind = 'c'
	Time    Kind = 'M' // datetime64
	Span    Kind = 'm' // timedelta64
	Bytes   Kind = 'S' // of fixed width
	Text    Kind = 'U' // of fixed width, 4 bytes a character
	Struct  Kind = 'V'
)

// DType is the type of an array's elements, an immutable value. Two are ==
// if and only if they have the same description. The zero DType is no type;
// ParseDType is the only way to another one, so every other one is valid.
type DType struct {
	descr string // in its normal form, of which the rest is computed
	size  int32
	kind  Kind
}

// ParseDType reads a description as numpy writes it into .npy files:
//
//	<f8
//	<M8[25s]
//	[('a', '<i4'), ('', '|V4'), ('b', '<f8', (2,))]
//
// The last, a Python list, is a structure, in which a field without a name is
// padding. The text may be hostile. Errors are one printable line.
func ParseDType(descr string) (DType, error) {
	d, err := parse(descr)
	if err != nil {
		return DType{}, fmt.Errorf("dtype %s: %w", shown(descr), err)
	}
	return d, nil
}

func parse(descr string) (DType, error) {
	if len(descr) > maxDescr {
		return DType{}, fmt.Errorf("described in %d bytes; at most %d are allowed", len(descr), maxDescr)
	}
	if !strings.HasPrefix(descr, "[") {
		return parseSimple(descr)
	}
	d, _, err := parseStruct(descr)
	return d, err
}

// Descr is the description in its normal form, the one that numpy writes. It
// is "" for the zero DType.
func (d DType) Descr() string { return d.descr }

// String is Descr.
func (d DType) String() string { return d.descr }

// Kind is 0 for the zero DType.
func (d DType) Kind() Kind { return d.kind }

// ItemSize is the size of an element in bytes, 0 for the zero DType only.
func (d DType) ItemSize() int { return int(d.size) }

// BigEndian tells that numbers and characters begin with their highest byte.
// It is false for a structure, whose fields have orders of their own.
func (d DType) BigEndian() bool { return strings.HasPrefix(d.descr, ">") }

// Unit is what a Time or a Span counts: multiple times unit, as 25 and "s".
// The unit is "" where numpy calls it generic, and for other kinds.
func (d DType) Unit() (multiple int, unit string) {
	if d.kind != Time && d.kind != Span {
		return 1, ""
	}
	multiple, unit, _ = parseUnit(d.descr[len("<M8"):])
	return multiple, unit
}
