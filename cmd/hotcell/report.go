package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"hotcell/cmd/hotcell/jsonvalue"
	"hotcell/ipc"
	"hotcell/supervisor"
	"hotcell/syscallpolicy"
	"hotcell/vm"
)

// report is what --json prints. Its fields are fixed: programs read them.
type report struct {
	Verdict     supervisor.Verdict           `json:"verdict"`
	Source      supervisor.Source            `json:"source"`
	Reason      string                       `json:"reason"`
	Error       *supervisor.ErrorInfo        `json:"error"`
	Results     resultsReport                `json:"results"`
	Usage       supervisor.Usage             `json:"usage"`
	Limits      limitsReport                 `json:"limits"`
	Operations  []supervisor.OperationRecord `json:"operations"`
	Isolation   supervisor.Isolation         `json:"isolation"`
	Interpreter *interpreterReport           `json:"interpreter"`
	Stdout      string                       `json:"stdout"`
	Stderr      string                       `json:"stderr"`
}

// resultsReport keeps the model's order, which a Go map would lose.
type resultsReport []resultReport

type resultReport struct {
	name  string
	DType string          `json:"dtype,omitempty"`
	Shape []int64         `json:"shape"`
	File  string          `json:"file,omitempty"`
	Value json.RawMessage `json:"value,omitempty"`
}

// MarshalJSON writes an object whose members are in the model's order.
func (r resultsReport) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, result := range r {
		if i > 0 {
			b.WriteByte(',')
		}
		body, err := json.Marshal(result)
		if err != nil {
			return nil, fmt.Errorf("encode result %s: %w", result.name, err)
		}
		fmt.Fprintf(&b, "%q:%s", result.name, body)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

type limitsReport struct {
	MemoryBytes    int64   `json:"memory_bytes"`
	TimeoutSeconds float64 `json:"timeout_seconds"`
	CPUTimeSeconds float64 `json:"cpu_time_seconds"`
	CPUs           float64 `json:"cpus"`
	Threads        int     `json:"threads"`
	Recursion      int     `json:"recursion"`
	MaxOutputBytes int64   `json:"max_output_bytes"`
	MaxLogBytes    int64   `json:"max_log_bytes"`
	MaxOperations  int64   `json:"max_operations"`
	ScratchBytes   int64   `json:"scratch_bytes"`
	MaxFileBytes   int64   `json:"max_file_bytes"`
}

type interpreterReport struct {
	Implementation string `json:"implementation"`
	Version        string `json:"version"`
	Executable     string `json:"executable"`
	Numpy          string `json:"numpy"`
	Reason         string `json:"reason"`
}

func newReport(i vm.Interpreter, o *supervisor.Outcome, files map[string]string) (report, error) {
	results, err := newResults(o.Results, files)
	rep := report{
		Verdict: o.Cause.Verdict, Source: o.Cause.Source, Reason: o.Cause.Reason, Error: o.Cause.Detail,
		Results: results, Usage: o.Usage, Limits: newLimits(o.Limits), Operations: o.Operations, Isolation: o.Isolation,
		Stdout: string(o.Stdout), Stderr: string(o.Stderr),
	}
	if rep.Operations == nil {
		rep.Operations = []supervisor.OperationRecord{}
	}
	if i.Executable != "" {
		rep.Interpreter = &interpreterReport{i.Implementation, i.Version, i.Executable, i.Numpy, i.Reason}
	}
	return rep, err
}

func newLimits(l syscallpolicy.Limits) limitsReport {
	return limitsReport{
		MemoryBytes: l.Memory, TimeoutSeconds: l.Timeout.Seconds(), CPUTimeSeconds: l.CPUTime.Seconds(), CPUs: l.CPUs,
		Threads: l.Threads, Recursion: l.Recursion, MaxOutputBytes: l.MaxOutput, MaxLogBytes: l.MaxLog,
		MaxOperations: l.MaxOperations, ScratchBytes: l.Scratch, MaxFileBytes: l.MaxFile,
	}
}

// maxValues bounds the values in a report, in bytes of JSON: those that come
// after it is spent are left out. The arrays themselves are in files.
const maxValues = 8 << 20

func newResults(results *supervisor.Results, files map[string]string) (resultsReport, error) {
	var list resultsReport
	if results == nil {
		return list, nil
	}
	left := maxValues
	for _, v := range results.Values {
		r := resultReport{name: v.Name, DType: jsonvalue.DType(v.Value), Shape: []int64{}, File: files[v.Name]}
		if v.Value.Kind == ipc.KindArray {
			r.Shape = append(r.Shape, v.Value.Ref.Shape...)
		}
		value, err := jsonvalue.Encode(v.Value, results.Region)
		if err != nil {
			return list, fmt.Errorf("read result %s: %w", v.Name, err)
		}
		if left -= len(value); left >= 0 {
			r.Value = value
		}
		list = append(list, r)
	}
	return list, nil
}

// writeFile replaces a file: whole or not at all.
func writeFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".hotcell-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
