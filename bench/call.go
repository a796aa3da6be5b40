package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"hotcell/ipc"
	"hotcell/shm"
	"hotcell/supervisor"
)

// callBench compares calls of a resident model with a byte sent to and fro
// between two C programs, and its arrays with one copy by numpy and with
// multiprocessing.Pipe.
type callBench struct {
	host     *host
	pingpong string
	pipes    string
	python   string
}

// The sizes of arrays, in bytes.
const (
	smallest = 8
	largest  = 100 << 20
)

func call(ctx context.Context, o options) error {
	w, err := newWorkshop()
	if err != nil {
		return err
	}
	defer w.close()
	b := callBench{python: o.python}
	if b.pingpong, err = w.compile(ctx, "floor/pingpong.c", "pingpong"); err != nil {
		return err
	}
	if b.pipes, err = w.put("models/pipes.py"); err != nil {
		return err
	}
	if b.host, err = openHost(ctx, o.python); err != nil {
		return err
	}
	defer b.host.close()
	for _, load := range []struct {
		name  string
		start func() (func(), error)
	}{{"idle machine", func() (func(), error) { return func() {}, nil }}, {"busy machine", b.burn}} {
		stop, err := load.start()
		if err != nil {
			return err
		}
		fmt.Println(load.name)
		err = b.trips(ctx, o.rounds)
		stop()
		if err != nil {
			return err
		}
	}
	fmt.Println("large arrays")
	return b.large(ctx, o.rounds)
}

// burn keeps every processor busy until the function that it gives is called.
func (b *callBench) burn() (func(), error) {
	burners, err := startBurners(context.Background(), b.python, runtime.NumCPU())
	return burners.stop, err
}

// trips are calls with one bound array of 8 bytes and a number back.
func (b *callBench) trips(ctx context.Context, rounds int) error {
	m, err := b.launch(ctx, smallest)
	if err != nil {
		return err
	}
	defer m.close()
	var floor, pipe pair
	for i := range rounds {
		ours, theirs, err := inTurn(i, func() (sample, error) { return m.time(200, 100, supervisor.Call{}) },
			func() (sample, error) { return b.pings(ctx) })
		if err != nil {
			return err
		}
		floor.add(ours, theirs)
		pipes, err := b.pipe(ctx, smallest, 20, 100)
		if err != nil {
			return err
		}
		pipe.add(ours, pipes.Pipe)
	}
	floor.print("a call with a bound array of 8 bytes", "hotcell", "ping-pong", 1e-3, "us")
	pipe.print("the same beside multiprocessing.Pipe there and back", "hotcell", "pipe", 1e-3, "us")
	return nil
}

// large is 100 MiB bound, to a number and to an array of that size.
func (b *callBench) large(ctx context.Context, rounds int) error {
	small, err := b.launch(ctx, smallest)
	if err != nil {
		return err
	}
	defer small.close()
	big, err := b.launch(ctx, largest)
	if err != nil {
		return err
	}
	defer big.close()
	var scalar, copied, sealed, live, pipe pair
	index := supervisor.Call{Inputs: []supervisor.Input{number("n", 12345)}}
	whole := supervisor.Call{Out: []shm.Ref{{Name: "out", DType: float64s, Shape: []int64{largest / 8}}}}
	for i := range rounds {
		ours, theirs, err := inTurn(i, func() (sample, error) { return big.time(50, 20, index) },
			func() (sample, error) { return small.time(50, 20, index) })
		if err != nil {
			return err
		}
		scalar.add(ours, theirs)
		if ours, err = big.time(8, 1, whole); err != nil {
			return err
		}
		for _, other := range []struct {
			delivery supervisor.Delivery
			times    *pair
		}{{supervisor.Sealed, &sealed}, {supervisor.Live, &live}} {
			c := whole
			c.Results = other.delivery
			theirs, err := big.time(8, 1, c)
			if err != nil {
				return err
			}
			other.times.add(theirs, ours)
		}
		pipes, err := b.pipe(ctx, largest, 3, 1)
		if err != nil {
			return err
		}
		copied.add(ours, pipes.Copy)
		pipe.add(ours, pipes.Pipe)
	}
	scalar.print("a number of an array of 100 MiB, and of one of 8 bytes", "100 MiB", "8 bytes", 1e-3, "us")
	copied.print("100 MiB in, 100 MiB written and kept by the host, beside one np.copyto", "hotcell", "copyto", 1e-6, "ms")
	sealed.print("the same with the result sealed in place of copied", "sealed", "copied", 1e-6, "ms")
	live.print("the same with a live result in place of a copied one", "live", "copied", 1e-6, "ms")
	pipe.print("the same beside multiprocessing.Pipe there and back", "hotcell", "pipe", 1e-6, "ms")
	return nil
}

var float64s = mustDType("<f8")

func mustDType(descr string) shm.DType {
	d, err := shm.ParseDType(descr)
	if err != nil {
		panic(err)
	}
	return d
}

// resident is a launched model with its bound array.
type resident struct {
	model  *supervisor.Model
	region *shm.Region
}

func (b *callBench) launch(ctx context.Context, size int64) (*resident, error) {
	region, memory, err := shm.Owned("bench", size)
	if err != nil {
		return nil, err
	}
	for i := range memory {
		memory[i] = 0 // touched
	}
	spec, err := b.host.spec(job{model: "calls.py"})
	if err != nil {
		region.Close()
		return nil, err
	}
	spec.Arrays = true
	x := shm.Ref{DType: float64s, Shape: []int64{size / 8}}
	m, err := b.host.supervisor.Launch(ctx, spec, supervisor.ArrayInput("x", x, region))
	if err != nil {
		region.Close()
		return nil, err
	}
	return &resident{m, region}, nil
}

func (r *resident) close() {
	r.model.Close()
	r.region.Close()
}

// time gives nanoseconds a call, one value for each block of calls. The first
// block is not counted.
func (r *resident) time(blocks, block int, c supervisor.Call) (sample, error) {
	var s sample
	for range blocks + 1 {
		start := time.Now()
		for range block {
			results, err := r.model.Call(context.Background(), c)
			if err != nil {
				return nil, err
			}
			if results.Values[0].Value.Kind == ipc.KindNone {
				return nil, fmt.Errorf("the model gave nothing")
			}
			results.Close()
		}
		s = append(s, float64(time.Since(start).Nanoseconds())/float64(block))
	}
	return s[1:], nil
}

func (b *callBench) pings(ctx context.Context) (sample, error) {
	out, err := exec.CommandContext(ctx, b.pingpong, "200").Output()
	if err != nil {
		return nil, fmt.Errorf("ping-pong: %w%s", err, stderr(err))
	}
	var s sample
	for field := range strings.FieldsSeq(string(out)) {
		v, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return nil, fmt.Errorf("ping-pong: %w", err)
		}
		s = append(s, v)
	}
	return s, nil
}

// pipes are times of multiprocessing.Pipe and of one copy of the same array.
type pipes struct{ Pipe, Copy sample }

func (b *callBench) pipe(ctx context.Context, size, blocks, block int) (p pipes, err error) {
	cmd := exec.CommandContext(ctx, b.python, b.pipes, strconv.Itoa(size), strconv.Itoa(blocks), strconv.Itoa(block))
	out, err := cmd.Output()
	if err != nil {
		return p, fmt.Errorf("pipe: %w%s", err, stderr(err))
	}
	return p, json.Unmarshal(out, &p)
}
