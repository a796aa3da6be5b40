package jsonvalue

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"

	"hotcell/ipc"
	"hotcell/shm"
)

// maxElements is how many elements an array may have to be shown.
const maxElements = 16

// maxText bounds an array's JSON, in bytes: one element of any plain dtype
// fits. A hostile structure within an array of structures repeats its field
// names until 1 MiB of elements has become gigabytes.
const maxText = 4 << 20

// DType is the name of a value's type: numpy's for an array ("float64",
// ">f8", "datetime64[ns]", "<U7"), the description in an .npy header for a
// structure, Python's for the rest.
func DType(v ipc.Value) string {
	switch v.Kind {
	case ipc.KindNone:
		return "none"
	case ipc.KindBool:
		return "bool"
	case ipc.KindInt:
		return "int"
	case ipc.KindFloat:
		return "float"
	case ipc.KindComplex:
		return "complex"
	case ipc.KindText, ipc.KindSpan:
		return "str"
	case ipc.KindArray:
		return arrayDType(v.Ref.DType)
	case ipc.KindList:
		return "list"
	case ipc.KindDict:
		return "dict"
	}
	return ""
}

// names are those that numpy gives to numbers, before their size in bits.
var names = map[shm.Kind]string{shm.Int: "int", shm.Uint: "uint", shm.Float: "float", shm.Complex: "complex"}

// arrayDType is what numpy prints on a little-endian machine.
func arrayDType(d shm.DType) string {
	if d.BigEndian() {
		return d.Descr()
	}
	switch d.Kind() {
	case shm.Bool:
		return "bool"
	case shm.Time:
		return "datetime64" + d.Descr()[len("<M8"):]
	case shm.Span:
		return "timedelta64" + d.Descr()[len("<m8"):]
	}
	if name, ok := names[d.Kind()]; ok {
		return name + strconv.Itoa(8*d.ItemSize())
	}
	return d.Descr()
}

// Encode gives a value's JSON. It is nil, without an error, for an array of
// more than 16 elements, for one whose JSON would be longer than 4 MiB, and
// for what no result holds once its text was read: spans, lists and dicts.
// The elements of an array are read from region at the array's offset.
func Encode(v ipc.Value, region io.ReaderAt) (json.RawMessage, error) {
	switch v.Kind {
	case ipc.KindNone:
		return json.RawMessage("null"), nil
	case ipc.KindBool:
		return strconv.AppendBool(nil, v.Bool), nil
	case ipc.KindInt:
		return appendBig(nil, v.Int), nil
	case ipc.KindFloat:
		return appendFloat(nil, v.Float, 64), nil
	case ipc.KindComplex:
		return appendComplex(nil, real(v.Complex), imag(v.Complex), 64), nil
	case ipc.KindText:
		return appendText(nil, v.Text), nil
	case ipc.KindArray:
		return encodeArray(v.Ref, region)
	}
	return nil, nil
}

func encodeArray(ref shm.Ref, region io.ReaderAt) (json.RawMessage, error) {
	size, err := ref.Bytes()
	if err != nil {
		return nil, err
	}
	if ref.Len() > maxElements {
		return nil, nil
	}
	data, err := read(region, ref.Offset, size)
	if err != nil {
		return nil, err
	}
	text := appendList(nil, ref.Shape, ref.Strides(), data, elementOf(ref.DType))
	if len(text) > maxText {
		return nil, nil
	}
	return text, nil
}

func read(region io.ReaderAt, offset, size int64) ([]byte, error) {
	if size == 0 {
		return nil, nil
	}
	if region == nil || offset < 0 {
		return nil, errors.New("an array outside its region")
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(region, offset, size), data); err != nil {
		return nil, fmt.Errorf("read array: %w", err)
	}
	return data, nil
}

// appendList writes an array that begins with data. It stops in the middle
// once the text is too long.
func appendList(dst []byte, shape, strides []int64, data []byte, element element) []byte {
	if len(shape) == 0 {
		return element(dst, data)
	}
	dst = append(dst, '[')
	for i := range shape[0] {
		if len(dst) > maxText {
			return dst
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		// An array with an axis of length 0 has no data to step over.
		at := min(i*strides[0], int64(len(data)))
		dst = appendList(dst, shape[1:], strides[1:], data[at:], element)
	}
	return append(dst, ']')
}

// maxExact is the largest integer up to which every one is a float64: what
// many readers of JSON make of a number.
const maxExact = 1 << 53

func appendInt(dst []byte, v int64) []byte {
	if v < -maxExact || v > maxExact {
		return append(strconv.AppendInt(append(dst, '"'), v, 10), '"')
	}
	return strconv.AppendInt(dst, v, 10)
}

func appendUint(dst []byte, v uint64) []byte {
	if v > maxExact {
		return append(strconv.AppendUint(append(dst, '"'), v, 10), '"')
	}
	return strconv.AppendUint(dst, v, 10)
}

func appendBig(dst []byte, v *big.Int) []byte {
	if v == nil {
		return append(dst, '0')
	}
	if v.IsInt64() {
		return appendInt(dst, v.Int64())
	}
	return append(v.Append(append(dst, '"'), 10), '"')
}
