package ipc

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// HeaderSize is the length in bytes of a frame's header: type (u16),
// version (u16), sequence (u32), all little-endian.
const HeaderSize = 8

// Version is the protocol's version, carried by every frame. Both ends come
// from one binary, so there is nothing to negotiate: another version is an
// error.
const Version = 1

// MaxFrame bounds a frame with its header, in bytes. What is larger (source,
// arrays, long strings) travels in a shared region and not on the socket.
const MaxFrame = 64 << 10

// MaxDescriptors bounds the descriptors that one frame carries; the kernel's
// own limit is 253.
const MaxDescriptors = 128

// ErrFrame is wrapped by every error that says a peer sent bytes which are
// not a well-formed frame.
var ErrFrame = errors.New("malformed frame")

// Type is a frame's message type.
type Type uint16

// Frame is one datagram: a typed payload. Seq pairs an answer with its
// question where a conversation has both.
type Frame struct {
	Type    Type
	Seq     uint32
	Payload []byte
}

// AppendFrame appends f's encoding to dst. It panics when the payload is
// larger than a frame may be: that is a bug of the caller, who checks what
// users give it before.
func AppendFrame(dst []byte, f Frame) []byte {
	if HeaderSize+len(f.Payload) > MaxFrame {
		panic(fmt.Sprintf("ipc: frame of %d bytes", HeaderSize+len(f.Payload)))
	}
	return append(appendHeader(dst, f.Type, f.Seq), f.Payload...)
}

func appendHeader(dst []byte, t Type, seq uint32) []byte {
	dst = binary.LittleEndian.AppendUint16(dst, uint16(t))
	dst = binary.LittleEndian.AppendUint16(dst, Version)
	return binary.LittleEndian.AppendUint32(dst, seq)
}

// ParseFrame splits one datagram. The payload aliases b.
func ParseFrame(b []byte) (Frame, error) {
	if len(b) < HeaderSize {
		return Frame{}, fmt.Errorf("%w: %d bytes are no header", ErrFrame, len(b))
	}
	if len(b) > MaxFrame {
		return Frame{}, fmt.Errorf("%w: %d bytes, at most %d", ErrFrame, len(b), MaxFrame)
	}
	if v := binary.LittleEndian.Uint16(b[2:]); v != Version {
		return Frame{}, fmt.Errorf("%w: protocol version %d, want %d", ErrFrame, v, Version)
	}
	return Frame{
		Type:    Type(binary.LittleEndian.Uint16(b)),
		Seq:     binary.LittleEndian.Uint32(b[4:]),
		Payload: b[HeaderSize:],
	}, nil
}
