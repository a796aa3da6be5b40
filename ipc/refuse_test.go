package ipc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/big"
	"strings"
	"testing"
)

// datagram makes a frame of a type from the parts of its payload.
func datagram(t Type, parts ...any) []byte {
	b := binary.LittleEndian.AppendUint16(nil, uint16(t))
	b = binary.LittleEndian.AppendUint16(b, Version)
	b = binary.LittleEndian.AppendUint32(b, 0)
	return append(b, payload(parts...)...)
}

// payload joins parts: a string as text, an int as a count, bytes and single
// bytes as they are.
func payload(parts ...any) []byte {
	var e encoder
	for _, part := range parts {
		switch part := part.(type) {
		case string: // not by text, which writes UTF-8 only
			e.bytes([]byte(part))
		case int:
			e.u32(uint32(part))
		case int64:
			e.i64(part)
		case byte:
			e.u8(part)
		case ValueKind:
			e.u8(uint8(part))
		case []byte:
			e.b = append(e.b, part...)
		}
	}
	return e.b
}

// value makes a Result of one value.
func value(parts ...any) []byte {
	return datagram(TypeResult, append([]any{1, "v"}, parts...)...)
}

// call makes a Call of one argument.
func call(parts ...any) []byte {
	return datagram(TypeCall, append(append([]any{1, "v"}, parts...), 0, 0, 0)...)
}

// nestedLists is n lists within each other.
func nestedLists(n int) []byte {
	return append(bytes.Repeat(payload(KindList, 1), n), byte(KindNone))
}

func nestedDicts(n int) []byte {
	return append(bytes.Repeat(payload(KindDict, 1, ""), n), byte(KindNone))
}

func TestDecodeBounds(t *testing.T) {
	for _, test := range []struct {
		name      string
		good, bad []byte
		want      string
	}{
		{"frame size", datagram(TypeAsk, "", strings.Repeat("x", MaxFrame-HeaderSize-8)),
			datagram(TypeAsk, "", strings.Repeat("x", MaxFrame-HeaderSize-7)), "65537 bytes, at most 65536"},
		{"lists", call(nestedLists(16)), call(nestedLists(17)), "a value of kind 8 here"},
		{"dicts", call(nestedDicts(16)), call(nestedDicts(17)), "a value of kind 9 here"},
		{"integer", value(KindInt, byte(0), string(bytes.Repeat([]byte{1}, maxIntBytes))),
			value(KindInt, byte(0), string(bytes.Repeat([]byte{1}, maxIntBytes+1))), "an integer of 32769 bytes"},
		{"cause", datagram(TypeException, byte(8), "", "", "", "", 0), datagram(TypeException, byte(9), "", "", "", "", 0), "cause 9"},
		{"truth", datagram(TypeAnswer, byte(1), ""), datagram(TypeAnswer, byte(2), ""), "a truth value of 2"},
		{"kind", call(KindDict, 0), call(byte(10)), "a value of kind 10"},
		{"result's kind", value(KindSpan, int64(0), int64(0)), value(KindList, 0), "a value of kind 8 here"},
		{"UTF-8", datagram(TypeAsk, "\u00e9", ""), datagram(TypeAsk, "\xe9", ""), "text that is not UTF-8"},
		{"short number", datagram(TypeForked, int64(1)), datagram(TypeForked, make([]byte, 7)), "8 bytes wanted, 7 left"},
		{"long", datagram(TypeForked, int64(1)), datagram(TypeForked, int64(1), byte(0)), "1 bytes too many"},
		{"payload of none", datagram(TypeLoaded), datagram(TypeLoaded, byte(0)), "1 bytes too many"},
		{"list of texts", datagram(TypeBoot, 0, 1, 0, byte(0)), datagram(TypeBoot, 0, 2, 0, byte(0)), "a count of 2 in 5 bytes"},
		{"regions", datagram(TypeCall, 0, 1, int64(1), int64(8), byte(1), 0, 0), datagram(TypeCall, 0, 2, int64(1), int64(8), byte(1), 0, 0), "a count of 2 in"},
		{"passed", datagram(TypeCall, 0, 1, int64(1), int64(8), byte(1), 0, 0), datagram(TypeCall, 0, 1, int64(1), int64(8), byte(2), 0, 0), "a truth value of 2"},
		{"forget", datagram(TypeCall, 0, 0, 1, int64(1), 0), datagram(TypeCall, 0, 0, 2, int64(1), 0), "a count of 2 in"},
		{"nesting of out", datagram(TypeCall, 0, 0, 0, 1, "v", byte(KindNone)), datagram(TypeCall, 0, 0, 0, 1, "v", byte(KindList), 0), "a value of kind 8 here"},
		{"nesting of a request's out", datagram(TypeRequest, 0, 0, 0, 1, "v", byte(KindNone), 0, int64(0), byte(2)), datagram(TypeRequest, 0, 0, 0, 1, "v", byte(KindDict), 0, 0, int64(0), byte(0)), "a value of kind 9 here"},
		{"delivery", datagram(TypeRequest, 0, 0, 0, 0, 0, int64(0), byte(2)), datagram(TypeRequest, 0, 0, 0, 0, 0, int64(0), byte(3)), "a delivery of 3"},
		{"nesting of a function's value", datagram(TypeReturned, byte(0), "", KindNone), datagram(TypeReturned, byte(0), "", KindList, 0), "a value of kind 8 here"},
		{"nesting of a function's argument", datagram(TypeInvoke, "f", 1, "v", KindNone), datagram(TypeInvoke, "f", 1, "v", KindDict, 0), "a value of kind 9 here"},
		{"header", datagram(TypeLoaded), datagram(TypeLoaded)[:7], "7 bytes are no header"},
	} {
		if _, _, err := decode(test.good); err != nil {
			t.Errorf("%s: decode = error %v", test.name, err)
		}
		checkRefused(t, test.name, test.bad, test.want)
	}
}

