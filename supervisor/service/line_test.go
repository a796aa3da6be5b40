package service

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"hotcell/ipc"
	"hotcell/shm"
)

const lineModel = `
import time


def model(x=None, do=''):
    if do == 'raise':
        raise ValueError('one')
    if do == 'sleep':
        time.sleep(60)
    return x if do == 'array' else 1.0 if x is None else float(x.sum())
`

// lined is a model with a line to its sandbox.
type lined struct {
	*model
	line   *ipc.Conn
	output *os.File
	meter  []byte
}

// attach makes the line.
func attach(t *testing.T, m *model) *lined {
	t.Helper()
	meter, memory, err := shm.Owned("meter", 4096)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { meter.Close() })
	if err := m.conn.Send(&ipc.Attach{}, 7, meter.File()); err != nil {
		t.Fatal(err)
	}
	attached, seq, files, err := m.conn.Receive(ipc.AnyFiles)
	if err != nil {
		t.Fatal(err)
	}
	if a, ok := attached.(*ipc.Attached); !ok || seq != 7 || len(files) != 2 || a.Output == 0 || a.Timeout == 0 {
		t.Fatalf("answer %d is %+v with %d descriptors; want 7, attached, with 2", seq, attached, len(files))
	}
	line := ipc.NewConn(files[0])
	t.Cleanup(func() { line.Close(); files[1].Close() })
	return &lined{m, line, files[1], memory}
}

func (l *lined) call(args ...ipc.Arg) {
	l.t.Helper()
	if err := l.line.Send(&ipc.Call{Args: args}, 0); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lined) count(n int, value uint64) { binary.LittleEndian.PutUint64(l.meter[8*n:], value) }

// heard has the supervisor judge what was heard.
func (l *lined) heard(h *ipc.Heard) *ipc.Failure {
	l.t.Helper()
	l.send(h)
	f, _ := receive[*ipc.Failure](l.t, l.conn)
	return f
}

func word(name, text string) ipc.Arg {
	return ipc.Arg{Name: name, Value: ipc.Value{Kind: ipc.KindText, Text: text}}
}

func frameOf(m ipc.Message) []byte { return ipc.AppendFrame(nil, ipc.Encode(m, 0)) }

// A client calls the sandbox itself, and reads what it wrote.
func TestLine(t *testing.T) {
	c := start(t)
	m := c.launch(lineModel, &ipc.Launch{})
	receive[*ipc.Launched](t, m.conn)
	region := frozen(t, floats(1, 2, 3))
	x := array(t, "x", 3, 0)
	m.send(&ipc.Request{Args: []ipc.Arg{x}, Regions: []ipc.Region{{ID: 5, Size: 24, Passed: true}}}, region.File())
	receive[*ipc.Reply](t, m.conn)
	l := attach(t, m)
	m.send(&ipc.Attach{Regions: []uint64{5, 6}})
	attached, files := receive[*ipc.Attached](t, m.conn)
	if len(files) != 0 || len(attached.Granted) != 2 || attached.Granted[0] == 0 || attached.Granted[1] != 0 {
		t.Fatalf("attached is %+v with %d descriptors; want a number for region 5, none for 6", attached, len(files))
	}
	call := &ipc.Call{Args: []ipc.Arg{x, word("do", "array")}, Regions: []ipc.Region{{ID: attached.Granted[0], Size: 24}}}
	if err := l.line.Send(call, 0); err != nil {
		t.Fatal(err)
	}
	result, _ := receive[*ipc.Result](t, l.line)
	got := make([]byte, 24)
	if _, err := l.output.ReadAt(got, result.Values[0].Value.Ref.Offset); err != nil || string(got) != string(floats(1, 2, 3)) {
		t.Errorf("the output holds %x, %v; want 1, 2 and 3", got, err)
	}
	if _, err := l.output.WriteAt([]byte{1}, 0); err == nil {
		t.Error("a client can write the output")
	}
	// Both ways go on.
	m.send(&ipc.Request{})
	if reply, _ := receive[*ipc.Reply](t, m.conn); reply.Values[0].Value.Float != 1 {
		t.Errorf("reply is %+v; want 1", reply.Values)
	}
	l.call()
	receive[*ipc.Result](t, l.line)
}

