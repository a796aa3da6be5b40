package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/big"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"hotcell/ipc"
	"hotcell/supervisor"
	"hotcell/syscallpolicy"
	"hotcell/vm"
)

// host is a supervisor in this process: sandboxes that share one are measured
// in it, as "hotcell run" has one each.
type host struct {
	supervisor  *supervisor.Supervisor
	interpreter vm.Interpreter
	shim        []byte
}

func openHost(ctx context.Context, python string) (*host, error) {
	return openHostWith(ctx, python, supervisor.Options{})
}

func openHostWith(ctx context.Context, python string, opts supervisor.Options) (*host, error) {
	// Without a cache it only takes longer.
	cache, _ := vm.OpenCache()
	defer cache.Close()
	h := &host{}
	var err error
	if h.interpreter, err = vm.Find(ctx, python, vm.Options{Cache: cache}); err != nil {
		return nil, err
	}
	if h.shim, err = vm.Shim(ctx, h.interpreter, cache); err != nil {
		return nil, err
	}
	h.supervisor, err = supervisor.New(opts)
	return h, err
}

// close comes after every model has ended.
func (h *host) close() { h.supervisor.Close() }

// withModules gives h with an interpreter that finds the modules of dir too.
func (h *host) withModules(dir string) *host {
	other := *h
	other.interpreter.Path = append(slices.Clone(h.interpreter.Path), dir)
	other.interpreter.Mounts = append(slices.Clone(h.interpreter.Mounts), dir)
	return &other
}

// job is one model to run.
type job struct {
	model   string // its file
	modules []string
	read    []string
	inputs  []supervisor.Input
	limits  func(*syscallpolicy.Limits)
}

// ample are limits that no measurement reaches; a job then sets those that it
// wants reached.
func ample() syscallpolicy.Limits {
	l := syscallpolicy.DefaultLimits()
	l.Timeout, l.CPUTime = time.Hour, time.Hour
	l.MaxOperations = 1 << 30
	l.MaxLog = 1 << 40
	return l
}

func (h *host) spec(j job) (supervisor.Spec, error) {
	p, err := syscallpolicy.Preset(syscallpolicy.DefaultPreset)
	if err != nil {
		return supervisor.Spec{}, err
	}
	if p, err = p.WithModules("bench", j.modules...); err != nil {
		return supervisor.Spec{}, err
	}
	for _, path := range j.read {
		if p, err = p.WithRead(path, syscallpolicy.Host); err != nil {
			return supervisor.Spec{}, err
		}
	}
	limits := ample()
	if j.limits != nil {
		j.limits(&limits)
	}
	if p, err = p.WithLimits(limits); err != nil {
		return supervisor.Spec{}, err
	}
	return supervisor.Spec{
		Files:       []supervisor.SourceFile{{Path: filepath.Base(j.model), Source: model(j.model)}},
		Interpreter: h.interpreter, Shim: h.shim, Policy: p,
	}, nil
}

// called launches a model that stays, and calls it once. One that failed in the
// call is given too: the caller closes it.
func (h *host) called(ctx context.Context, spec supervisor.Spec, inputs ...supervisor.Input) (*supervisor.Model, error) {
	m, err := h.supervisor.Launch(ctx, spec, inputs...)
	if err != nil {
		return nil, err
	}
	results, err := m.Call(ctx, supervisor.Call{})
	results.Close()
	return m, err
}

// run runs a job to its end and gives what it printed. Any end but a good
// one is an error.
func (h *host) run(ctx context.Context, j job) ([]byte, *supervisor.Outcome, error) {
	spec, err := h.spec(j)
	if err != nil {
		return nil, nil, err
	}
	var printed bytes.Buffer
	spec.Stdout = &printed
	o := h.supervisor.Run(ctx, spec, j.inputs)
	o.Results.Close()
	if o.Cause.Verdict != supervisor.OK {
		return nil, nil, ended(j, o)
	}
	return printed.Bytes(), o, nil
}

func ended(j job, o *supervisor.Outcome) error {
	err := fmt.Errorf("%s: %w", j.model, o.Cause)
	if o.Cause.Detail != nil {
		err = fmt.Errorf("%w\n%s", err, o.Cause.Detail.Traceback)
	}
	return err
}

// running is a job that goes on until it is stopped.
type running struct {
	job    job
	cancel context.CancelFunc
	begun  chan struct{}
	over   chan *supervisor.Outcome
}

// start launches a job and returns once it has printed its first byte.
func (h *host) start(ctx context.Context, j job) (*running, error) {
	spec, err := h.spec(j)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &running{j, cancel, make(chan struct{}), make(chan *supervisor.Outcome, 1)}
	spec.Stdout = &firstWrite{told: r.begun}
	go func() { r.over <- h.supervisor.Run(ctx, spec, j.inputs) }()
	select {
	case <-r.begun:
		return r, nil
	case o := <-r.over:
		cancel()
		o.Results.Close()
		return nil, ended(j, o)
	}
}

// stop ends the job. That it had ended before spoils a measurement.
func (r *running) stop() error {
	r.cancel()
	o := <-r.over
	o.Results.Close()
	if o.Cause.Verdict != supervisor.Cancelled {
		return fmt.Errorf("ended while it was needed: %w", ended(r.job, o))
	}
	return nil
}

// group are jobs that go on at the same time.
type group []*running

// startAll launches a job so many times, a few at once.
func (h *host) startAll(ctx context.Context, j job, count int) (group, error) {
	const atOnce = 8
	var (
		mu   sync.Mutex
		g    group
		errs []error
		wg   sync.WaitGroup
	)
	slots := make(chan struct{}, atOnce)
	for range count {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			r, err := h.start(ctx, j)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err)
				return
			}
			g = append(g, r)
		})
	}
	wg.Wait()
	if len(errs) > 0 {
		return nil, errors.Join(errs[0], g.stop())
	}
	return g, nil
}

func (g group) stop() error {
	for _, r := range g {
		r.cancel()
	}
	var errs []error
	for _, r := range g {
		errs = append(errs, r.stop())
	}
	return errors.Join(errs...)
}

// firstWrite tells that something was written, once.
type firstWrite struct {
	told chan struct{}
	once sync.Once
}

func (f *firstWrite) Write(p []byte) (int, error) {
	f.once.Do(func() { close(f.told) })
	return len(p), nil
}

// Inputs of models.

func number(name string, n int) supervisor.Input {
	return supervisor.Input{Name: name, Value: ipc.Value{Kind: ipc.KindInt, Int: big.NewInt(int64(n))}}
}

func text(name, s string) supervisor.Input {
	return supervisor.Input{Name: name, Value: ipc.Value{Kind: ipc.KindText, Text: s}}
}

func truth(name string, b bool) supervisor.Input {
	return supervisor.Input{Name: name, Value: ipc.Value{Kind: ipc.KindBool, Bool: b}}
}
