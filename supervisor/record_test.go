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
	if equal := r.add(open, syscallpolicy.Decision{Effect: syscallpolicy.Allow, Rule: "a"}); equal != 1 {
		t.Errorf("the first add of another decision = %d; want 1", equal)
	}
	list := r.snapshot()
	want := "[{open /etc/passwd deny default 3 } {stat /etc/passwd deny default 1 } {open /etc/passwd allow a 1 }]"
	if got := fmt.Sprint(list); got != want {
		t.Errorf("snapshot() = %s; want %s", got, want)
	}
}

func TestRecorderIsBounded(t *testing.T) {
	r := newRecorder(func(syscallpolicy.Operation, syscallpolicy.Decision) string { return "" })
	long := strings.Repeat("x", 2*maxTarget)
	for i := range 5 * maxDistinct {
		r.add(syscallpolicy.Operation{Kind: syscallpolicy.KindOpen, Target: fmt.Sprint(i) + long}, syscallpolicy.Decision{})
	}
	list := r.snapshot()
	if len(list) != maxDistinct+1 {
		t.Fatalf("snapshot() has %d records; want %d", len(list), maxDistinct+1)
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
