package service

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"math/big"
	"os"
	"slices"
	"testing"
	"time"

	"hotcell/child"
	"hotcell/internal/fdcheck"
	"hotcell/ipc"
	"hotcell/shm"
	"hotcell/supervisor"
	"hotcell/syscallpolicy"
	"hotcell/vm"
)

// The test binary is the supervisor here, so it is its own child too.
func TestMain(m *testing.M) {
	child.Dispatch()
	supervisor.TuneRuntime()
	if err := warm(); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Exit(fdcheck.Run(m))
}

// warm opens what a process opens once, at its first model.
func warm() error {
	s, err := supervisor.New(supervisor.Options{})
	if err != nil {
		return err
	}
	spec := supervisor.Spec{Files: []supervisor.SourceFile{{Path: "m.py", Source: []byte("def model():\n    pass\n")}}}
	if err := resolve(context.Background(), &ipc.Launch{}, &spec); err != nil {
		return err
	}
	o := s.Run(context.Background(), spec, nil)
	o.Results.Close()
	if o.Cause.Verdict != supervisor.OK {
		return o.Cause
	}
	return s.Close()
}

func resolve(ctx context.Context, launch *ipc.Launch, spec *supervisor.Spec) error {
	cache, _ := vm.OpenCache()
	defer cache.Close()
	var err error
	if spec.Interpreter, err = vm.Find(ctx, "/usr/bin/python3", vm.Options{Cache: cache}); err != nil {
		return err
	}
	if spec.Shim, err = vm.Shim(ctx, spec.Interpreter, cache); err != nil {
		return err
	}
	if spec.Policy, err = syscallpolicy.Preset("compute"); err != nil {
		return err
	}
	if launch.Ask {
		spec.Policy = spec.Policy.WithAsk()
	}
	if slices.Contains(launch.Options, "timeout=1s") {
		limits := spec.Policy.Limits()
		limits.Timeout = time.Second
		spec.Policy, err = spec.Policy.WithLimits(limits)
	}
	return err
}

// client is a client's side of its conversation.
type client struct {
	t    *testing.T
	conn *ipc.Conn
	done chan error // of Serve
}

