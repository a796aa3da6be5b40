package doctor

import (
	"context"
	"errors"
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
	spec := supervisor.Spec{
		Files:       []supervisor.SourceFile{{Path: "doctor.py", Source: []byte(plainModel)}},
		Interpreter: interpreter, Shim: shim, Limits: syscallpolicy.DefaultLimits(),
	}
	if interpreter.Numpy != "" {
		spec.Files[0].Source = []byte(numpyModel)
		spec.Modules, spec.Required = []string{"numpy"}, []string{"numpy"}
	}
	started := time.Now()
	s, err := supervisor.New(supervisor.Options{})
	if err != nil {
		return run{err: err}
	}
	r := run{outcome: s.Run(ctx, spec, nil)}
	r.outcome.Results.Close()
	if err := s.Close(); err != nil {
		r.err = errors.Join(r.err, err)
	}
	r.took = time.Since(started)
	return r
}
