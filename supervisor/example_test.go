package supervisor_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"hotcell/ipc"
	"hotcell/shm"
	"hotcell/supervisor"
	"hotcell/syscallpolicy"
	"hotcell/vm"
)

// A model is launched once and called as often as the host likes; what it
// keeps between calls is its own.
func ExampleSupervisor_Launch() {
	s, err := supervisor.New(supervisor.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	m, err := s.Launch(context.Background(), exampleSpec(`
total = 0.0

def model(x):
    global total
    total += x
    return total
`))
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	for _, x := range []float64{1.5, 2} {
		results, err := m.Call(context.Background(), supervisor.Call{
			Inputs:  []supervisor.Input{{Name: "x", Value: ipc.Value{Kind: ipc.KindFloat, Float: x}}},
			Timeout: time.Second,
		})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(results.Values[0].Name, results.Values[0].Value.Float)
		results.Close()
	}
	// Output:
	// result 1.5
	// result 3.5
}

// Arrays are shared: the host writes its own by a slice, the model reads it where
// it lies, and its result is read where it was kept. Neither is copied in Go.
func ExampleModel_Call() {
	s, err := supervisor.New(supervisor.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	region, ref, prices, err := shm.Make[float64]("prices", 4)
	if err != nil {
		log.Fatal(err)
	}
	defer region.Close()
	m, err := s.Launch(context.Background(), exampleSpec("def model(prices):\n    return prices[1:] - prices[:-1]\n"),
		supervisor.ArrayInput("prices", ref, region))
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	for _, day := range [][]float64{{1, 2, 4, 8}, {3, 3, 5, 4}} {
		copy(prices, day)
		results, err := m.Call(context.Background(), supervisor.Call{})
		if err != nil {
			log.Fatal(err)
		}
		changes, err := shm.Of[float64](results.Region, results.Values[0].Value.Ref)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(changes)
		results.Close() // changes is gone with it
	}
	// Output:
	// [1 2 4]
	// [0 2 -1]
}

// A run is a launch, one call and the end, with a verdict whatever happens.
func ExampleSupervisor_Run() {
	s, err := supervisor.New(supervisor.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	o := s.Run(context.Background(), exampleSpec("import os\n\ndef model():\n    return os.listdir('/etc')\n"), nil)
	defer o.Results.Close()
	fmt.Println(o.Cause.Verdict, o.Cause.Detail.Type)
	for _, op := range o.Operations {
		fmt.Println(op.Kind, op.Target, op.Decision)
	}
	// Output:
	// exception PermissionError
	// list /etc deny
}

// The host decides what a rule says to ask about, while the model stands
// still.
func ExampleAsker() {
	s, err := supervisor.New(supervisor.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	spec := exampleSpec("def model():\n    with open('/settings.json') as f:\n        return f.read()\n")
	spec.Policy = spec.Policy.WithAsk()
	spec.Ask = func(_ context.Context, o syscallpolicy.Operation) (syscallpolicy.Decision, bool) {
		fmt.Println("asked:", o.Kind, o.Target)
		return syscallpolicy.Decision{Effect: syscallpolicy.Virtual, Content: `{"window": 20}`}, false
	}
	o := s.Run(context.Background(), spec, nil)
	defer o.Results.Close()
	fmt.Println(o.Results.Values[0].Value.Text)
	// Output:
	// asked: open /settings.json
	// {"window": 20}
}

// A model calls functions of the host as functions of the module hotcell.
func ExampleHostFunction() {
	s, err := supervisor.New(supervisor.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	spec := exampleSpec("import hotcell\n\ndef model():\n    return 100 * hotcell.rate('EUR')\n")
	spec.Functions = map[string]supervisor.HostFunction{
		"rate": func(_ context.Context, args []supervisor.HostValue) (supervisor.HostValue, error) {
			if args[0].Value.Text != "EUR" {
				return supervisor.HostValue{}, fmt.Errorf("no rate for %q", args[0].Value.Text)
			}
			return supervisor.HostValue{Value: ipc.Value{Kind: ipc.KindFloat, Float: 1.25}}, nil
		},
	}
	o := s.Run(context.Background(), spec, nil)
	defer o.Results.Close()
	fmt.Println(o.Results.Values[0].Value.Float)
	// Output:
	// 125
}

// exampleSpec is a model of source in the first interpreter that is there,
// under the default policy.
func exampleSpec(source string) supervisor.Spec {
	ctx := context.Background()
	cache, _ := vm.OpenCache() // without one it only takes longer
	defer cache.Close()
	interpreter, err := vm.Find(ctx, "", vm.Options{Cache: cache})
	if err != nil {
		log.Fatal(err)
	}
	shim, err := vm.Shim(ctx, interpreter, cache)
	if err != nil {
		log.Fatal(err)
	}
	policy, err := syscallpolicy.Preset(syscallpolicy.DefaultPreset)
	if err != nil {
		log.Fatal(err)
	}
	return supervisor.Spec{
		Files:       []supervisor.SourceFile{{Path: "model.py", Source: []byte(source)}},
		Interpreter: interpreter, Shim: shim, Policy: policy, Arrays: true,
	}
}
