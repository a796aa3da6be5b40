package main

import (
	"time"

	"github.com/spf13/pflag"

	"hotcell/syscallpolicy"
)

func bindLimits(f *pflag.FlagSet, l *syscallpolicy.Limits) {
	f.Var((*size)(&l.Memory), "memory", "memory beyond the interpreter's own, a `SIZE` like 256M or 1.5G")
	f.Var((*duration)(&l.Timeout), "timeout", "wall time, a `DURATION` like 500ms or 2s")
	f.Var((*duration)(&l.CPUTime), "cpu-time", "CPU time, a `DURATION`")
	f.Float64Var(&l.CPUs, "cpus", l.CPUs, "processors at once")
	f.IntVar(&l.Threads, "threads", l.Threads, "threads at once")
	f.IntVar(&l.Recursion, "recursion", l.Recursion, "the interpreter's recursion limit")
	f.Var((*size)(&l.MaxOutput), "max-output", "bytes of results, a `SIZE`")
	f.Var((*size)(&l.MaxLog), "max-log", "bytes printed to stdout and stderr, a `SIZE`")
	f.Var((*size)(&l.Scratch), "scratch", "a private /tmp for the model, a `SIZE`; none by default")
	f.Var((*size)(&l.MaxFile), "max-file", "bytes of each file that the model writes, a `SIZE`")
	f.Int64Var(&l.MaxOperations, "max-operations", l.MaxOperations, "operations that the supervisor is asked for, allowed or not")
}

// size is a number of bytes as people write it.
type size int64

func (s *size) String() string { return syscallpolicy.FormatSize(int64(*s)) }

func (s *size) Set(text string) error {
	n, err := syscallpolicy.ParseSize(text)
	if err != nil {
		return err
	}
	*s = size(n)
	return nil
}

func (s *size) Type() string { return "size" }

// duration is a time.Duration with an error that helps.
type duration time.Duration

func (d *duration) String() string { return time.Duration(*d).String() }

func (d *duration) Set(text string) error {
	v, err := syscallpolicy.ParseDuration(text)
	if err != nil {
		return err
	}
	*d = duration(v)
	return nil
}

func (d *duration) Type() string { return "duration" }
