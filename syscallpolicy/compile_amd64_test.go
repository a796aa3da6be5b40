//go:build linux

package syscallpolicy

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/unix"
)

// threadFlags are glibc's for pthread_create.
const threadFlags = 0x3d0f00

func TestFilter(t *testing.T) {
	plain := Shape{GrantLow: testLow, GrantHigh: testHigh}
	threads := Shape{Threads: true, GrantLow: testLow, GrantHigh: testHigh}
	jit := Shape{ExecMappings: true, GrantLow: testLow, GrantHigh: testHigh}
	const anonymous = unix.MAP_PRIVATE | unix.MAP_ANONYMOUS
	tests := []struct {
		what  string
		shape Shape
		arch  uint32
		nr    uint32
		args  [6]uint64
		want  string
	}{
		{"read", plain, archAMD64, unix.SYS_READ, args(), "allow"},
		{"read with garbage everywhere", plain, archAMD64, unix.SYS_READ, args(garbage, garbage, garbage), "allow"},
		{"open", plain, archAMD64, unix.SYS_OPENAT, args(), "ask"},
		{"a number without a call", plain, archAMD64, 600, args(), "ask"},
		{"io_uring", plain, archAMD64, unix.SYS_IO_URING_SETUP, args(), "ask"},
		{"32-bit read", plain, archI386, 3, args(), "kill"},
		{"arm64 read", plain, archARM64, 63, args(), "kill"},
		{"no architecture", plain, 0, unix.SYS_READ, args(), "kill"},
		{"x32 read", plain, archAMD64, x32Bit | unix.SYS_READ, args(), "kill"},
		{"x32 bit and sign", plain, archAMD64, 0xc000_0000, args(), "kill"},
		{"sign only", plain, archAMD64, 0x8000_0000, args(), "kill"},
		{"a tracer's no call", plain, archAMD64, 0xffff_ffff, args(), "ask"},

		{"mmap", plain, archAMD64, unix.SYS_MMAP, args(0, 4096, 3, anonymous), "allow"},
		{"mmap exec", plain, archAMD64, unix.SYS_MMAP, args(0, 4096, 5, anonymous), "ask"},
		{"mmap exec in a JIT", jit, archAMD64, unix.SYS_MMAP, args(0, 4096, 7, anonymous), "allow"},
		{"mmap prot above an int", plain, archAMD64, unix.SYS_MMAP, args(0, 4096, garbage|3, anonymous), "ask"},
		{"mmap huge pages", plain, archAMD64, unix.SYS_MMAP, args(0, 4096, 3, anonymous|unix.MAP_HUGETLB), "ask"},
		{"mmap growing down", plain, archAMD64, unix.SYS_MMAP, args(0, 4096, 3, anonymous|unix.MAP_GROWSDOWN), "ask"},
		{"mprotect", plain, archAMD64, unix.SYS_MPROTECT, args(0, 4096, 1), "allow"},
		{"mprotect exec", plain, archAMD64, unix.SYS_MPROTECT, args(0, 4096, 4), "ask"},
		{"mprotect exec with garbage", plain, archAMD64, unix.SYS_MPROTECT, args(0, 4096, garbage|4), "ask"},
		{"mprotect down to the start", plain, archAMD64, unix.SYS_MPROTECT, args(0, 4096, 3|unix.PROT_GROWSDOWN), "ask"},
		{"mprotect with a key", jit, archAMD64, unix.SYS_PKEY_MPROTECT, args(0, 4096, 1), "ask"},

		{"mremap below", plain, archAMD64, unix.SYS_MREMAP, args(testLow-4096, 4096, 8192, 1), "allow"},
		{"mremap first granted page", plain, archAMD64, unix.SYS_MREMAP, args(testLow, 4096, 8192, 1), "ask"},
		{"mremap last granted byte", plain, archAMD64, unix.SYS_MREMAP, args(testHigh-1, 4096, 8192, 1), "ask"},
		{"mremap above", plain, archAMD64, unix.SYS_MREMAP, args(testHigh, 4096, 8192, 1), "allow"},
		{"mremap last user page", plain, archAMD64, unix.SYS_MREMAP, args(1<<47-4096, 4096, 8192, 1), "allow"},
		{"mremap beyond user addresses", plain, archAMD64, unix.SYS_MREMAP, args(1<<47, 4096, 8192, 1), "ask"},
		{"mremap with a tag", plain, archAMD64, unix.SYS_MREMAP, args(1<<57|testLow, 4096, 8192, 1), "ask"},
		{"mremap to a place", plain, archAMD64, unix.SYS_MREMAP, args(4096, 4096, 4096, 3, testLow), "ask"},
		{"mremap leaving a copy", plain, archAMD64, unix.SYS_MREMAP, args(4096, 4096, 4096, 5), "ask"},
		{"mremap without a range", Shape{}, archAMD64, unix.SYS_MREMAP, args(4096, 4096, 8192, 1), "ask"},
		{"remap_file_pages", plain, archAMD64, unix.SYS_REMAP_FILE_PAGES, args(testHigh), "ask"},

		{"madvise DONTNEED with garbage", plain, archAMD64, unix.SYS_MADVISE, args(0, 0, garbage|4), "allow"},
		{"madvise MERGEABLE", plain, archAMD64, unix.SYS_MADVISE, args(0, 0, 12), "ask"},
		{"madvise MERGEABLE with garbage", plain, archAMD64, unix.SYS_MADVISE, args(0, 0, garbage|12), "ask"},

		{"futex wait", plain, archAMD64, unix.SYS_FUTEX, args(testLow, 128), "allow"},
		{"futex join", plain, archAMD64, unix.SYS_FUTEX, args(4096, 9|256), "allow"},
		{"futex join on a grant", plain, archAMD64, unix.SYS_FUTEX, args(testLow, 9|256), "ask"},
		{"futex wake between processes", plain, archAMD64, unix.SYS_FUTEX, args(4096, 1), "ask"},
		{"futex lock with priority", plain, archAMD64, unix.SYS_FUTEX, args(4096, 6|128), "ask"},

		{"thread", threads, archAMD64, unix.SYS_CLONE, args(threadFlags), "allow"},
		{"thread where none is granted", plain, archAMD64, unix.SYS_CLONE, args(threadFlags), "ask"},
		{"process", threads, archAMD64, unix.SYS_CLONE, args(uint64(unix.SIGCHLD)), "ask"},
		{"thread with its own descriptors", threads, archAMD64, unix.SYS_CLONE, args(threadFlags &^ unix.CLONE_FILES), "ask"},
		{"thread in a namespace", threads, archAMD64, unix.SYS_CLONE, args(threadFlags | unix.CLONE_NEWUSER), "ask"},
		{"thread flags above an int", threads, archAMD64, unix.SYS_CLONE, args(garbage | threadFlags), "ask"},
		{"clone3", threads, archAMD64, unix.SYS_CLONE3, args(), "ENOSYS"},
		{"copy_file_range", plain, archAMD64, unix.SYS_COPY_FILE_RANGE, args(3, 0, 4), "EXDEV"},
		{"sendfile", plain, archAMD64, unix.SYS_SENDFILE, args(3, 4), "ENOTSOCK"},
		{"fallocate", plain, archAMD64, unix.SYS_FALLOCATE, args(3), "ENOTSUP"},
		{"splice", plain, archAMD64, unix.SYS_SPLICE, args(3, 0, 4), "ask"},

		{"send", plain, archAMD64, unix.SYS_SENDTO, args(3, 0, 0, unix.MSG_NOSIGNAL), "allow"},
		{"send to an address", plain, archAMD64, unix.SYS_SENDTO, args(3, 0, 0, 0, 1<<32), "ask"},
		{"send out of band", plain, archAMD64, unix.SYS_SENDTO, args(3, 0, 0, unix.MSG_OOB), "ask"},
		{"send fast open", plain, archAMD64, unix.SYS_SENDTO, args(3, 0, 0, unix.MSG_FASTOPEN), "ask"},
		{"sendmsg", plain, archAMD64, unix.SYS_SENDMSG, args(3), "ask"},
		{"receive with garbage", plain, archAMD64, unix.SYS_RECVMSG, args(3, 0, garbage), "allow"},
		{"receive out of band", plain, archAMD64, unix.SYS_RECVFROM, args(3, 0, 0, garbage|unix.MSG_OOB), "ask"},

		{"fcntl F_GETFD with garbage", plain, archAMD64, unix.SYS_FCNTL, args(3, garbage|unix.F_GETFD), "allow"},
		{"fcntl F_SETLEASE", plain, archAMD64, unix.SYS_FCNTL, args(3, unix.F_SETLEASE), "ask"},
		{"ioctl TCGETS with garbage", plain, archAMD64, unix.SYS_IOCTL, args(1, garbage|unix.TCGETS), "ENOTTY"},
		{"ioctl FICLONE with garbage", plain, archAMD64, unix.SYS_IOCTL, args(1, garbage|unix.FICLONE), "ENOTSUP"},
		{"ioctl FICLONERANGE", plain, archAMD64, unix.SYS_IOCTL, args(1, unix.FICLONERANGE), "ask"},
		{"ioctl TIOCSTI", plain, archAMD64, unix.SYS_IOCTL, args(1, unix.TIOCSTI), "ask"},
		{"ioctl TIOCSTI with garbage", plain, archAMD64, unix.SYS_IOCTL, args(1, garbage|unix.TIOCSTI), "ask"},
		{"close_range", plain, archAMD64, unix.SYS_CLOSE_RANGE, args(3, 9, 0), "allow"},
		{"close_range unsharing", plain, archAMD64, unix.SYS_CLOSE_RANGE, args(3, 9, garbage|2), "ask"},
		{"prlimit64 reading", plain, archAMD64, unix.SYS_PRLIMIT64, args(garbage, 7, 0, 4096), "allow"},
		{"prlimit64 writing", plain, archAMD64, unix.SYS_PRLIMIT64, args(0, 7, 1<<32), "ask"},
		{"prlimit64 of another", plain, archAMD64, unix.SYS_PRLIMIT64, args(1, 7), "ask"},
		{"prctl name", plain, archAMD64, unix.SYS_PRCTL, args(unix.PR_SET_NAME), "allow"},
		{"prctl dumpable", plain, archAMD64, unix.SYS_PRCTL, args(unix.PR_SET_DUMPABLE), "ask"},
		{"seccomp", plain, archAMD64, unix.SYS_SECCOMP, args(), "ask"},
	}
	programs := map[Shape]Program{}
	for _, tt := range tests {
		p, ok := programs[tt.shape]
		if !ok {
			p = mustCompile(t, tt.shape)
			programs[tt.shape] = p
		}
		d := data{nr: tt.nr, arch: tt.arch, args: tt.args}
		if got := actionName(decide(t, p, d)); got != tt.want {
			t.Errorf("%s: filter(%#x, %#x) = %s; want %s", tt.what, tt.nr, tt.args, got, tt.want)
		}
		if got := reference(tt.shape, d); got != tt.want {
			t.Errorf("%s: reference(%#x, %#x) = %s; want %s", tt.what, tt.nr, tt.args, got, tt.want)
		}
	}
}

