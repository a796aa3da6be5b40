package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"hotcell/cmd/hotcell/arrayfile"
	"hotcell/cmd/hotcell/safetext"
	"hotcell/supervisor"
	"hotcell/syscallpolicy"
	"hotcell/vm"
)

// runOptions are the flags of "hotcell run".
type runOptions struct {
	policyFlags
	function    string
	learn       string
	env         []string
	interpreter string
	seed        uint64
	seeded      bool
	outputs     []string
	outputDir   string
	json        bool
	reportFile  string
	log         string
	raw         bool
	quiet       bool
	verbose     bool

	allowDegraded bool
}

func runCommand() *cobra.Command {
	var o runOptions
	c := &cobra.Command{
		Use:   "run [flags] MODEL [NAME=VALUE ...]",
		Short: "Run one model in a sandbox of its own",
		Long: `Run one model in a sandbox of its own and give back what it returned.

MODEL is a .py file, or a directory with __main__.py or model.py whose other
modules it may import. It defines def model(...); inputs arrive by name.

NAME=@FILE passes an array: f.npy, f.npz:KEY, f.csv:COLUMN or f.csv:A,B, with a
Python slice at the end if wanted: @prices.npy[100:200]. Any other VALUE is
JSON or, failing that, a string.`,
		Example: `  hotcell run momentum.py prices=@indices.csv:DAX window=20 -o signal=signal.npy`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("name a MODEL: a .py file, or a directory with __main__.py or model.py")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			o.seeded = c.Flags().Changed("seed")
			r := run{runOptions: o, stdout: c.OutOrStdout(), stderr: c.ErrOrStderr()}
			if code := r.main(c.Context(), args[0], args[1:]); code != exitOK {
				return exitError(code)
			}
			return nil
		},
	}
	o.bindAll(c)
	return c
}

func (o *runOptions) bindAll(c *cobra.Command) {
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&o.function, "function", "model", "the function to call")
	o.policyFlags.bind(f)
	f.BoolVar(&o.ask, "ask", false, "ask at the terminal about what no rule decides")
	f.StringVar(&o.learn, "learn", "", "write a policy of what was refused to `FILE`: active for the model's own directory and the preset's lists, the rest in comments")
	f.StringArrayVar(&o.env, "env", nil, "set `K=V` in the model's environment, which is else empty (repeatable)")
	f.StringVar(&o.interpreter, "interpreter", "", "`PATH`, cpython or pypy; default: the first on the PATH that has numpy")
	f.Uint64Var(&o.seed, "seed", 0, "make random generators repeat; default: random")
	f.StringArrayVarP(&o.outputs, "output", "o", nil, "write a result: `NAME=FILE.npy` (repeatable)")
	f.StringVar(&o.outputDir, "output-dir", "", "write every array among the results to `DIR`/NAME.npy")
	f.BoolVar(&o.json, "json", false, "print the report on stdout, and nothing else")
	f.StringVar(&o.reportFile, "report", "", "write the report to `FILE`")
	f.StringVar(&o.log, "log", "", "log decisions and the end to stderr as `text|json`")
	f.BoolVar(&o.raw, "raw", false, "do not escape control characters in what the model prints")
	f.BoolVar(&o.allowDegraded, "allow-degraded", false, "take weaker limits where the host's control groups lack something; the report says which")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no summary of a run that is ok; what goes wrong is still told")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "say more: isolation, all operations")
}

// run is one "hotcell run".
type run struct {
	runOptions
	stdout, stderr io.Writer
	interpreter    vm.Interpreter
	effective      syscallpolicy.Policy
	learner        *syscallpolicy.Learner
	learned        string // what was written of it, for the summary
}

// main runs the model and gives the exit code.
func (r *run) main(ctx context.Context, model string, args []string) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, unix.SIGTERM)
	defer stop()
	outcome := r.outcome(ctx, model, args)
	defer outcome.Results.Close()
	files, err := r.store(outcome)
	if err == nil {
		err = r.writeLearned(model)
	}
	if err != nil {
		outcome.Cause = storeCause(err)
	}
	return r.tell(outcome, files)
}

// outcome runs the model; whatever fails before becomes a setup-error.
func (r *run) outcome(ctx context.Context, model string, args []string) *supervisor.Outcome {
	spec, inputs, err := r.prepare(ctx, model, args)
	defer func() {
		for _, in := range inputs {
			if in.Region != nil {
				in.Region.Close()
			}
		}
	}()
	if err != nil {
		return r.unusable(err)
	}
	log, err := r.logger()
	if err != nil {
		return r.unusable(err)
	}
	s, err := supervisor.New(supervisor.Options{Logger: log, AllowDegraded: r.allowDegraded})
	if err != nil {
		return r.unusable(err)
	}
	outcome := s.Run(ctx, spec, inputs)
	if err := s.Close(); err != nil && outcome.Cause.Verdict == supervisor.OK {
		outcome.Cause = &supervisor.Cause{Verdict: supervisor.InternalError, Source: supervisor.FromSupervisor, Reason: err.Error()}
	}
	return outcome
}

