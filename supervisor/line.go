package supervisor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"hotcell/ipc"
	"hotcell/shm"
)

// Line is a client's own way to its model's sandbox. A call over it wakes the
// client and the sandbox and nobody else, which is half of what a call by way of
// the supervisor costs. The client believes the sandbox no more than the
// supervisor does: it copies what it looks at, checks it the same way, and has
// everything that is no good result judged here.
//
// Nothing is given away by it. The client has the sandbox's conversation, in
// which it could say what it likes to a model that is its own, and reads the
// region that its model writes. All limits stay the supervisor's: memory and CPU
// time are the control group's, and the wall clock is the client's with the
// supervisor behind it, which reads in the meter whether a call goes on for too
// long.
type Line struct {
	Socket  *os.File // the caller closes both
	Output  *os.File // the region that results lie in, to read
	Size    int64    // of the region
	Timeout time.Duration
}

// line is the supervisor's side of it.
type line struct {
	mu     sync.Mutex
	meter  *shm.Region // nil while there is no line
	count  meter       // when it was last looked at
	looked time.Time
	since  time.Time // when the call in flight was first seen
}

// meter is what a client counts: calls that it has begun and ended, the
// nanoseconds that they took, and the bytes of arrays in and out. It is the
// client's word, for its own report; only the calls that end a limit are more.
type meter struct{ begun, ended, ran, in, out uint64 }

// meterSize is that of a meter in its region, in bytes.
const meterSize = 5 * 8

// ErrNoLine says that a model can be called through the supervisor only.
var ErrNoLine = errors.New("no line for this model")

// Line makes one, once for a model. The supervisor keeps the meter, which must
// hold 40 bytes or more. ErrNoLine says that the host answers the model's
// questions, and so must be in the call.
func (m *Model) Line(meter *shm.Region) (*Line, error) {
	if !m.calling.TryLock() {
		return nil, ErrBusy
	}
	defer m.calling.Unlock()
	if cause := m.over(); cause != nil {
		return nil, cause
	}
	if m.spec.Ask != nil || len(m.spec.Functions) > 0 || m.line.meter != nil || m.output.Size() == 0 || meter.Size() < meterSize {
		return nil, ErrNoLine
	}
	socket, err := m.sandbox.conn.Share()
	if err != nil {
		return nil, fmt.Errorf("a line: %w", err)
	}
	output, err := m.output.ReadOnly()
	if err != nil {
		socket.Close()
		return nil, fmt.Errorf("a line: %w", err)
	}
	m.line.open(meter)
	m.background.Go(m.watchLine)
	return &Line{Socket: socket, Output: output, Size: m.output.Size(), Timeout: m.limits.Timeout}, nil
}

// Granted is the number by which the sandbox knows a region, 0 if it does not
// keep it.
func (m *Model) Granted(region *shm.Region) uint64 {
	if !m.calling.TryLock() {
		return 0
	}
	defer m.calling.Unlock()
	if g, ok := m.granted.known[region]; ok {
		return g.id
	}
	return 0
}

// Judge says what a call over the line means that brought no good result: a
// frame that is none, nothing at the end of the conversation, or, if late is not
// 0, that the client waited so long. It never gives nil.
func (m *Model) Judge(frame []byte, late time.Duration) *Cause {
	if !m.calling.TryLock() {
		return internalError("%v", ErrBusy)
	}
	defer m.calling.Unlock()
	if cause := m.over(); cause != nil {
		return cause
	}
	switch {
	case late > 0:
		m.outOfTime(late)
		return m.over()
	case len(frame) == 0:
		return m.broken(io.EOF)
	}
	message, err := decode(frame)
	if err != nil {
		return m.broken(err)
	}
	switch message := message.(type) {
	case *ipc.Exception:
		return m.refused(message)
	case *ipc.Result:
		if _, err := checkResults(message.Values, m.output.Size()); err != nil {
			return m.end(forged("a result that is none: %v", err))
		}
		// The text or the numbers in it, which the model may have changed by now.
		return m.end(forged("a result that the client refused"))
	default:
		return m.end(forged("a %v message in answer to call", message.Type()))
	}
}

func decode(frame []byte) (ipc.Message, error) {
	f, err := ipc.ParseFrame(frame)
	if err != nil {
		return nil, err
	}
	return ipc.Decode(f)
}

func (l *line) open(meter *shm.Region) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.meter, l.looked = meter, time.Now()
}

// Looks at a line: the first soon after one that showed calls, the others less
// often, as hundreds of models are open and most of them idle.
const (
	firstLook = 250 * time.Millisecond
	lastLook  = time.Second
)

// watchLine stands behind the client's clock: a call that goes on for longer
// than the model may ends it here, whatever has become of the client.
func (m *Model) watchLine() {
	wait := firstLook
	for {
		select {
		case <-time.After(wait):
		case <-m.ended:
			return
		}
		wait = min(2*wait, lastLook)
		moved, running := m.look()
		if moved {
			wait = firstLook
		}
		if running > m.limits.Timeout {
			m.outOfTime(m.limits.Timeout)
			return
		}
	}
}

// look reads the meter and adds what it shows to the model's figures. It tells
// whether there was a call since the last look, and for how long at least the
// one in flight has been.
func (m *Model) look() (moved bool, running time.Duration) {
	l := &m.line
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.meter == nil {
		return false, 0
	}
	now, before := l.read(), l.count
	at, apart := time.Now(), time.Since(l.looked)
	l.count, l.looked = now, at
	if now.begun != before.begun || now.begun == now.ended {
		l.since = at
	}
	m.calls.Add(grown(before.begun, now.begun))
	m.clock.add(min(time.Duration(grown(before.ran, now.ran)), apart))
	m.bytesIn.Add(grown(before.in, now.in))
	m.bytesOut.Add(grown(before.out, now.out))
	return now.begun != before.begun, at.Sub(l.since)
}

// read gives what the client wrote last; a number may be newer than another.
func (l *line) read() meter {
	var b [meterSize]byte
	if _, err := l.meter.ReadAt(b[:], 0); err != nil {
		return l.count
	}
	number := func(i int) uint64 { return binary.LittleEndian.Uint64(b[8*i:]) }
	return meter{number(0), number(1), number(2), number(3), number(4)}
}

// grown is by how much a counter of the client's went up: not at all if it went
// down, or further than an honest one can.
func grown(before, now uint64) int64 {
	if now < before || now-before > 1<<53 {
		return 0
	}
	return int64(now - before)
}

func (l *line) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.meter != nil {
		l.meter.Close()
		l.meter = nil
	}
}
