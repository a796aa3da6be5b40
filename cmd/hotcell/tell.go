package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/docker/go-units"

	"hotcell/cmd/hotcell/safetext"
	"hotcell/supervisor"
	"hotcell/syscallpolicy"
)

// tell says how it went, to people or to programs, and gives the exit code.
func (r *run) tell(o *supervisor.Outcome, files map[string]string) int {
	sayMissing(o.Operations)
	rep, err := newReport(r.interpreter, o, files)
	if !r.verbose {
		rep.Usage.LaunchSteps = nil
	}
	var data []byte
	if err == nil {
		data, err = json.MarshalIndent(rep, "", "  ")
	}
	if err != nil {
		fmt.Fprintln(r.stderr, "hotcell: encode report:", safetext.Line(err.Error()))
		return exitHost
	}
	data = append(safetext.JSON(data), '\n')
	code := exitCode(o.Cause)
	if r.reportFile != "" {
		if err := writeFile(r.reportFile, data); err != nil {
			fmt.Fprintln(r.stderr, "hotcell:", safetext.Line(err.Error()))
			code = max(code, exitUsage)
		}
	}
	switch {
	case r.json:
		r.stdout.Write(data)
	case !r.quiet || code != exitOK:
		r.summary(o, rep)
	}
	return code
}

// summary is a few lines on stderr. All text of the sandbox is escaped: --raw
// is about what the model prints, not about what we say of it.
func (r *run) summary(o *supervisor.Outcome, rep report) {
	say := func(format string, args ...any) { fmt.Fprintf(r.stderr, format+"\n", args...) }
	if rep.Error != nil && rep.Error.Traceback != "" {
		say("%s", strings.TrimRight(safetext.Text(rep.Error.Traceback), "\n"))
	}
	say("hotcell: %s%s", rep.Verdict, because(o.Cause))
	for _, result := range rep.Results {
		say("  %s", resultLine(result))
	}
	if o.Usage.WallSeconds > 0 {
		u := o.Usage
		say("  cost: wall %s, CPU %s, memory peak %s, arrays in %s, out %s; launch %s",
			milliseconds(u.WallSeconds), milliseconds(u.CPUSeconds), bytesText(u.MemoryPeakBytes),
			bytesText(u.ArrayBytesIn), bytesText(u.ArrayBytesOut), milliseconds(u.LaunchSeconds))
	}
	for _, limit := range rep.Isolation.Degraded {
		say("  weaker: %s", limit)
	}
	r.operations(rep)
	if r.learned != "" {
		say("  learned: %s", safetext.Line(r.learned))
	}
	if r.verbose || rep.Verdict == supervisor.Exception && r.interpreter.Numpy == "" {
		r.tellInterpreter(rep)
	}
	if r.verbose {
		r.details(rep)
	}
}

func because(c *supervisor.Cause) string {
	if c.Verdict == supervisor.OK {
		return ""
	}
	return ": " + safetext.Line(c.Reason)
}

func resultLine(r resultReport) string {
	line := fmt.Sprintf("%s  %s", r.name, r.DType)
	if len(r.Shape) > 0 {
		line += " " + strings.ReplaceAll(fmt.Sprint(r.Shape), " ", ", ")
	}
	if r.Value != nil {
		line += "  " + safetext.Line(clip(string(r.Value), 200))
	}
	if r.File != "" {
		line += "  -> " + safetext.Line(r.File)
	}
	return line
}

func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

// shownOperations is how many refusals a summary names.
const shownOperations = 5

func (r *run) operations(rep report) {
	shown, refusals := 0, 0
	for _, op := range rep.Operations {
		if op.Refused() {
			refusals++
		}
		if !r.verbose && (!op.Refused() || shown == shownOperations) {
			continue
		}
		if op.Refused() {
			shown++
		}
		fmt.Fprintln(r.stderr, operationLine(op))
	}
	if more := refusals - shown; more > 0 {
		fmt.Fprintf(r.stderr, "  and %d other refusals; -v shows all\n", more)
	}
}

// sayMissing corrects the advice about paths that are not there: a flag with
// one of them would be refused. It comes now that the model is dead, and what
// it says is in the report only.
func sayMissing(operations []supervisor.OperationRecord) {
	for i := range operations {
		op := &operations[i]
		kind, err := syscallpolicy.ParseKind(op.Kind)
		if err != nil || op.Advice == "" || op.Rule != syscallpolicy.DefaultRule {
			continue
		}
		switch missing := syscallpolicy.Missing(kind, op.Target); missing {
		case "":
		case op.Target:
			op.Advice = "it does not exist on this machine, so that nothing can allow it: correct the path, or make it first"
		default:
			op.Advice = fmt.Sprintf("%s does not exist on this machine, so that nothing can be made there: correct the path, or make the directory first", missing)
		}
	}
}

func operationLine(op supervisor.OperationRecord) string {
	word := "refused"
	if !op.Refused() {
		word = "allowed"
	}
	line := fmt.Sprintf("  %s: %s %s (%s", word, op.Kind, safetext.Line(clip(op.Target, 200)), safetext.Line(op.Rule))
	if op.Count > 1 {
		line += fmt.Sprintf(", %d times", op.Count)
	}
	line += ")"
	if op.Advice != "" {
		line += ": " + safetext.Line(op.Advice)
	}
	return line
}

// tellInterpreter names the interpreter. A model that fails without numpy most
// likely met another one than its user thought of.
func (r *run) tellInterpreter(rep report) {
	if i := rep.Interpreter; i != nil {
		numpy := "no numpy"
		if i.Numpy != "" {
			numpy = "numpy " + i.Numpy
		}
		fmt.Fprintf(r.stderr, "  interpreter: %s %s, %s, %s (%s: %s)\n", i.Implementation, i.Version, numpy,
			safetext.Line(i.Executable), safetext.Line(i.Reason), safetext.Line(r.interpreter.Asked))
	}
}

func (r *run) details(rep report) {
	var steps []string
	for _, step := range rep.Usage.LaunchSteps {
		steps = append(steps, step.Name+" "+milliseconds(step.Seconds))
	}
	fmt.Fprintln(r.stderr, "  launch:", strings.Join(steps, ", "))
	if i := rep.Isolation; i.Namespaces != nil {
		fmt.Fprintf(r.stderr, "  isolation: namespaces %s; seccomp %s; Landlock %d; cgroup %s; root %s; capabilities %s; uid %d\n",
			strings.Join(i.Namespaces, " "), i.Seccomp, i.Landlock, i.Cgroup, i.Root, i.Capabilities, i.UID)
	}
}

func milliseconds(s float64) string { return fmt.Sprintf("%.1f ms", s*1e3) }

func bytesText(n int64) string { return units.BytesSize(float64(n)) }
