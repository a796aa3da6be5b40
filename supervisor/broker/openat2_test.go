package broker

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestOpenat2AsKernel: the strict call's own rules, about sizes, flags and
// ways out.
func TestOpenat2AsKernel(t *testing.T) {
	root := tree(t)
	b, _ := grant(t, root)
	b.decide = allowAll
	f := newFake(t)
	dir := f.hold(root+"/dir", unix.O_DIRECTORY)
	own, err := unix.Open(root+"/dir", unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(own)
	how := func(flags, mode, resolve uint64) []byte {
		return openHowBytes(unix.OpenHow{Flags: flags, Mode: mode, Resolve: resolve})
	}
	const beneath, noLinks = unix.RESOLVE_BENEATH, unix.RESOLVE_NO_SYMLINKS
	type test struct {
		path string
		how  []byte
		size int
	}
	tests := []test{
		{"a", how(0, 0, 0), 0}, {"a", how(0, 0, 0), 8}, {"a", how(0, 0, 0), 23}, {"a", how(0, 0, 0), pageSize + 1}, {"a", how(0, 0, 0), 1 << 40},
		{"a", append(how(0, 0, 0), 0, 0, 0, 0), 28}, {"a", append(how(0, 0, 0), 0, 0, 1, 0), 28},
		{"a", how(0, 0o600, 0), 24}, {"a", how(unix.O_CREAT, 0o10000, 0), 24}, {"a", how(1<<40, 0, 0), 24}, {"a", how(1<<31, 0, 0), 24},
		{"a", how(unix.O_PATH|unix.O_RDWR, 0, 0), 24}, {"a", how(unix.O_CREAT|unix.O_DIRECTORY, 0o600, 0), 24},
		{"a", how(0, 0, 1<<20), 24}, {"a", how(0, 0, beneath|unix.RESOLVE_IN_ROOT), 24}, {"a", how(unix.O_RDWR|unix.O_APPEND, 0, 0), 24},
		{".", how(unix.O_TMPFILE, 0o600, 0), 24}, {"missing", how(0, 0, 0), 24},
	}
	for _, p := range []string{"a", "sub/../a", "..", "../file", "up/file", "up/dir/a", "sub/../../dir/a", "up", "sub/deep/../.."} {
		for _, resolve := range []uint64{beneath, noLinks, beneath | noLinks, unix.RESOLVE_NO_MAGICLINKS, unix.RESOLVE_NO_XDEV} {
			tests = append(tests, test{p, how(0, 0, resolve), 24})
		}
	}
	for _, test := range tests {
		want := describe(kernelCall(t, unix.SYS_OPENAT2, own, test.path, test.how, test.size))
		fd, errno := f.call(b, unix.SYS_OPENAT2, dir, test.path, test.how, test.size)
		inside := int64(none)
		if errno == 0 {
			inside = int64(f.files[int(fd)])
			delete(f.files, int(fd))
		}
		if got := describe(inside, errno); got != want {
			t.Errorf("openat2(%q, % x, %d) = %s; want %s", test.path, test.how, test.size, got, want)
		}
	}
}
