// Package npy reads and writes the headers of numpy's .npy files, versions
// 1.0 to 3.0. It lives in the trusted processes.
//
// Files come from anywhere, so a header is a claim. Its length is bounded
// before it is read, its text is parsed and never evaluated, and the size
// that it claims is computed without overflow and, where the file's own size
// is known, compared with it. Pickled arrays are refused: unpickling runs
// code.
//
// Errors are one printable line and do not name the file.
package npy

import (
	"errors"
	"fmt"
	"io"

	"hotcell/shm"
)

// Header says what array a file holds and where its elements begin.
type Header struct {
	DType      shm.DType
	Shape      []int64
	Fortran    bool
	DataOffset int64 // AppendHeader does not look at it
}

const magic = "\x93NUMPY"

// maxHeader bounds the text of a header, in bytes. numpy's own reader takes
// no more than that by default.
const maxHeader = 10_000

// align is what numpy makes DataOffset a multiple of, so that the elements of
// a mapped file are aligned.
const align = 64

// ReadHeader reads the header of a file of size bytes. The array that it
// describes lies inside the file; what may follow is left alone, as numpy
// does.
func ReadHeader(r io.ReaderAt, size int64) (Header, error) {
	h, err := ReadHeaderStream(io.NewSectionReader(r, 0, size))
	if err != nil {
		return Header{}, err
	}
	data, err := h.bytes()
	if err != nil {
		return Header{}, err
	}
	if data > size-h.DataOffset {
		return Header{}, fmt.Errorf("truncated: the header asks for %d bytes of elements, the file has %d", data, size-h.DataOffset)
	}
	return h, nil
}

// ReadHeaderStream reads the header and not a byte more. How many bytes of
// elements there are is not known, so the caller must compare.
func ReadHeaderStream(r io.Reader) (Header, error) {
	version, err := readVersion(r)
	if err != nil {
		return Header{}, err
	}
	text, offset, err := readText(r, version)
	if err != nil {
		return Header{}, err
	}
	h, err := parseHeader(text)
	if err != nil {
		return Header{}, fmt.Errorf("header: %w", err)
	}
	h.DataOffset = offset
	if _, err := h.bytes(); err != nil {
		return Header{}, fmt.Errorf("header: %w", err)
	}
	return h, nil
}

func (h Header) bytes() (int64, error) {
	return shm.Ref{DType: h.DType, Shape: h.Shape}.Bytes()
}

// readVersion gives the major version; all minor ones are 0.
func readVersion(r io.Reader) (byte, error) {
	var b [len(magic) + 2]byte
	n, err := io.ReadFull(r, b[:])
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return 0, fmt.Errorf("read header: %w", err)
	}
	major, minor := b[len(magic)], b[len(magic)+1]
	switch {
	case n == 0:
		return 0, errors.New("empty, not an .npy file")
	case string(b[:min(n, len(magic))]) != magic[:min(n, len(magic))]:
		return 0, errors.New("not an .npy file")
	case n < len(b):
		return 0, errCut
	case major < 1 || major > 3 || minor != 0:
		return 0, fmt.Errorf("version %d.%d of the .npy format is not supported", major, minor)
	}
	return major, nil
}

var errCut = errors.New("truncated: the file ends within the header")

// readText gives the header's text as UTF-8, and the offset behind it.
func readText(r io.Reader, version byte) (text string, offset int64, err error) {
	size := make([]byte, 4)
	if version == 1 {
		size = size[:2]
	}
	if err := readFull(r, size); err != nil {
		return "", 0, err
	}
	length := 0
	for i, b := range size {
		length |= int(b) << (8 * i)
	}
	if length > maxHeader {
		return "", 0, fmt.Errorf("a header of %d bytes; at most %d are allowed", length, maxHeader)
	}
	b := make([]byte, length)
	if err := readFull(r, b); err != nil {
		return "", 0, err
	}
	offset = int64(len(magic) + 2 + len(size) + length)
	if version < 3 {
		return fromLatin1(b), offset, nil
	}
	return string(b), offset, nil
}

func readFull(r io.Reader, b []byte) error {
	_, err := io.ReadFull(r, b)
	switch err {
	case nil:
		return nil
	case io.EOF, io.ErrUnexpectedEOF:
		return errCut
	}
	return fmt.Errorf("read header: %w", err)
}

// fromLatin1 decodes: every byte is the code point of its value.
func fromLatin1(b []byte) string {
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}