func checkRefused(t *testing.T, name string, frame []byte, want string) {
	t.Helper()
	m, _, err := decode(frame)
	if err == nil || m != nil || !errors.Is(err, ErrFrame) || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: decode = %+v, error %v; want none and an ErrFrame with %q", name, m, err, want)
	}
}

func TestDecodeRefuses(t *testing.T) {
	file := payload("", "model.py", byte(0), int64(0), int64(0))
	for _, test := range []struct {
		name  string
		frame []byte
		want  string
	}{
		{"nothing", nil, "0 bytes are no header"},
		{"version 0", []byte{20, 0, 0, 0, 0, 0, 0, 0}, "protocol version 0, want 1"},
		{"version 2", []byte{20, 0, 2, 0, 0, 0, 0, 0}, "protocol version 2, want 1"},
		{"big-endian version", []byte{0, 20, 0, 1, 0, 0, 0, 0}, "protocol version 256, want 1"},
		{"type 0", datagram(0), "unknown message type 0"},
		{"type between", datagram(7), "unknown message type 7"},
		{"type above", datagram(29), "unknown message type 29"},
		{"type above all", datagram(50), "unknown message type 50"},
		{"largest type", datagram(0xffff), "unknown message type 65535"},

		{"huge text", datagram(TypeAsk, 1<<31, make([]byte, 8)), "a count of 2147483648 in 8 bytes"},
		{"overlong text", datagram(TypeAsk, "", -1), "a count of 4294967295 in 0 bytes"},
		{"huge list of texts", datagram(TypeBoot, -1, make([]byte, 64)), "a count of 4294967295 in 64 bytes"},
		{"huge result", datagram(TypeResult, -1, make([]byte, 64)), "a count of 4294967295 in 64 bytes"},
		{"huge filter", datagram(TypeFork, int64(1), -1), "a count of 4294967295 in 0 bytes"},
		{"huge list", call(KindList, 1<<20), "a count of 1048576 in 12 bytes"},
		{"huge dict", call(KindDict, 1<<20), "a count of 1048576 in 12 bytes"},
		{"huge regions", datagram(TypeCall, 0, -1, make([]byte, 64)), "a count of 4294967295 in 64 bytes"},
		{"huge forget", datagram(TypeCall, 0, 0, 1<<29, make([]byte, 64)), "a count of 536870912 in 64 bytes"},
		{"huge out", datagram(TypeCall, 0, 0, 0, -1), "a count of 4294967295 in 0 bytes"},
		{"huge release", datagram(TypeRequest, 0, 0, 0, 0, -1, int64(0)), "a count of 4294967295 in 8 bytes"},
		{"region cut", datagram(TypeCall, 0, 1, int64(1), int64(8)), "a count of 1 in 16 bytes"},
		{"regions into the next field", datagram(TypeCall, 0, 2, int64(1), int64(8), byte(1), int64(2), int64(8)), "a count of 2 in 33 bytes"},
		{"huge shape", value(KindArray, "<f8", byte(0), int64(0), 1<<29), "a count of 536870912 in 0 bytes"},
		{"two files in the bytes of one", datagram(TypeLoad, "", 0, 0, "", byte(0), 0, 0, 2, file), "a count of 2 in 33 bytes"},
		{"second file cut", datagram(TypeLoad, "", 0, 0, "", byte(0), 0, 0, 2, file, file[:25]), "wanted"},

		{"package 2", datagram(TypeLoad, "", 0, 0, "", byte(0), 0, 0, 1, "", "", byte(2), int64(0), int64(0)), "a truth value of 2"},
		{"seeded 2", datagram(TypeLoad, "", 0, 0, "", byte(2), 0, 0, 0), "a truth value of 2"},
		{"wait killable 255", datagram(TypeFork, int64(1), "", byte(255), int64(0)), "a truth value of 255"},
		{"passed 255 in load", datagram(TypeLoad, "", 0, 0, "", byte(0), 0, 0, 0, 0, 1, int64(1), int64(8), byte(255), int64(0), 0, int64(0)), "a truth value of 255"},
		{"passed 2 in a reply", datagram(TypeReply, 0, int64(1), int64(8), byte(2), 0), "a truth value of 2"},
		{"failed 2", datagram(TypeReturned, byte(2), "", KindNone), "a truth value of 2"},
		{"bool 2", value(KindBool, byte(2)), "a truth value of 2"},
		{"order 2", value(KindArray, "<f8", byte(2), int64(0), 0), "a truth value of 2"},
		{"sign 2", value(KindInt, byte(2), "\x01"), "a truth value of 2"},
		{"cause 0", datagram(TypeException, byte(0), "", "", "", "", 0), "cause 0"},

		{"negative zero", value(KindInt, byte(1), ""), "an integer of 0 bytes in no normal form"},
		{"zero of one byte", value(KindInt, byte(0), "\x00"), "an integer of 1 bytes in no normal form"},
		{"leading zero", value(KindInt, byte(1), "\x01\x00"), "an integer of 2 bytes in no normal form"},

		{"kind 255", value(byte(255)), "a value of kind 255"},
		{"dict in a result", value(KindDict, 0), "a value of kind 9 here"},
		{"no kind", datagram(TypeResult, 1, "v"), "wanted"},
		{"unknown kind in out", datagram(TypeCall, 0, 0, 0, 1, "v", byte(99)), "a value of kind 99"},
		{"unknown kind in a list", call(KindList, 1, byte(99)), "a value of kind 99"},

		{"overlong UTF-8", datagram(TypeAsk, "\xc0\x80", ""), "not UTF-8"},
		{"surrogate", datagram(TypeAsk, "\xed\xa0\x80", ""), "not UTF-8"},
		{"name", datagram(TypeResult, 1, "\xff", KindNone), "not UTF-8"},
		{"text", value(KindText, "\xff"), "not UTF-8"},
		{"class", datagram(TypeException, byte(1), "\xff", "", "", "", 0), "not UTF-8"},
		{"dtype", value(KindArray, "\xff", byte(0), int64(0), 0), "not UTF-8"},

		{"no dtype", value(KindArray, "", byte(0), int64(0), 0), "dtype"},
		{"objects", value(KindArray, "|O", byte(0), int64(0), 0), "object arrays"},
		{"dtype not normal", value(KindArray, "<u1", byte(0), int64(0), 0), `dtype "<u1" is not in its normal form`},
		{"structure not normal", value(KindArray, "[('a','<i4')]", byte(0), int64(0), 0), "not in its normal form"},
		{"unit not normal", value(KindArray, "<M8[1s]", byte(0), int64(0), 0), "not in its normal form"},
	} {
		checkRefused(t, test.name, test.frame, test.want)
	}
}

