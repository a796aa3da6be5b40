package shm

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// attack is a try to change a region, by somebody who holds its descriptor.
type attack struct {
	name string
	try  func(fd int) error
	want error
}

// onSize is refused from a region's creation on.
var onSize = []attack{
	{"shrink", func(fd int) error { return unix.Ftruncate(fd, 0) }, unix.EPERM},
	{"grow", func(fd int) error { return unix.Ftruncate(fd, 2*page) }, unix.EPERM},
	{"allocate beyond the end", func(fd int) error { return unix.Fallocate(fd, 0, page, page) }, unix.EPERM},
	{"write beyond the end", func(fd int) error { return second(unix.Pwrite(fd, []byte("evil"), page)) }, unix.EPERM},
	{"reopen and truncate", func(fd int) error {
		return reopened(fd, unix.O_TRUNC, func(int) error { return nil })
	}, unix.EPERM},
}

// onBytes is refused once the region is sealed against writing, in whatever
// way.
var onBytes = []attack{
	{"write", func(fd int) error { return second(unix.Write(fd, []byte("evil"))) }, unix.EPERM},
	{"pwrite", func(fd int) error { return second(unix.Pwrite(fd, []byte("evil"), 0)) }, unix.EPERM},
	{"map", mapWritable, unix.EPERM},
	{"reopen and write", func(fd int) error {
		return reopened(fd, 0, func(again int) error { return second(unix.Write(again, []byte("evil"))) })
	}, unix.EPERM},
	{"reopen and map", func(fd int) error { return reopened(fd, 0, mapWritable) }, unix.EPERM},
	{"punch a hole", func(fd int) error {
		return unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, page)
	}, unix.EPERM},
	{"sendfile", func(fd int) error {
		return withFile("/proc/self/exe", os.O_RDONLY, func(in int) error { return second(unix.Sendfile(fd, in, nil, 4)) })
	}, unix.EPERM},
	{"mprotect", func(fd int) error {
		return mapped(fd, func(view []byte) error {
			return unix.Mprotect(view, unix.PROT_READ|unix.PROT_WRITE)
		})
	}, unix.EACCES},
	{"madvise away", func(fd int) error {
		return mapped(fd, func(view []byte) error { return unix.Madvise(view, unix.MADV_REMOVE) })
	}, unix.EACCES},
	{"write through /proc/self/mem", func(fd int) error {
		return mapped(fd, func(view []byte) error {
			return withFile("/proc/self/mem", os.O_RDWR, func(memory int) error {
				return second(unix.Pwrite(memory, []byte("evil"), address(view)))
			})
		})
	}, unix.EIO},
	{"add a seal", func(fd int) error {
		return second(unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_WRITE))
	}, unix.EPERM},
}

func second(_ int, err error) error { return err }

func withFile(path string, flags int, act func(fd int) error) error {
	fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return act(fd)
}

func reopened(fd, flags int, act func(fd int) error) error {
	return withFile(fmt.Sprintf("/proc/self/fd/%d", fd), unix.O_RDWR|flags, act)
}