// TestEveryNumber: of all numbers, only the listed ones pass whatever the
// arguments are, and the kernel can see that they do.
func TestEveryNumber(t *testing.T) {
	always := map[uint32]bool{}
	for _, nr := range alwaysAllowed {
		always[nr] = true
	}
	for _, s := range shapes {
		p := mustCompile(t, s)
		for nr := uint32(0); nr <= 600; nr++ {
			action, err := run(p, data{nr: nr, arch: archAMD64}, true)
			constant := err == nil && action == unix.SECCOMP_RET_ALLOW
			if err != nil && !errors.Is(err, errArgument) {
				t.Fatalf("run(%s): %v", Name(int(nr)), err)
			}
			if constant != always[nr] {
				t.Errorf("(%v): %s passes always = %v; want %v", s, Name(int(nr)), constant, always[nr])
			}
		}
	}
}

// TestAgainstReference compares filter and reference on arguments that are
// near the values which matter.
func TestAgainstReference(t *testing.T) {
	values := []uint64{testLow, testHigh, 1 << 47, 1 << 48, 1 << 57, threadFlags, 0x50f00, 0x12c833, 0x40000162, 0x4040,
		0x53564d41, 0x5400, 0x5413, 0x541b, 0x5450, 0x802c542a, 1030, 1034}
	for v := uint64(0); v < 32; v++ {
		values = append(values, v, v|128, v|256, v|384)
	}
	r := rand.New(rand.NewPCG(1, 2))
	pick := func() uint64 {
		v := values[r.IntN(len(values))]
		switch r.IntN(8) {
		case 0:
			v++
		case 1:
			v--
		case 2:
			v |= garbage
		case 3:
			v ^= 1 << r.IntN(64)
		}
		return v
	}
	var conditional []uint32
	first := mustCompile(t, shapes[1])
	for nr := uint32(0); nr < 500; nr++ {
		if _, err := run(first, data{nr: nr, arch: archAMD64}, true); err != nil {
			conditional = append(conditional, nr)
		}
	}
	for _, s := range shapes {
		p := mustCompile(t, s)
		for range 40_000 {
			d := data{nr: conditional[r.IntN(len(conditional))], arch: archAMD64}
			for i := range d.args {
				d.args[i] = pick()
			}
			if got, want := actionName(decide(t, p, d)), reference(s, d); got != want {
				t.Fatalf("(%v): filter(%s, %#x) = %s; want %s", s, Name(int(d.nr)), d.args, got, want)
			}
		}
	}
}