// Whatever is cut off from a frame, or put behind it, makes it malformed.
func TestDecodeRefusesCut(t *testing.T) {
	for name := range golden {
		frame := readGolden(t, name)
		for n := range frame {
			if m, _, err := decode(frame[:n]); err == nil || !errors.Is(err, ErrFrame) {
				t.Errorf("%s: decode of %d of %d bytes = %+v, %v; want an ErrFrame", name, n, len(frame), m, err)
			}
		}
		checkRefused(t, name, append(frame, 0), "1 bytes too many")
	}
}

// A decoded message does not change with the buffer that it came in.
func TestDecodeCopies(t *testing.T) {
	for name := range golden {
		frame := readGolden(t, name)
		m, seq, err := decode(frame)
		if err != nil {
			t.Fatal(err)
		}
		want := bytes.Clone(frame)
		for i := range frame {
			frame[i] = 0xaa
		}
		if got := AppendFrame(nil, Encode(m, seq)); !bytes.Equal(got, want) {
			t.Errorf("%s: decoded message changed with its buffer", name)
		}
	}
}

func TestEncodeNilInt(t *testing.T) {
	none := Encode(result(Arg{"v", Value{Kind: KindInt}}), 0)
	zero := Encode(result(Arg{"v", Value{Kind: KindInt, Int: new(big.Int)}}), 0)
	if !bytes.Equal(none.Payload, zero.Payload) {
		t.Errorf("encode of a nil Int = %x; want that of 0, %x", none.Payload, zero.Payload)
	}
}

