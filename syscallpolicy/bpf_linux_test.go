package syscallpolicy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// The grants' range that most tests use.
const (
	testLow  = 0x1000_0000_0000
	testHigh = 0x1100_0000_0000
)

// shapes are the ones that tests go through.
var shapes = []Shape{
	{},
	{Threads: true, GrantLow: testLow, GrantHigh: testHigh},
	{ExecMappings: true, Threads: true, GrantLow: testLow, GrantHigh: testHigh},
	{ExecMappings: true, GrantLow: 0x12345_00000, GrantHigh: 0x7fff_fff0_0000},
	{GrantLow: GrantAlign, GrantHigh: addressLimit},
}

func args(a ...uint64) (list [6]uint64) {
	copy(list[:], a)
	return list
}

const garbage = 0xdead_beef_0000_0000 // above an int

// data is what the kernel shows to a filter, struct seccomp_data.
type data struct {
	nr   uint32
	arch uint32
	ip   uint64
	args [6]uint64
}

func (d data) bytes() []byte {
	b := binary.NativeEndian.AppendUint32(nil, d.nr)
	b = binary.NativeEndian.AppendUint32(b, d.arch)
	b = binary.NativeEndian.AppendUint64(b, d.ip)
	for _, a := range d.args {
		b = binary.NativeEndian.AppendUint64(b, a)
	}
	return b
}

// errArgument: the program looked at more than the number and the
// architecture.
var errArgument = errors.New("looks at an argument")

// run is the kernel's classic BPF as far as it goes for seccomp: words are
// loaded in the machine's byte order, which machines for packets do not do.
// With constant set it is the kernel's test for the bitmap of calls that pass
// always: a load of an argument ends it.
func run(p Program, d data, constant bool) (uint32, error) {
	code, mem := p.Bytes(), d.bytes()
	var a uint32
	for pc := 0; pc < p.Len(); pc++ {
		i := code[pc*instructionSize:]
		op, jt, jf, k := binary.NativeEndian.Uint16(i), int(i[2]), int(i[3]), binary.NativeEndian.Uint32(i[4:])
		taken := false
		switch op {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			if k%4 != 0 || int(k)+4 > len(mem) {
				return 0, fmt.Errorf("instruction %d loads from %d", pc, k)
			}
			if constant && k > 4 {
				return 0, errArgument
			}
			a = binary.NativeEndian.Uint32(mem[k:])
			continue
		case unix.BPF_ALU | unix.BPF_AND | unix.BPF_K:
			a &= k
			continue
		case unix.BPF_RET | unix.BPF_K:
			return k, nil
		case unix.BPF_JMP | unix.BPF_JA:
			pc += int(k)
			continue
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			taken = a == k
		case unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K:
			taken = a > k
		case unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K:
			taken = a >= k
		case unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K:
			taken = a&k != 0
		default:
			return 0, fmt.Errorf("instruction %d has the operation %#x", pc, op)
		}
		if taken {
			pc += jt
		} else {
			pc += jf
		}
	}
	return 0, errors.New("the program has no end")
}

// decide runs the program on one call.
func decide(t testing.TB, p Program, d data) uint32 {
	t.Helper()
	action, err := run(p, d, false)
	if err != nil {
		t.Fatalf("run(%+v): %v", d, err)
	}
	return action
}

// mustCompile compiles with the level that Compile uses.
func mustCompile(t testing.TB, s Shape) Program {
	t.Helper()
	p, err := s.Compile()
	if err != nil {
		t.Fatalf("(%v).Compile() = %v; want none", s, err)
	}
	return p
}

func actionName(action uint32) string {
	switch action {
	case unix.SECCOMP_RET_ALLOW:
		return "allow"
	case unix.SECCOMP_RET_USER_NOTIF:
		return "ask"
	case unix.SECCOMP_RET_KILL_PROCESS:
		return "kill"
	}
	if action&unix.SECCOMP_RET_ACTION_FULL == unix.SECCOMP_RET_ERRNO {
		return unix.ErrnoName(unix.Errno(action & unix.SECCOMP_RET_DATA))
	}
	return fmt.Sprintf("action %#x", action)
}

// TestProgramReturns pins the closed set of answers: nothing that logs, traces
// or lets through by another name.
func TestProgramReturns(t *testing.T) {
	errnos := []string{"ENOSYS", "ENOTTY", "EINVAL", "ENOTSUP", "EXDEV", "ENOTSOCK"}
	for _, s := range shapes {
		code := mustCompile(t, s).Bytes()
		for i := 0; i < len(code); i += instructionSize {
			if binary.NativeEndian.Uint16(code[i:]) != unix.BPF_RET|unix.BPF_K {
				continue
			}
			name := actionName(binary.NativeEndian.Uint32(code[i+4:]))
			if name != "allow" && name != "ask" && name != "kill" && !slices.Contains(errnos, name) {
				t.Errorf("(%v).Compile() returns %s at %d", s, name, i/instructionSize)
			}
		}
	}
}
