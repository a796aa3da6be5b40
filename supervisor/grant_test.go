package supervisor

import (
	"testing"

	"hotcell/syscallpolicy"
)

func TestGrantsOnOldKernels(t *testing.T) {
	plain := testPolicy(t)
	limits := plain.Limits()
	limits.Scratch = 1 << 20
	for name, c := range map[string]struct {
		policy syscallpolicy.Policy
		once   bool
		want   bool
	}{
		"nothing":            {plain, false, true},
		"reading":            {must(plain.WithRead(t.TempDir(), syscallpolicy.Host)), false, true},
		"writing":            {must(plain.WithWrite(t.TempDir(), syscallpolicy.Host)), false, false},
		"writing, new":       {must(plain.WithWrite(t.TempDir(), syscallpolicy.Host)), true, true},
		"scratch":            {must(plain.WithLimits(limits)), false, false},
		"scratch, new":       {must(plain.WithLimits(limits)), true, true},
		"a connection":       {connecting(t, plain), false, false},
		"a connection, new ": {connecting(t, plain), true, true},
	} {
		if err := repeatable(c.policy, c.once); (err == nil) != c.want {
			t.Errorf("%s: error %v; want none: %v", name, err, c.want)
		}
	}
}

func connecting(t *testing.T, p syscallpolicy.Policy) syscallpolicy.Policy {
	t.Helper()
	return must(p.WithRules(syscallpolicy.Host, syscallpolicy.Rule{
		Kinds: syscallpolicy.KindsOf(syscallpolicy.KindConnect), Target: "localhost:80", Effect: syscallpolicy.Allow, Origin: "test",
	}))
}