// logger writes events to stderr, escaped: targets are the model's words.
func (r *run) logger() (*slog.Logger, error) {
	switch r.log {
	case "":
		return nil, nil
	case "text":
		return slog.New(slog.NewTextHandler(safetext.NewWriter(r.stderr), nil)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(jsonLines{r.stderr}, nil)), nil
	}
	return nil, badInput("--log %s: write text or json", r.log)
}

// jsonLines escapes lines of JSON, which come in one write each.
type jsonLines struct{ to io.Writer }

func (w jsonLines) Write(line []byte) (int, error) {
	_, err := w.to.Write(safetext.JSON(line))
	return len(line), err
}

// prepare reads everything that the user named. Inputs are returned with an
// error too, to be closed.
func (r *run) prepare(ctx context.Context, model string, args []string) (supervisor.Spec, []supervisor.Input, error) {
	var spec supervisor.Spec
	files, err := readModel(model)
	if err != nil {
		return spec, nil, err
	}
	if err := r.checkOutputs(); err != nil {
		return spec, nil, err
	}
	inputs, arrays, err := readInputs(args)
	if err != nil {
		return spec, inputs, err
	}
	shim, err := r.findInterpreter(ctx)
	if err != nil {
		return spec, inputs, err
	}
	policy, err := r.policy()
	if err != nil {
		return spec, inputs, asInput(err)
	}
	if r.ask {
		if spec.Ask, err = terminalAsker(model); err != nil {
			return spec, inputs, err
		}
	}
	for _, pair := range r.env {
		if name, _, ok := strings.Cut(pair, "="); !ok || name == "" {
			return spec, inputs, badInput("--env %s: write it as K=V", pair)
		}
	}
	spec.Files, spec.Function, spec.Interpreter, spec.Shim = files, r.function, r.interpreter, shim
	spec.Policy, spec.Env, spec.Arrays = policy, r.env, arrays
	r.effective = policy
	if r.learn != "" {
		r.learner = &syscallpolicy.Learner{}
		spec.Observe = r.learner.Add
	}
	if r.seeded {
		spec.Seed = &r.seed
	}
	if !r.json {
		spec.Stdout, spec.Stderr = r.through(r.stdout), r.through(r.stderr)
	}
	return spec, inputs, nil
}

// through is where the model's own output goes.
func (r *run) through(w io.Writer) io.Writer {
	if r.raw {
		return w
	}
	return safetext.NewWriter(w)
}

func (r *run) findInterpreter(ctx context.Context) (shim []byte, err error) {
	// Without a cache it only takes longer.
	cache, _ := vm.OpenCache()
	defer cache.Close()
	r.interpreter, err = vm.Find(ctx, r.runOptions.interpreter, vm.Options{Cache: cache})
	if err != nil {
		return nil, &hostError{err, r.runOptions.interpreter != ""}
	}
	return vm.Shim(ctx, r.interpreter, cache)
}

// asInput marks an error as the user's to mend.
func asInput(err error) error {
	if _, ok := errors.AsType[*inputError](err); ok {
		return err
	}
	return badInput("%v", err)
}

// unusable turns an error before the launch into an outcome.
func (r *run) unusable(err error) *supervisor.Outcome {
	cause := &supervisor.Cause{
		Verdict: supervisor.SetupError, Source: supervisor.FromSupervisor, Unmet: supervisor.UnmetHost, Reason: err.Error(),
	}
	_, file := errors.AsType[*arrayfile.InputError](err)
	_, input := errors.AsType[*inputError](err)
	host, isHost := errors.AsType[*hostError](err)
	if file || input || isHost && host.chosen {
		cause.Unmet = supervisor.UnmetInput
	}
	return &supervisor.Outcome{Cause: cause, Limits: r.effective.Limits()}
}

// inputError is what the user can mend in what he gave.
type inputError struct{ text string }

func (e *inputError) Error() string { return e.text }

func badInput(format string, args ...any) error { return &inputError{fmt.Sprintf(format, args...)} }

// hostError is an interpreter that cannot be had: the user's mistake if he
// chose it.
type hostError struct {
	error
	chosen bool
}

func (e *hostError) Unwrap() error { return e.error }