func mapWritable(fd int) error {
	view, err := unix.Mmap(fd, 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	return unix.Munmap(view)
}

// mapped gives a view made through a read-only descriptor, which works on all
// kernels.
func mapped(fd int, act func(view []byte) error) error {
	return withFile(fmt.Sprintf("/proc/self/fd/%d", fd), unix.O_RDONLY, func(again int) error {
		view, err := unix.Mmap(again, 0, page, unix.PROT_READ, unix.MAP_SHARED)
		if err != nil {
			return fmt.Errorf("a view for reading: %w", err)
		}
		defer unix.Munmap(view)
		return act(view)
	})
}

// resist wants every attack to fail as it should and to change nothing.
func resist(t *testing.T, r *Region, attacks []attack) {
	t.Helper()
	for _, a := range attacks {
		before := string(content(t, r))
		if err := a.try(int(r.File().Fd())); !errors.Is(err, a.want) {
			t.Errorf("%s = %v; want %v", a.name, err, a.want)
		}
		if after := string(content(t, r)); after != before {
			t.Errorf("%s changes the region", a.name)
		}
		if info, err := r.File().Stat(); err != nil || info.Size() != page {
			t.Errorf("%s leaves a size of %d, %v; want %d", a.name, info.Size(), err, page)
		}
	}
}

func filled(t *testing.T) *Region {
	t.Helper()
	r := create(t, page)
	mapping, err := r.Map()
	if err != nil {
		t.Fatal(err)
	}
	copy(mapping, "good")
	return r
}

func TestSizeIsSealed(t *testing.T) {
	resist(t, filled(t), onSize)
}

func TestFreeze(t *testing.T) {
	r := filled(t)
	if err := r.Freeze(); err != nil {
		t.Fatalf("Freeze() = %v", err)
	}
	if found := mappedRegions(); len(found) > 0 {
		t.Errorf("Freeze() leaves %q", found)
	}
	resist(t, r, onSize)
	resist(t, r, onBytes)
	for name, try := range map[string]func() error{
		"Map":      func() error { _, err := r.Map(); return err },
		"WriteAt":  func() error { _, err := r.WriteAt([]byte("evil"), 0); return err },
		"Freeze":   r.Freeze,
		"FillFrom": func() error { return withExe(func(f *os.File) error { return r.FillFrom(f, 0, 4) }) },
	} {
		if err := try(); !errors.Is(err, unix.EPERM) {
			t.Errorf("%s after Freeze = %v; want EPERM", name, err)
		}
	}
	if got := string(content(t, r)[:4]); got != "good" {
		t.Errorf("after Freeze it holds %q; want good", got)
	}
}

func withExe(act func(f *os.File) error) error {
	f, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer f.Close()
	return act(f)
}

func TestFreezeOthers(t *testing.T) {
	r := filled(t)
	if err := r.FreezeOthers(); err != nil {
		t.Fatalf("FreezeOthers() = %v", err)
	}
	resist(t, r, onSize)
	resist(t, r, onBytes)
	if err := r.Freeze(); !errors.Is(err, unix.EPERM) {
		t.Errorf("Freeze() after FreezeOthers = %v; want EPERM", err)
	}
	mapping, err := r.Map()
	if err != nil {
		t.Fatalf("Map() after FreezeOthers = %v; want the old mapping", err)
	}
	copy(mapping, "news")
	if got := string(content(t, r)[:4]); got != "news" {
		t.Errorf("the owner writes news and it holds %q", got)
	}
}

func TestFreezeOthersUnmapped(t *testing.T) {
	if err := create(t, page).FreezeOthers(); err == nil {
		t.Error("FreezeOthers() before Map = nil; want an error")
	}
	if err := create(t, 0).FreezeOthers(); err != nil {
		t.Errorf("FreezeOthers() of no bytes = %v", err)
	}
}

// A sandbox that keeps its mapping, hidden behind PROT_READ or not, keeps the
// region from being sealed, and nothing is half sealed then.
func TestSealBusy(t *testing.T) {
	r := create(t, page)
	view, err := unix.Mmap(int(r.File().Fd()), 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	copy(view, "good")
	for _, prot := range []int{unix.PROT_READ | unix.PROT_WRITE, unix.PROT_READ, unix.PROT_NONE} {
		if err := unix.Mprotect(view, prot); err != nil {
			t.Fatal(err)
		}
		for name, seal := range map[string]func() error{"Seal": r.Seal, "Freeze": r.Freeze} {
			if err := seal(); !errors.Is(err, unix.EBUSY) {
				t.Errorf("%s() with a mapping of protection %d = %v; want EBUSY", name, prot, err)
			}
		}
	}
	if seals, err := sealsOf(r.File()); err != nil || seals&(unix.F_SEAL_WRITE|unix.F_SEAL_SEAL) != 0 {
		t.Errorf("Seal() in vain leaves seals %#x, %v", seals, err)
	}
	if err := unix.Munmap(view); err != nil {
		t.Fatal(err)
	}
	if err := mapped(int(r.File().Fd()), func([]byte) error { return r.Seal() }); err != nil {
		t.Errorf("Seal() with a view for reading = %v", err)
	}
	resist(t, r, onSize)
	resist(t, r, onBytes)
}

func TestSealOwnMapping(t *testing.T) {
	if err := filled(t).Seal(); !errors.Is(err, unix.EBUSY) {
		t.Errorf("Seal() while mapped = %v; want EBUSY", err)
	}
}
