package doctor

import (
	"context"
	"time"

	"hotcell/supervisor"
	"hotcell/syscallpolicy"
	"hotcell/vm"
)

// run is what came of a real model.
type run struct {
	err     error // of making the supervisor, or of closing it
	outcome *supervisor.Outcome
	took    time.Duration
}

// The models. What numpy gives back has been through its native code.
const (
	plainModel = "def model():\n    return 42\n"
	numpyModel = "import numpy as np\n\n\ndef model():\n    return int(np.arange(7).sum() * 2)\n"
)

// tryModel runs a trivial model as "hotcell run" does.
func tryModel(ctx context.Context, interpreter vm.Interpreter, shim []byte) run {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	started := time.Now()
	policy, source, err := trivial(interpreter.Numpy != "")
	if err != nil {
		return run{err: err}
	}
	s, err := supervisor.New(supervisor.Options{})
	if err != nil {
		return run{err: err}
	}
	r := run{outcome: s.Run(ctx, supervisor.Spec{
		Files:       []supervisor.SourceFile{{Path: "doctor.py", Source: []byte(source)}},
		Interpreter: interpreter, Shim: shim, Policy: policy,
	}, nil)}
	r.outcome.Results.Close()
	r.err = s.Close()
	r.took = time.Since(started)
	return r
}

// trivial is a model with its policy; with numpy, it fails where that cannot
// be imported.
func trivial(numpy bool) (syscallpolicy.Policy, string, error) {
	policy, err := syscallpolicy.Preset("compute")
	if err != nil || !numpy {
		return policy, plainModel, err
	}
	policy, err = policy.WithModules("doctor", "numpy")
	return policy, numpyModel, err
}
