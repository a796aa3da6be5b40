package main

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"hotcell/cmd/hotcell/arrayfile"
	"hotcell/ipc"
	"hotcell/shm"
	"hotcell/supervisor"
)

// checkOutputs refuses outputs that can never be written, before a model
// runs for them.
func (r *run) checkOutputs() error {
	for _, output := range r.outputs {
		name, file, ok := strings.Cut(output, "=")
		if !ok || file == "" || !shm.ValidName(name) {
			return badInput("output %q: write it as NAME=FILE.npy", output)
		}
	}
	if r.outputDir == "" {
		return nil
	}
	if err := os.MkdirAll(r.outputDir, 0o777); err != nil {
		return badInput("output directory: %v", err)
	}
	return nil
}

// store writes the arrays that the user asked for and tells where each went.
func (r *run) store(o *supervisor.Outcome) (map[string]string, error) {
	files := map[string]string{}
	if o.Results == nil {
		return files, nil
	}
	for _, output := range r.outputs {
		name, file, _ := strings.Cut(output, "=")
		value := find(o.Results.Values, name)
		if value == nil {
			return files, badInput("output %s: the model returned no result of that name, but %s", name, names(o.Results.Values))
		}
		if value.Kind != ipc.KindArray {
			return files, badInput("output %s: the result is no array; its value is in the report", name)
		}
		if err := arrayfile.StoreFile(file, value.Ref, o.Results.Region); err != nil {
			return files, err
		}
		files[name] = file
	}
	if r.outputDir == "" {
		return files, nil
	}
	return files, r.storeAll(o, files)
}

func (r *run) storeAll(o *supervisor.Outcome, files map[string]string) error {
	dir, err := os.OpenFile(r.outputDir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return badInput("output directory: %v", err)
	}
	defer dir.Close()
	for _, result := range o.Results.Values {
		if result.Value.Kind != ipc.KindArray {
			continue
		}
		if err := arrayfile.Store(dir, result.Name, result.Value.Ref, o.Results.Region); err != nil {
			return err
		}
		if files[result.Name] == "" {
			files[result.Name] = strings.TrimSuffix(r.outputDir, "/") + "/" + result.Name + ".npy"
		}
	}
	return nil
}

func find(values []ipc.Arg, name string) *ipc.Value {
	for i := range values {
		if values[i].Name == name {
			return &values[i].Value
		}
	}
	return nil
}

func names(values []ipc.Arg) string {
	var list []string
	for _, v := range values {
		list = append(list, v.Name)
	}
	if list == nil {
		return "nothing"
	}
	return strings.Join(list, ", ")
}

// storeCause is a result that could not be written: the model did its part.
func storeCause(err error) *supervisor.Cause {
	cause := &supervisor.Cause{
		Verdict: supervisor.SetupError, Source: supervisor.FromSupervisor, Unmet: supervisor.UnmetHost,
		Reason: "the model returned, but its results could not be written: " + err.Error(),
	}
	_, input := errors.AsType[*inputError](err)
	_, file := errors.AsType[*arrayfile.InputError](err)
	if input || file {
		cause.Unmet = supervisor.UnmetInput
	}
	return cause
}
