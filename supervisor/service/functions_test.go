package service

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"hotcell/ipc"
	"hotcell/shm"
)

const callsF = `
import hotcell
import numpy as np


def model(text='', n=0):
    try:
        return hotcell.f(text * int(n), np.arange(3.0), at=2)
    except hotcell.FunctionError as e:
        return 'failed: ' + str(e)
`

func launchF(t *testing.T, c *client) *model {
	t.Helper()
	m := c.launch(callsF, &ipc.Launch{Functions: []string{"f"}})
	receive[*ipc.Launched](t, m.conn)
	return m
}

// A call of a function goes to the client, with copies, and what that gives
// comes back.
func TestFunctions(t *testing.T) {
	m := launchF(t, start(t))
	for _, test := range []struct {
		text string // of the argument, a thousand times
		give func() (*ipc.Delivered, *shm.Region)
		want string // of the reply
	}{
		{"", func() (*ipc.Delivered, *shm.Region) {
			return &ipc.Delivered{Value: ipc.Value{Kind: ipc.KindText, Text: "short"}}, nil
		}, "short"},
		{"twenty characters of it", func() (*ipc.Delivered, *shm.Region) {
			text := strings.Repeat("y", 20000)
			return &ipc.Delivered{Value: ipc.Value{Kind: ipc.KindSpan, Size: 20000}, Size: 20000}, frozen(t, []byte(text))
		}, strings.Repeat("y", 20000)},
		{"", func() (*ipc.Delivered, *shm.Region) { return &ipc.Delivered{Failed: true}, nil }, "failed: the host's function f failed"},
	} {
		m.send(&ipc.Request{Args: []ipc.Arg{word("text", test.text), number("n", 1000)}})
		call, seq, files, err := m.conn.Receive(ipc.AnyFiles)
		if err != nil {
			t.Fatal(err)
		}
		d, ok := call.(*ipc.Delegate)
		if !ok || d.Function != "f" || len(d.Args) != 3 || d.Args[0].Name != "_0" || d.Args[2].Name != "at" || len(files) != 1 {
			t.Fatalf("message %d is %+v with %d descriptors", seq, call, len(files))
		}
		got := make([]byte, d.Size)
		if _, err := files[0].ReadAt(got, 0); err != nil {
			t.Fatal(err)
		}
		closeAll(files)
		if at := d.Args[1].Value.Ref.Offset; string(got[at:at+24]) != string(floats(0, 1, 2)) {
			t.Errorf("the array is %x; want 0, 1 and 2", got[at:at+24])
		}
		long := strings.Repeat(test.text, 1000)
		if v := d.Args[0].Value; v.Kind == ipc.KindSpan && string(got[v.Offset:v.Offset+v.Size]) != long || v.Kind == ipc.KindText && v.Text != long {
			t.Errorf("the text is %+v; want %d bytes", v, len(long))
		}
		answer, region := test.give()
		var passed []*os.File
		if region != nil {
			passed = append(passed, region.File())
		}
		// What comes late, for another call, is dropped.
		if err := m.conn.Send(&ipc.Delivered{Value: ipc.Value{Kind: ipc.KindText, Text: "late"}}, seq-1); err != nil {
			t.Fatal(err)
		}
		if err := m.conn.Send(answer, seq, passed...); err != nil {
			t.Fatal(err)
		}
		reply, files := receive[*ipc.Reply](t, m.conn)
		text := reply.Values[0].Value
		if text.Kind == ipc.KindSpan {
			if len(files) != 1 {
				t.Fatalf("%d descriptors with the long text", len(files))
			}
			b := make([]byte, text.Size)
			if _, err := files[0].ReadAt(b, int64(text.Offset)); err != nil {
				t.Fatal(err)
			}
			text.Text = string(b)
		}
		closeAll(files)
		if text.Text != test.want {
			t.Errorf("reply is %.80q; want %.80q", text.Text, test.want)
		}
	}
}

func number(name string, n int64) ipc.Arg {
	return ipc.Arg{Name: name, Value: ipc.Value{Kind: ipc.KindFloat, Float: float64(n)}}
}

// What a client gives that is not as it says is no value.
func TestFunctionsHostileClient(t *testing.T) {
	array := func(n int64, offset int64) ipc.Value {
		return ipc.Value{Kind: ipc.KindArray, Ref: shm.Ref{DType: dtype(t, "<f8"), Shape: []int64{n}, Offset: offset}}
	}
	for name, test := range map[string]struct {
		give *ipc.Delivered
		size int // of the region that comes, -1 for a file that is none
	}{
		"no region":        {&ipc.Delivered{Value: array(1, 0)}, 0},
		"a larger array":   {&ipc.Delivered{Value: array(2, 0), Size: 8}, 8},
		"a smaller array":  {&ipc.Delivered{Value: array(1, 0), Size: 16}, 16},
		"another size":     {&ipc.Delivered{Value: array(1, 0), Size: 16}, 8},
		"an overflow":      {&ipc.Delivered{Value: array(1<<62, 0), Size: 8}, 8},
		"no UTF-8":         {&ipc.Delivered{Value: ipc.Value{Kind: ipc.KindSpan, Size: 8}, Size: 8}, -8},
		"a text elsewhere": {&ipc.Delivered{Value: ipc.Value{Kind: ipc.KindSpan, Offset: 4, Size: 4}, Size: 8}, 8},
		"a text beyond":    {&ipc.Delivered{Value: ipc.Value{Kind: ipc.KindSpan, Size: 9}, Size: 8}, 8},
		"too large":        {&ipc.Delivered{Value: array(maxDelivered/8+1, 0), Size: maxDelivered + 8}, maxDelivered + 8},
		"a file":           {&ipc.Delivered{Value: array(1, 0), Size: 8}, -1},
	} {
		t.Run(name, func(t *testing.T) {
			m := launchF(t, start(t))
			m.send(&ipc.Request{Args: []ipc.Arg{word("text", ""), number("n", 0)}})
			_, seq, files, err := m.conn.Receive(ipc.AnyFiles)
			if err != nil {
				t.Fatal(err)
			}
			closeAll(files)
			var passed []*os.File
			switch {
			case test.size == -1:
				f, err := os.CreateTemp(t.TempDir(), "")
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				passed = append(passed, f)
			case test.size < 0:
				passed = append(passed, frozen(t, []byte("\xc3\x28abcdef")).File())
			case test.size > 0:
				passed = append(passed, frozen(t, make([]byte, test.size)).File())
			}
			if err := m.conn.Send(test.give, seq, passed...); err != nil {
				t.Fatal(err)
			}
			reply, files := receive[*ipc.Reply](t, m.conn)
			closeAll(files)
			if got := reply.Values[0].Value.Text; got != "failed: the host's function f failed" {
				t.Errorf("the model got %q; want that it failed", got)
			}
		})
	}
}

// A client that goes away while its function is called holds nothing up.
func TestFunctionsClientGone(t *testing.T) {
	m := launchF(t, start(t))
	m.send(&ipc.Request{Args: []ipc.Arg{word("text", ""), number("n", 0)}})
	_, files := receive[*ipc.Delegate](t, m.conn)
	closeAll(files)
	m.send(&ipc.Cancel{})
	if f, _ := receive[*ipc.Failure](t, m.conn); f.Verdict != "cancelled" {
		t.Errorf("failure is %+v; want cancelled", f)
	}
	m.send(&ipc.Close{})
	_, files = receive[*ipc.Figures](t, m.conn)
	closeAll(files)
	if _, _, _, err := m.conn.Receive(0); !errors.Is(err, io.EOF) {
		t.Errorf("%v; want the end", err)
	}
}
