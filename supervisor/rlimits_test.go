package supervisor

import (
	"testing"

	"golang.org/x/sys/unix"

	"hotcell/child"
	"hotcell/syscallpolicy"
)

func TestModelLimits(t *testing.T) {
	l := syscallpolicy.DefaultLimits()
	l.Memory, l.Threads, l.MaxFile, l.MaxOutput = 256<<20, 4, 1<<20, 64<<20
	now := processSize{data: 30 << 20, space: 200 << 20}
	want := map[int]child.Limit{
		unix.RLIMIT_DATA:  {Soft: 280 << 20, Hard: 280 << 20}, // 250 MiB more
		unix.RLIMIT_AS:    {Soft: (200 + 256 + 64 + 4*130 + 1024) << 20, Hard: unix.RLIM_INFINITY},
		unix.RLIMIT_NPROC: {Soft: 5, Hard: 5},
		unix.RLIMIT_FSIZE: {Soft: 1 << 20, Hard: 1 << 20},
		unix.RLIMIT_STACK: {Soft: 8 << 20, Hard: 8 << 20},
	}
	got := modelLimits(l, now, 5)
	if len(got) != len(want) {
		t.Errorf("%d limits; want %d", len(got), len(want))
	}
	for _, l := range got {
		w := want[l.Resource]
		if w.Resource = l.Resource; l != w {
			t.Errorf("limit %d: soft %d, hard %d; want %d, %d", l.Resource, l.Soft, l.Hard, w.Soft, w.Hard)
		}
	}
}

// The smallest memory limit leaves a model some data, a large one almost all.
func TestDataBudget(t *testing.T) {
	for _, test := range []struct{ memory, want int64 }{
		{1 << 20, 909312},
		{64 << 20, 59<<20 + 512<<10},
		{512 << 20, 504 << 20},
		{64 << 30, 65020 << 20},
	} {
		if got := dataBudget(test.memory); got != uint64(test.want) {
			t.Errorf("dataBudget(%d) = %d; want %d", test.memory, got, test.want)
		}
	}
}
