package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hotcell/syscallpolicy"
)

// flagExamples are values of flags, for errors: each flag that takes one has
// an example.
var flagExamples = map[string]string{
	"memory": "256M", "timeout": "2s", "cpu-time": "2s", "cpus": "1.5", "threads": "16", "recursion": "1000",
	"max-output": "100M", "max-log": "1M", "scratch": "64M", "max-file": "1G", "max-operations": "10000",
	"function": "model", "policy": "model.toml", "read": "/srv/data", "write": "/srv/out", "module": "scipy",
	"modules": "numpy,math", "learn": "learned.toml", "env": "LANG=C", "interpreter": "/usr/bin/python3", "seed": "7",
	"output": "signal=signal.npy", "output-dir": "out", "report": "report.json", "log": "json", "by": "openat", "client": "3",
}

// usageError says what is wrong with a flag, which one, and how it is written.
func usageError(c *cobra.Command, err error) error {
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		name := e.GetFlag().Name
		return fmt.Errorf("--%s: %s%s", name, valueProblem(e), exampleOf(name))
	}
	if e, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		name := e.GetFlag().Name
		return fmt.Errorf("--%s has no value%s", name, exampleOf(name))
	}
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok && e.GetSpecifiedShortnames() == "" {
		text := fmt.Sprintf("there is no flag --%s", e.GetSpecifiedName())
		if near := syscallpolicy.Nearest(e.GetSpecifiedName(), flagNames(c)); near != "" {
			text += fmt.Sprintf("; did you mean --%s%s?", near, spaced(flagExamples[near]))
		}
		return errors.New(text)
	}
	return err
}

// valueProblem words what the standard library says in words of its own.
func valueProblem(e *pflag.InvalidValueError) string {
	switch e.GetFlag().Value.Type() {
	case "int", "int64":
		return fmt.Sprintf("%q is no whole number", e.GetValue())
	case "uint64":
		return fmt.Sprintf("%q is no whole number from 0 to 2^64-1", e.GetValue())
	case "float64":
		return fmt.Sprintf("%q is no number", e.GetValue())
	case "bool":
		return fmt.Sprintf("%q is neither true nor false; the flag alone means true", e.GetValue())
	}
	return e.Unwrap().Error()
}

func exampleOf(flag string) string {
	if flagExamples[flag] == "" {
		return ""
	}
	return fmt.Sprintf("; for example --%s %s", flag, flagExamples[flag])
}

func spaced(s string) string {
	if s == "" {
		return ""
	}
	return " " + s
}

func flagNames(c *cobra.Command) (names []string) {
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}

// limitFlags says of limits that cannot be meant which flags they are.
func limitFlags(err error) error {
	if err == nil {
		return nil
	}
	return errors.New("--" + strings.ReplaceAll(err.Error(), "\n", "; --"))
}

// unknownCommand adds what may be meant.
func unknownCommand(root *cobra.Command, args []string, err error) error {
	if !strings.HasPrefix(err.Error(), "unknown command") || len(args) == 0 {
		return err
	}
	var names []string
	for _, c := range root.Commands() {
		names = append(names, c.Name())
	}
	if near := syscallpolicy.Nearest(args[0], names); near != "" {
		return fmt.Errorf("%w; did you mean %s?", err, near)
	}
	return err
}