// What is no result the supervisor judges.
func TestLineHeard(t *testing.T) {
	const far = 1 << 40
	for name, test := range map[string]struct {
		heard   *ipc.Heard
		verdict string
		ended   bool
	}{
		"a raised one":      {&ipc.Heard{Frame: frameOf(&ipc.Exception{Cause: ipc.CauseRaised, Class: "KeyError"})}, "exception", false},
		"out of memory":     {&ipc.Heard{Frame: frameOf(&ipc.Exception{Cause: ipc.CauseMemory, Class: "MemoryError"})}, "memory-limit", false},
		"an error of load":  {&ipc.Heard{Frame: frameOf(&ipc.Exception{Cause: ipc.CauseSyntax})}, "invalid-result", true},
		"a call":            {&ipc.Heard{Frame: frameOf(&ipc.Call{})}, "invalid-result", true},
		"no frame":          {&ipc.Heard{Frame: []byte{1, 2, 3}}, "invalid-result", true},
		"a refused result":  {&ipc.Heard{Frame: frameOf(&ipc.Result{})}, "invalid-result", true},
		"beyond the output": {&ipc.Heard{Frame: frameOf(&ipc.Result{Values: []ipc.Arg{array(t, "x", far, 0)}})}, "invalid-result", true},
		"nothing for long":  {&ipc.Heard{Late: uint64(time.Second)}, "wall-time-limit", true},
	} {
		t.Run(name, func(t *testing.T) {
			m := start(t).launch(lineModel, &ipc.Launch{})
			receive[*ipc.Launched](t, m.conn)
			f := attach(t, m).heard(test.heard)
			if f.Verdict != test.verdict || f.Ended != test.ended {
				t.Errorf("failure is %+v; want %s, ended %v", f, test.verdict, test.ended)
			}
		})
	}
}

// The end of a sandbox is told by its own verdict.
func TestLineEnds(t *testing.T) {
	c := start(t)
	m := c.launch(lineModel, &ipc.Launch{})
	receive[*ipc.Launched](t, m.conn)
	l := attach(t, m)
	l.call(word("do", "sleep"))
	m.send(&ipc.Cancel{})
	if _, _, _, err := l.line.Receive(0); !errors.Is(err, io.EOF) {
		t.Fatalf("after cancel: %v; want the end", err)
	}
	if f := l.heard(&ipc.Heard{}); f.Verdict != "cancelled" || !f.Ended {
		t.Errorf("failure is %+v; want cancelled", f)
	}
}

// A call that the meter shows for too long ends, whatever the client does.
func TestLineMeter(t *testing.T) {
	c := start(t)
	m := c.launch(lineModel, &ipc.Launch{Options: []string{"timeout=1s"}})
	receive[*ipc.Launched](t, m.conn)
	l := attach(t, m)
	// Nonsense is no figure.
	l.count(0, 1<<63)
	l.count(1, 1<<63)
	l.count(2, 1<<63)
	l.count(4, 1<<62)
	m.send(&ipc.Inquire{})
	_, files := receive[*ipc.Figures](t, m.conn)
	closeAll(files)
	for i := range 5 {
		l.count(i, 0)
	}
	l.count(0, 1)
	l.call(word("do", "sleep"))
	l.line.SetReceiveDeadline(time.Now().Add(30 * time.Second))
	if _, _, _, err := l.line.Receive(0); !errors.Is(err, io.EOF) {
		t.Fatalf("after the time: %v; want the end", err)
	}
	if f := l.heard(&ipc.Heard{}); f.Verdict != "wall-time-limit" || !f.Ended {
		t.Errorf("failure is %+v; want a wall-time-limit", f)
	}
}

// There is no line where the client is asked, and no second one.
func TestLineRefused(t *testing.T) {
	for name, launch := range map[string]*ipc.Launch{"asked": {Ask: true}, "twice": {}} {
		t.Run(name, func(t *testing.T) {
			m := start(t).launch(lineModel, launch)
			receive[*ipc.Launched](t, m.conn)
			if name == "twice" {
				attach(t, m)
			}
			meter, _, err := shm.Owned("meter", 4096)
			if err != nil {
				t.Fatal(err)
			}
			defer meter.Close()
			m.send(&ipc.Attach{}, meter.File())
			attached, files := receive[*ipc.Attached](t, m.conn)
			if len(files) > 0 || launch.Ask && attached.Output > 0 {
				t.Errorf("attached is %+v with %d descriptors; want none", attached, len(files))
			}
			m.send(&ipc.Request{})
			receive[*ipc.Reply](t, m.conn)
		})
	}
}

func TestLineHostileClient(t *testing.T) {
	for name, act := range map[string]func(m *model){
		"a meter that shrinks": func(m *model) {
			f, err := os.CreateTemp(m.t.TempDir(), "")
			if err != nil {
				m.t.Fatal(err)
			}
			defer f.Close()
			m.send(&ipc.Attach{}, f)
		},
		"during a request": func(m *model) {
			m.send(&ipc.Request{Args: []ipc.Arg{word("do", "sleep")}})
			m.send(&ipc.Attach{})
		},
		"heard during a request": func(m *model) {
			m.send(&ipc.Request{Args: []ipc.Arg{word("do", "sleep")}})
			m.send(&ipc.Heard{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := start(t).launch(lineModel, &ipc.Launch{})
			receive[*ipc.Launched](t, m.conn)
			act(m)
			for {
				_, _, files, err := m.conn.Receive(ipc.AnyFiles)
				closeAll(files)
				if err == nil {
					continue // what the request came to
				}
				if !errors.Is(err, io.EOF) {
					t.Errorf("%v; want the end", err)
				}
				return
			}
		})
	}
}