func TestCompileRefusesRange(t *testing.T) {
	tests := []Shape{
		{GrantHigh: testHigh},
		{GrantLow: testLow},
		{GrantLow: testLow, GrantHigh: testLow},
		{GrantLow: testHigh, GrantHigh: testLow},
		{GrantLow: testLow + 4096, GrantHigh: testHigh},
		{GrantLow: testLow, GrantHigh: testHigh + 4096},
		{GrantLow: testLow, GrantHigh: addressLimit + GrantAlign},
		{GrantLow: testLow, GrantHigh: -GrantAlign & (1<<64 - 1)},
	}
	for _, s := range tests {
		if p, err := s.Compile(); err == nil || p.Len() != 0 {
			t.Errorf("(%v).Compile() = %d instructions, %v; want an error", s, p.Len(), err)
		}
	}
}

// FuzzLevels compares two compilations of one shape, by list and by tree, and
// both with the reference.
func FuzzLevels(f *testing.F) {
	seed := func(bits uint8, nr, arch uint32, a ...uint64) {
		l := args(a...)
		f.Add(bits, nr, arch, uint32(testLow/GrantAlign), uint32((testHigh-testLow)/GrantAlign), l[0], l[1], l[2], l[3], l[4])
	}
	seed(3, unix.SYS_MREMAP, archAMD64, testLow, 1, 1, 1)
	seed(1, unix.SYS_CLONE, archAMD64, threadFlags)
	seed(2, unix.SYS_MMAP, archAMD64, 0, 4096, 7, unix.MAP_PRIVATE)
	seed(4, unix.SYS_FUTEX, archAMD64, 4096, 265)
	seed(0, x32Bit, archAMD64)
	seed(0, 3, archI386)
	f.Fuzz(func(t *testing.T, bits uint8, nr, arch, low, size uint32, a0, a1, a2, a3, a4 uint64) {
		s := Shape{Threads: bits&1 != 0, ExecMappings: bits&2 != 0}
		if bits&4 == 0 {
			s.GrantLow = uint64(low) * GrantAlign
			s.GrantHigh = s.GrantLow + uint64(size)*GrantAlign
		}
		tree, err := s.compile(treeLevel)
		list, err2 := s.compile(1)
		if (err == nil) != (err2 == nil) {
			t.Fatalf("(%v).compile() = %v by tree, %v by list; want the same", s, err, err2)
		}
		if err != nil {
			return
		}
		d := data{nr: nr, arch: arch, args: args(a0, a1, a2, a3, a4)}
		byTree, byList, want := decide(t, tree, d), decide(t, list, d), reference(s, d)
		if byTree != byList || actionName(byTree) != want {
			t.Errorf("(%v): filter(%+v) = %s by tree, %s by list; want %s", s, d, actionName(byTree), actionName(byList), want)
		}
	})
}

func BenchmarkCompile(b *testing.B) {
	for _, s := range shapes {
		b.Run(fmt.Sprintf("%dinstructions", mustCompile(b, s).Len()), func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Compile(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
