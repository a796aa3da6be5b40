package syscallpolicy

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestKindText(t *testing.T) {
	kinds := Kinds()
	if len(kinds) != 14 {
		t.Errorf("Kinds() = %v; want 14", kinds)
	}
	for _, k := range kinds {
		text, err := k.MarshalText()
		if err != nil {
			t.Fatalf("(%v).MarshalText() = %v; want none", k, err)
		}
		var back Kind
		if err := back.UnmarshalText(text); err != nil || back != k {
			t.Errorf("UnmarshalText(%q) = %v, %v; want %v", text, back, err, k)
		}
	}
	for _, word := range []string{"", "none", "Open", "open ", "kind 3"} {
		k := KindOpen
		if err := k.UnmarshalText([]byte(word)); err == nil || k != KindOpen {
			t.Errorf("UnmarshalText(%q) = %v, %v; want an error and no change", word, k, err)
		}
	}
	for _, k := range []Kind{KindNone, kindEnd, 255} {
		if text, err := k.MarshalText(); err == nil || k.Valid() {
			t.Errorf("(%v).MarshalText() = %q; want an error", k, text)
		}
	}
}

func TestEffectText(t *testing.T) {
	for e, word := range effectNames {
		text, err := Effect(e).MarshalText()
		if err != nil || string(text) != word {
			t.Fatalf("(%v).MarshalText() = %q, %v; want %q", Effect(e), text, err, word)
		}
		var back Effect
		if err := back.UnmarshalText(text); err != nil || back != Effect(e) {
			t.Errorf("UnmarshalText(%q) = %v, %v; want %v", text, back, err, Effect(e))
		}
	}
	if e, err := ParseEffect("permit"); err == nil || e != Deny {
		t.Errorf("ParseEffect(permit) = %v, %v; want deny and an error", e, err)
	}
	if _, err := effectEnd.MarshalText(); err == nil {
		t.Errorf("(%v).MarshalText() = nil; want an error", effectEnd)
	}
}

func TestDecision(t *testing.T) {
	tests := []struct {
		d       Decision
		errno   unix.Errno
		refuses bool
		text    string
	}{
		{Decision{}, unix.EPERM, true, "deny with EPERM"},
		{Decision{Errno: unix.ENOENT, Rule: "preset compute"}, unix.ENOENT, true, "deny with ENOENT by preset compute"},
		{Decision{Errno: 4096}, unix.EPERM, true, "deny with EPERM"},
		{Decision{Errno: ^unix.Errno(0)}, unix.EPERM, true, "deny with EPERM"},
		{Decision{Effect: Allow}, unix.EPERM, false, "allow"},
		{Decision{Effect: Virtual, Content: "x"}, unix.EPERM, false, "virtual"},
		{Decision{Effect: Kill}, unix.EPERM, true, "kill"},
		{Decision{Effect: Ask}, unix.EPERM, true, "ask"},
		{Decision{Effect: effectEnd}, unix.EPERM, true, "effect 5"},
	}
	for _, tt := range tests {
		if got := tt.d.ErrnoOrEPERM(); got != tt.errno {
			t.Errorf("(%v).ErrnoOrEPERM() = %v; want %v", tt.d, got, tt.errno)
		}
		if got := tt.d.Refuses(); got != tt.refuses {
			t.Errorf("(%v).Refuses() = %v; want %v", tt.d, got, tt.refuses)
		}
		if got := tt.d.String(); got != tt.text {
			t.Errorf("(%#v).String() = %q; want %q", tt.d, got, tt.text)
		}
	}
}

func TestOperationString(t *testing.T) {
	tests := []struct {
		o    Operation
		want string
	}{
		{Operation{Kind: KindImport, Target: "socket"}, `import "socket"`},
		{Operation{Kind: KindOpen, Target: "/a\x1b[2J\u202e\xff", Syscall: "openat"}, `open "/a\x1b[2J\u202e\xff" by openat`},
	}
	for _, tt := range tests {
		if got := tt.o.String(); got != tt.want {
			t.Errorf("(%#v).String() = %s; want %s", tt.o, got, tt.want)
		}
	}
}

func TestNewProgram(t *testing.T) {
	for _, n := range []int{0, 7, 9, instructionSize*maxInstructions + 8} {
		if p, err := newProgram(make([]byte, n)); err == nil {
			t.Errorf("newProgram(%d bytes) = %d instructions; want an error", n, p.Len())
		}
	}
	code := []byte{1, 2, 3, 4, 5, 6, 7, 8}
	p, err := newProgram(code)
	if err != nil || p.Len() != 1 {
		t.Fatalf("newProgram(8 bytes) = %d instructions, %v; want 1", p.Len(), err)
	}
	code[0], p.Bytes()[0] = 9, 9
	if got := p.Bytes()[0]; got != 1 {
		t.Errorf("the program's first byte = %d; want 1, out of anyone's reach", got)
	}
}
