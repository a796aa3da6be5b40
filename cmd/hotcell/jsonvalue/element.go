package jsonvalue

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"unicode/utf8"

	"hotcell/shm"
)

// element writes the element that data begins with.
type element func(dst, data []byte) []byte

// elementOf looks at a dtype once for all elements.
func elementOf(d shm.DType) element {
	var order binary.ByteOrder = binary.LittleEndian
	if d.BigEndian() {
		order = binary.BigEndian
	}
	size := d.ItemSize()
	switch d.Kind() {
	case shm.Bool:
		return appendBool
	case shm.Int:
		return func(dst, data []byte) []byte { return appendInt(dst, signed(readUint(order, data[:size]), size)) }
	case shm.Uint:
		return func(dst, data []byte) []byte { return appendUint(dst, readUint(order, data[:size])) }
	case shm.Float:
		return floatOf(order, size)
	case shm.Complex:
		return complexOf(order, size)
	case shm.Time:
		multiple, unit := d.Unit()
		return func(dst, data []byte) []byte { return appendTime(dst, int64(order.Uint64(data)), multiple, unit) }
	case shm.Span:
		return func(dst, data []byte) []byte { return appendSpan(dst, int64(order.Uint64(data))) }
	case shm.Bytes:
		return func(dst, data []byte) []byte { return appendBytes(dst, data[:size]) }
	case shm.Text:
		return func(dst, data []byte) []byte { return appendUCS4(dst, order, data[:size]) }
	default:
		return structOf(d)
	}
}

// appendBool takes any byte that is not 0 for true, as numpy does.
func appendBool(dst, data []byte) []byte {
	if data[0] != 0 {
		return append(dst, "true"...)
	}
	return append(dst, "false"...)
}

// readUint reads an integer of 1, 2, 4 or 8 bytes.
func readUint(order binary.ByteOrder, data []byte) uint64 {
	switch len(data) {
	case 1:
		return uint64(data[0])
	case 2:
		return uint64(order.Uint16(data))
	case 4:
		return uint64(order.Uint32(data))
	}
	return order.Uint64(data)
}

// signed extends the sign of an integer of so many bytes.
func signed(v uint64, size int) int64 {
	shift := 64 - 8*size
	return int64(v<<shift) >> shift
}

// readFloat reads a float of 2, 4 or 8 bytes.
func readFloat(order binary.ByteOrder, data []byte) float64 {
	switch len(data) {
	case 2:
		return float16(order.Uint16(data))
	case 4:
		return float64(math.Float32frombits(order.Uint32(data)))
	}
	return math.Float64frombits(order.Uint64(data))
}

func floatOf(order binary.ByteOrder, size int) element {
	return func(dst, data []byte) []byte { return appendFloat(dst, readFloat(order, data[:size]), 8*size) }
}

func complexOf(order binary.ByteOrder, size int) element {
	half := size / 2
	return func(dst, data []byte) []byte {
		return appendComplex(dst, readFloat(order, data[:half]), readFloat(order, data[half:size]), 8*half)
	}
}

func appendBytes(dst, data []byte) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, bytes.TrimRight(data, "\x00"))
	return append(dst, '"')
}

// appendUCS4 writes text of 4 bytes a character. What is no character, half
// of a surrogate pair too, is replaced.
func appendUCS4(dst []byte, order binary.ByteOrder, data []byte) []byte {
	var text []byte
	end := 0 // of the text without the NULs behind it
	for ; len(data) > 0; data = data[4:] {
		c := order.Uint32(data)
		if c > utf8.MaxRune {
			c = utf8.RuneError
		}
		text = utf8.AppendRune(text, rune(c))
		if c != 0 {
			end = len(text)
		}
	}
	return appendText(dst, string(text[:end]))
}

// appendText writes a string. Text that is not UTF-8 is made so.
func appendText(dst []byte, text string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // a report is no web page
	if err := e.Encode(text); err != nil {
		return append(dst, `""`...) // no string is refused
	}
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}

func structOf(d shm.DType) element {
	type member struct {
		name    []byte // with the colon
		offset  int
		shape   []int64
		strides []int64
		element element
	}
	var members []member
	for _, f := range d.Fields() {
		array := shm.Ref{DType: f.DType, Shape: f.Shape}
		members = append(members, member{
			append(appendText(nil, f.Name), ':'), f.Offset, f.Shape, array.Strides(), elementOf(f.DType),
		})
	}
	return func(dst, data []byte) []byte {
		dst = append(dst, '{')
		for i, m := range members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, m.name...)
			dst = appendList(dst, m.shape, m.strides, data[m.offset:], m.element)
		}
		return append(dst, '}')
	}
}
