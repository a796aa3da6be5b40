package supervisor

import (
	"fmt"
	"strings"
	"testing"

	"hotcell/syscallpolicy"
)

func TestRecorderFolds(t *testing.T) {
	r := newRecorder(func(syscallpolicy.Operation, syscallpolicy.Decision) string { return "" })
	open := syscallpolicy.Operation{Kind: syscallpolicy.KindOpen, Target: "/etc/passwd"}
	stat := syscallpolicy.Operation{Kind: syscallpolicy.KindStat, Target: "/etc/passwd"}
	denied := syscallpolicy.Decision{Rule: "default"}
	for range 3 {
		r.add(open, denied)
	}
	r.add(stat, denied)
	if got, equal := r.add(open, syscallpolicy.Decision{Effect: syscallpolicy.Allow, Rule: "a"}); got != 5 || equal != 1 {
		t.Errorf("the fifth add = %d, %d; want 5, 1", got, equal)
	}
	list, total := r.snapshot()
	want := "[{open /etc/passwd deny default 3 } {stat /etc/passwd deny default 1 } {open /etc/passwd allow a 1 }]"
	if got := fmt.Sprint(list); got != want || total != 5 {
		t.Errorf("snapshot() = %s, %d; want %s, 5", got, total, want)
	}
}

func TestRecorderIsBounded(t *testing.T) {
	r := newRecorder(func(syscallpolicy.Operation, syscallpolicy.Decision) string { return "" })
	long := strings.Repeat("x", 2*maxTarget)
	for i := range 5 * maxDistinct {
		r.add(syscallpolicy.Operation{Kind: syscallpolicy.KindOpen, Target: fmt.Sprint(i) + long}, syscallpolicy.Decision{})
	}
	list, total := r.snapshot()
	if len(list) != maxDistinct+1 || total != 5*maxDistinct {
		t.Fatalf("snapshot() has %d records of %d; want %d of %d", len(list), total, maxDistinct+1, 5*maxDistinct)
	}
	last := list[maxDistinct]
	if last.Kind != "others" || last.Count != 4*maxDistinct {
		t.Errorf("the last record is %+v; want %d others", last, 4*maxDistinct)
	}
	for _, o := range list {
		if len(o.Target) > maxTarget {
			t.Fatalf("a target of %d bytes is kept", len(o.Target))
		}
	}
}
