package supervisor

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"hotcell/ipc"
	"hotcell/syscallpolicy"
)

// double gives twice the numbers of its array, as one.
func double(_ context.Context, args []HostValue) (HostValue, error) {
	out := args[0]
	for i := 0; i < len(out.Data); i += 8 {
		v := math.Float64frombits(binary.LittleEndian.Uint64(out.Data[i:]))
		binary.LittleEndian.PutUint64(out.Data[i:], math.Float64bits(2*v))
	}
	return out, nil
}

func rate(_ context.Context, args []HostValue) (HostValue, error) {
	for _, a := range args {
		switch {
		case a.Value.Text == "panic":
			panic("secret of the host")
		case a.Value.Text == "XXX":
			return HostValue{}, errors.New("secret of the host")
		case a.Name == "currency" || a.Name == "_0":
			return HostValue{Value: ipc.Value{Kind: ipc.KindFloat, Float: 1.25}}, nil
		}
	}
	return HostValue{Value: ipc.Value{Kind: ipc.KindText, Text: strings.Repeat("long", 10000)}}, nil
}

func TestHostFunctions(t *testing.T) {
	spec := testSpec(t, `
import hotcell
import numpy as np
from hotcell import rate


def model():
    out = {"keyword": rate(currency="EUR"), "positional": rate("EUR"), "long": len(rate())}
    doubled = hotcell.double(np.arange(6.0).reshape(2, 3))
    out["doubled"] = doubled.sum() if doubled.shape == (2, 3) else -1
    again = hotcell.double(np.ones(6))
    out["kept"] = doubled[1, 2]
    for name, act in (("raised", lambda: rate("XXX")), ("panicked", lambda: rate("panic")),
                      ("unfit", lambda: rate(object())), ("large", lambda: rate(np.zeros(3_000_000)))):
        try:
            act()
        except hotcell.FunctionError as e:
            out[name] = str(e)
    out["there"] = hasattr(hotcell, "other")
    return out
`)
	spec.Arrays, spec.Functions = true, map[string]HostFunction{"rate": rate, "double": double}
	m := launchSpec(t, testSupervisor(t), spec)
	r, err := m.Call(t.Context(), Call{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got := map[string]ipc.Value{}
	for _, v := range r.Values {
		got[v.Name] = v.Value
	}
	// numpy's scalars come back as arrays of no axis.
	read := func(name string) float64 {
		b := make([]byte, 8)
		if _, err := r.Region.ReadAt(b, got[name].Ref.Offset); err != nil {
			t.Fatal(err)
		}
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	if got["keyword"].Float != 1.25 || got["positional"].Float != 1.25 || got["long"].Int.Int64() != 40000 {
		t.Errorf("scalars are %v, %v, %v; want 1.25, 1.25, 40000", got["keyword"].Float, got["positional"].Float, got["long"].Int)
	}
	if read("doubled") != 30 || read("kept") != 10 {
		t.Errorf("arrays give %g and %g; want 30 and 10", read("doubled"), read("kept"))
	}
	for name, want := range map[string]string{
		"raised": "the host's function rate failed", "panicked": "the host's function rate failed",
		"unfit": "arguments of rate: _0 is a builtins.object", "large": "the limit is 16777216",
	} {
		if text := got[name].Text; !strings.Contains(text, want) || strings.Contains(text, "secret") {
			t.Errorf("%s: %q; want %q", name, text, want)
		}
	}
	if got["there"].Bool {
		t.Error("a function that was not offered is there")
	}
}

// A rule comes before the offer.
func TestHostFunctionIsDecided(t *testing.T) {
	spec := testSpec(t, "import hotcell\n\n\ndef model():\n    try:\n        hotcell.rate('EUR')\n    except hotcell.FunctionError as e:\n        return str(e)\n")
	spec.Functions = map[string]HostFunction{"rate": rate}
	rule := syscallpolicy.Rule{Kinds: syscallpolicy.KindsOf(syscallpolicy.KindCall), Effect: syscallpolicy.Kill, Origin: "a rule"}
	spec.Policy = must(spec.Policy.WithRules(syscallpolicy.Host, rule))
	o := runModel(t, testSupervisor(t), spec, PolicyViolation)
	if !strings.Contains(o.Cause.Reason, `call "rate"`) {
		t.Errorf("reason %q; want one that names the call", o.Cause.Reason)
	}
}

func TestBadFunctionNames(t *testing.T) {
	for _, name := range []string{"", "empty", "_x", "a-b", strings.Repeat("x", 65)} {
		spec := testSpec(t, "def model():\n    pass\n")
		spec.Functions = map[string]HostFunction{name: rate}
		runModel(t, testSupervisor(t), spec, SetupError)
	}
}