// What a user typed need not be UTF-8, a frame must.
func TestEncodeReplacesInvalidUTF8(t *testing.T) {
	m, _, err := decode(AppendFrame(nil, Encode(&Ask{Kind: "a\xffb", Target: "é"}, 0)))
	if err != nil {
		t.Fatal(err)
	}
	if ask := m.(*Ask); ask.Kind != "a\ufffdb" || ask.Target != "é" {
		t.Errorf("decode = %+v; want the invalid byte replaced", ask)
	}
}

func TestAppendFramePanics(t *testing.T) {
	AppendFrame(nil, Frame{Payload: make([]byte, MaxFrame-HeaderSize)})
	defer func() {
		if recover() == nil {
			t.Error("AppendFrame of too large a payload did not panic")
		}
	}()
	AppendFrame(nil, Frame{Payload: make([]byte, MaxFrame-HeaderSize+1)})
}

func TestTypeString(t *testing.T) {
	if got := TypeException.String(); got != "exception" {
		t.Errorf("TypeException = %q; want exception", got)
	}
	if got := Type(99).String(); got != "type 99" {
		t.Errorf("Type(99) = %q; want type 99", got)
	}
}

// FuzzFrame proves that a frame has one form: whatever decodes encodes to the
// same bytes again.
func FuzzFrame(f *testing.F) {
	for name := range golden {
		f.Add(readGolden(f, name))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		m, seq, err := decode(frame)
		if err != nil {
			if !errors.Is(err, ErrFrame) || m != nil {
				t.Errorf("decode(%x) = %+v, %v; want none and an ErrFrame", frame, m, err)
			}
			return
		}
		if got := AppendFrame(nil, Encode(m, seq)); !bytes.Equal(got, frame) {
			t.Errorf("decode(%x) = %+v, which encodes as %x", frame, m, got)
		}
		if got := Size(m); got != len(frame) {
			t.Errorf("Size(%+v) = %d; want %d", m, got, len(frame))
		}
	})
}