func start(t *testing.T) *client {
	t.Helper()
	s, err := supervisor.New(supervisor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	conn, peer, err := ipc.Pair()
	if err != nil {
		t.Fatal(err)
	}
	server := &Server{Supervisor: s, Version: "test", Resolve: resolve, Report: func(_ *supervisor.Spec, o *supervisor.Outcome) ([]byte, error) {
		return json.Marshal(map[string]any{"verdict": o.Cause.Verdict, "calls": o.Usage.WallSeconds > 0})
	}}
	c := &client{t, conn, make(chan error, 1)}
	go func() { c.done <- server.Serve(context.Background(), adopt(t, peer)) }()
	t.Cleanup(func() {
		conn.Close()
		if err := <-c.done; err != nil && !errors.Is(err, ipc.ErrFrame) {
			t.Errorf("serve: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	c.send(&ipc.Open{Client: "test"})
	opened, _ := receive[*ipc.Opened](t, conn)
	if opened.Version != "test" || int(opened.PID) != os.Getpid() {
		t.Fatalf("opened is %+v", opened)
	}
	return c
}

// adopt makes a conversation of the peer's end, which blocks.
func adopt(t *testing.T, f *os.File) *ipc.Conn {
	t.Helper()
	defer f.Close()
	again, err := reopened(f, true)
	if err != nil {
		t.Fatal(err)
	}
	return ipc.NewConn(again)
}

func (c *client) send(m ipc.Message, files ...*os.File) {
	c.t.Helper()
	if err := c.conn.Send(m, 0, files...); err != nil {
		c.t.Fatal(err)
	}
}

func receive[M ipc.Message](t *testing.T, conn *ipc.Conn) (M, []*os.File) {
	t.Helper()
	conn.SetReceiveDeadline(time.Now().Add(30 * time.Second))
	m, _, files, err := conn.Receive(ipc.AnyFiles)
	if err != nil {
		t.Fatalf("receive: %v", err)
	}
	want, ok := m.(M)
	if !ok {
		t.Fatalf("a %v message, want %T: %+v", m.Type(), want, m)
	}
	return want, files
}

// model is one launched model, by its socket.
type model struct {
	*client
	conn *ipc.Conn
}

func (m *model) send(message ipc.Message, files ...*os.File) {
	m.t.Helper()
	if err := m.conn.Send(message, 0, files...); err != nil {
		m.t.Fatal(err)
	}
}

func (m *model) decide(seq uint32, d *ipc.Decision) {
	m.t.Helper()
	if err := m.conn.Send(d, seq); err != nil {
		m.t.Fatal(err)
	}
}

func (c *client) launch(source string, l *ipc.Launch, files ...*os.File) *model {
	c.t.Helper()
	conn, peer, err := ipc.Pair()
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { conn.Close() })
	defer peer.Close()
	region := frozen(c.t, []byte(source))
	l.Function = "model"
	l.Files = []ipc.File{{Path: "model.py", Size: uint64(len(source))}}
	c.send(l, append([]*os.File{peer, region.File()}, files...)...)
	return &model{c, conn}
}

func frozen(t *testing.T, b []byte) *shm.Region {
	t.Helper()
	r, err := shm.Frozen("test", b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func floats(values ...float64) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

func dtype(t *testing.T, descr string) shm.DType {
	t.Helper()
	d, err := shm.ParseDType(descr)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func array(t *testing.T, name string, n, offset int64) ipc.Arg {
	return ipc.Arg{Name: name, Value: ipc.Value{Kind: ipc.KindArray, Ref: shm.Ref{DType: dtype(t, "<f8"), Shape: []int64{n}, Offset: offset}}}
}

// Arrays go both ways; a reply's region is used again once it was released.
func TestSession(t *testing.T) {
	c := start(t)
	bound, whole := frozen(t, floats(1, 2, 3, 4)), frozen(t, floats(10, 20))
	m := c.launch("import numpy as np\n\n\ndef model(b, x):\n    return {'sum': float(b.sum() + x.sum()), 'twice': 2 * x, 'long': 'y' * 20000}\n",
		&ipc.Launch{Args: []ipc.Arg{array(t, "b", 2, 8)}, Regions: []ipc.Region{{ID: 1, Size: 32, Passed: true}}}, bound.File())
	receive[*ipc.Launched](t, m.conn)
	var region *os.File
	for i := range 3 {
		request := &ipc.Request{Args: []ipc.Arg{array(t, "x", 2, 0)}, Regions: []ipc.Region{{ID: 2, Size: 16, Passed: i == 0}}}
		var files []*os.File
		if i == 0 {
			files = append(files, whole.File())
		} else {
			request.Release = []uint64{1}
		}
		m.send(request, files...)
		reply, passed := receive[*ipc.Reply](t, m.conn)
		if reply.Region.ID != 1 || reply.Region.Passed != (i == 0) || len(passed) != b2i(i == 0) {
			t.Fatalf("reply %d names region %+v with %d descriptors; want 1, which is passed once", i, reply.Region, len(passed))
		}
		if i == 0 {
			region = passed[0]
			defer region.Close()
		}
		if got := reply.Values[0].Value.Float; got != 35 {
			t.Errorf("sum = %g; want 35", got)
		}
		got := make([]byte, 16)
		if _, err := region.ReadAt(got, reply.Values[1].Value.Ref.Offset); err != nil || string(got) != string(floats(20, 40)) {
			t.Errorf("twice = %x, %v; want 20 and 40", got, err)
		}
		if long := reply.Values[2].Value; long.Kind != ipc.KindSpan || long.Size != 20000 {
			t.Errorf("long text is %+v; want a span of 20000", long)
		}
	}
	if _, err := region.WriteAt([]byte{1}, 0); err == nil {
		t.Error("a client can write a reply's region")
	}
	m.send(&ipc.Inquire{})
	_, files := receive[*ipc.Figures](t, m.conn)
	closeAll(files)
	m.send(&ipc.Close{})
	figures, files := receive[*ipc.Figures](t, m.conn)
	defer closeAll(files)
	report := make([]byte, figures.Size)
	if _, err := files[0].ReadAt(report, 0); err != nil {
		t.Fatal(err)
	}
	if string(report) != `{"calls":true,"verdict":"ok"}` {
		t.Errorf("report is %s", report)
	}
	if _, _, _, err := m.conn.Receive(0); !errors.Is(err, io.EOF) {
		t.Errorf("after the report: %v; want the end", err)
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestFailures(t *testing.T) {
	c := start(t)
	m := c.launch("def model(way):\n    if way:\n        raise ValueError('one')\n    import time\n    time.sleep(60)\n", &ipc.Launch{})
	receive[*ipc.Launched](t, m.conn)
	way := ipc.Arg{Name: "way", Value: ipc.Value{Kind: ipc.KindBool, Bool: true}}
	m.send(&ipc.Request{Args: []ipc.Arg{way}})
	if f, _ := receive[*ipc.Failure](t, m.conn); f.Verdict != "exception" || f.Class != "ValueError" || f.Line != 3 || f.Ended {
		t.Errorf("failure is %+v; want a ValueError in line 3 that leaves the model usable", f)
	}
	way.Value.Bool = false
	m.send(&ipc.Request{Args: []ipc.Arg{way}, Timeout: uint64(100 * time.Millisecond)})
	if f, _ := receive[*ipc.Failure](t, m.conn); f.Verdict != "wall-time-limit" || !f.Ended {
		t.Errorf("failure is %+v; want a wall-time-limit that ended the model", f)
	}
	if f, _ := receive[*ipc.Failure](t, c.launch("def model(:\n", &ipc.Launch{}).conn); f.Verdict != "setup-error" || !f.Ended {
		t.Errorf("failure is %+v; want a setup-error", f)
	}
}

// Cancel ends a call at once, and so does a client that goes away.
func TestCancel(t *testing.T) {
	const source = "import time\n\n\ndef model():\n    time.sleep(60)\n"
	c := start(t)
	m := c.launch(source, &ipc.Launch{})
	receive[*ipc.Launched](t, m.conn)
	m.send(&ipc.Request{})
	m.send(&ipc.Cancel{})
	if f, _ := receive[*ipc.Failure](t, m.conn); f.Verdict != "cancelled" || !f.Ended {
		t.Errorf("failure is %+v; want cancelled", f)
	}
	gone := c.launch(source, &ipc.Launch{})
	receive[*ipc.Launched](t, gone.conn)
	gone.send(&ipc.Request{})
	gone.conn.Close() // the test's end waits for the server, which must not wait for the model
}

// A client that does not read what the model prints holds nothing up.
func TestFollow(t *testing.T) {
	c := start(t)
	var ends [4]*os.File
	for i := 0; i < 4; i += 2 {
		var err error
		if ends[i], ends[i+1], err = os.Pipe(); err != nil {
			t.Fatal(err)
		}
	}
	defer closeAll([]*os.File{ends[0], ends[2]})
	m := c.launch("print('loaded')\n\n\ndef model():\n    print('y' * 500_000)\n", &ipc.Launch{Follow: true}, ends[1], ends[3])
	closeAll([]*os.File{ends[1], ends[3]})
	receive[*ipc.Launched](t, m.conn)
	line := make([]byte, 7)
	if _, err := io.ReadFull(ends[0], line); err != nil || string(line) != "loaded\n" {
		t.Errorf("the model printed %q, %v", line, err)
	}
	m.send(&ipc.Request{})
	time.Sleep(50 * time.Millisecond) // it has begun to print, and nobody reads
	m.send(&ipc.Cancel{})
	receive[*ipc.Failure](t, m.conn)
	m.send(&ipc.Close{})
	_, files := receive[*ipc.Figures](t, m.conn)
	closeAll(files)
}

// A part of an array may have no element.
func TestEmptyPart(t *testing.T) {
	c := start(t)
	m := c.launch("def model(x):\n    return x.size\n", &ipc.Launch{})
	receive[*ipc.Launched](t, m.conn)
	region := frozen(t, floats(1, 2))
	m.send(&ipc.Request{Args: []ipc.Arg{array(t, "x", 0, 8)}, Regions: []ipc.Region{{ID: 1, Size: 16, Passed: true}}}, region.File())
	if reply, _ := receive[*ipc.Reply](t, m.conn); reply.Values[0].Value.Int.Sign() != 0 {
		t.Errorf("reply is %+v; want 0", reply.Values)
	}
}

// A result may fill a frame, and a reply says more than a result.
func TestTooManyResults(t *testing.T) {
	c := start(t)
	m := c.launch("def model(n):\n    return 1 << 8 * 32767, 1 << 8 * n\n", &ipc.Launch{})
	receive[*ipc.Launched](t, m.conn)
	for _, test := range []struct {
		bytes int64
		fits  bool
	}{{30000, true}, {32721, false}, {30000, true}} {
		m.send(&ipc.Request{Args: []ipc.Arg{{Name: "n", Value: ipc.Value{Kind: ipc.KindInt, Int: big.NewInt(test.bytes)}}}})
		if test.fits {
			receive[*ipc.Reply](t, m.conn)
		} else if f, _ := receive[*ipc.Failure](t, m.conn); f.Verdict != "invalid-result" || f.Ended {
			t.Errorf("failure is %+v; want an invalid-result that does not end the model", f)
		}
	}
}

func TestQuestions(t *testing.T) {
	c := start(t)
	m := c.launch("def model():\n    with open('/settings') as f:\n        return f.read()\n", &ipc.Launch{Ask: true})
	receive[*ipc.Launched](t, m.conn)
	m.send(&ipc.Request{})
	q, _ := receive[*ipc.Question](t, m.conn)
	if q.Kind != "open" || q.Target != "/settings" || q.Write {
		t.Errorf("question is %+v", q)
	}
	m.decide(1, &ipc.Decision{Effect: "virtual", Content: []byte("20")})
	if reply, _ := receive[*ipc.Reply](t, m.conn); reply.Values[0].Value.Text != "20" {
		t.Errorf("reply is %+v; want 20", reply.Values)
	}
	m.send(&ipc.Request{})
	receive[*ipc.Question](t, m.conn)
	// The answer to the question before decides nothing.
	m.decide(1, &ipc.Decision{Effect: "virtual", Content: []byte("20")})
	m.decide(2, &ipc.Decision{Effect: "nonsense"})
	if f, _ := receive[*ipc.Failure](t, m.conn); f.Class != "PermissionError" {
		t.Errorf("failure is %+v; want a PermissionError", f)
	}
}

// What a client may not send ends its conversation, or its call.
func TestHostileClient(t *testing.T) {
	writable, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer writable.Close()
	for name, act := range map[string]func(c *client, m *model){
		"a file for a region": func(c *client, m *model) {
			m.send(&ipc.Request{Args: []ipc.Arg{array(t, "x", 1, 0)}, Regions: []ipc.Region{{ID: 1, Size: 8, Passed: true}}}, writable)
			receive[*ipc.Failure](t, m.conn)
		},
		"no region": func(c *client, m *model) {
			m.send(&ipc.Request{Args: []ipc.Arg{array(t, "x", 1, 0)}})
			receive[*ipc.Failure](t, m.conn)
		},
		"an array in a list": func(c *client, m *model) {
			list := ipc.Value{Kind: ipc.KindList, List: []ipc.Value{array(t, "x", 1, 0).Value}}
			m.send(&ipc.Request{Args: []ipc.Arg{{Name: "x", Value: list}}})
			receive[*ipc.Failure](t, m.conn)
		},
		"an array in a dict in a list": func(c *client, m *model) {
			dict := ipc.Value{Kind: ipc.KindDict, Dict: []ipc.Arg{array(t, "x", 1, 0)}}
			list := ipc.Value{Kind: ipc.KindList, List: []ipc.Value{dict}}
			m.send(&ipc.Request{Args: []ipc.Arg{{Name: "x", Value: list}}})
			receive[*ipc.Failure](t, m.conn)
		},
		"a span": func(c *client, m *model) {
			m.send(&ipc.Request{Args: []ipc.Arg{{Name: "x", Value: ipc.Value{Kind: ipc.KindSpan, Size: 1 << 40}}}})
			receive[*ipc.Failure](t, m.conn)
		},
		"beyond the region": func(c *client, m *model) {
			r := frozen(t, floats(1))
			m.send(&ipc.Request{Args: []ipc.Arg{array(t, "x", 2, 0)}, Regions: []ipc.Region{{ID: 1, Size: 16, Passed: true}}}, r.File())
			receive[*ipc.Failure](t, m.conn)
		},
		"a sandbox's word": func(c *client, m *model) {
			m.send(&ipc.Loaded{})
			if _, _, _, err := m.conn.Receive(0); !errors.Is(err, io.EOF) {
				t.Errorf("after a sandbox's word: %v; want the end", err)
			}
		},
		"no launch": func(c *client, m *model) {
			c.send(&ipc.Cancel{})
			if _, _, _, err := c.conn.Receive(0); !errors.Is(err, io.EOF) {
				t.Errorf("after no launch: %v; want the end", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t)
			m := c.launch("def model(x=0):\n    return 1\n", &ipc.Launch{})
			receive[*ipc.Launched](t, m.conn)
			act(c, m)
		})
	}
}
