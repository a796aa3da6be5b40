package npy

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"hotcell/shm"
	"hotcell/shm/internal/pyliteral"
)

// growthDigits is how long numpy keeps the place of the axis along which a
// file may later be appended to.
const growthDigits = 21

// AppendHeader appends the header that numpy.save writes for the array, byte
// for byte. It is of version 1.0, or of 3.0 where a field's name does not fit
// into Latin-1. 2.0 is for headers beyond 64 KiB; no shm.DType needs one.
//
// Preconditions: h.DType is not zero, and shm.Ref's Bytes accepts h.Shape.
func AppendHeader(dst []byte, h Header) []byte {
	text := headerText(h)
	dst = append(dst, magic...)
	if encoded, ok := toLatin1(text); ok {
		dst = append(dst, 1, 0)
		return appendPadded(dst, encoded, 2)
	}
	dst = append(dst, 3, 0)
	return appendPadded(dst, []byte(text), 4)
}

// headerText is the dict's repr as numpy builds it.
func headerText(h Header) string {
	descr := h.DType.Descr()
	if h.DType.Kind() != shm.Struct {
		descr = pyliteral.Quote(descr)
	}
	fortran := "False"
	if h.Fortran {
		fortran = "True"
	}
	text := fmt.Sprintf("{'descr': %s, 'fortran_order': %s, 'shape': %s, }", descr, fortran, pyliteral.Shape(h.Shape))
	if len(h.Shape) == 0 {
		return text
	}
	growing := h.Shape[0]
	if h.Fortran {
		growing = h.Shape[len(h.Shape)-1]
	}
	return text + strings.Repeat(" ", growthDigits-len(strconv.FormatInt(growing, 10)))
}

// appendPadded appends the length in lengthSize bytes, the text, and blanks
// with a newline up to the alignment. Like numpy it adds a whole 64 blanks
// where none would be needed.
func appendPadded(dst, text []byte, lengthSize int) []byte {
	before := len(magic) + 2 + lengthSize
	blanks := align - (before+len(text)+1)%align
	length := len(text) + blanks + 1
	if lengthSize == 2 {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(length))
	} else {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(length))
	}
	dst = append(dst, text...)
	for range blanks {
		dst = append(dst, ' ')
	}
	return append(dst, '\n')
}

func toLatin1(text string) ([]byte, bool) {
	b := make([]byte, 0, utf8.RuneCountInString(text))
	for _, r := range text {
		if r > 0xff {
			return nil, false
		}
		b = append(b, byte(r))
	}
	return b, true
}
