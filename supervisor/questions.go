package supervisor

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"hotcell/ipc"
	"hotcell/syscallpolicy"
)

// answerQuestions serves the asked door until the sandbox is gone. It has a
// socket of its own: a model's threads come to it between calls too.
func (m *Model) answerQuestions() {
	b := budget{rate: m.limits.CPUs, used: m.group.CPUTime, last: time.Now()}
	last := time.Time{} // of the question before
	for {
		soon := time.Since(last) < busyFor
		if err := m.answerNext(&b, soon); err != nil {
			// Any other error is the end of the sandbox, which is judged by
			// whoever waits for its answer.
			if errors.Is(err, ipc.ErrFrame) {
				m.end(forged("%v", err))
			}
			return
		}
		last = time.Now()
	}
}

// answerNext answers one question, and has a sandbox wait that asks for more
// than its share.
func (m *Model) answerNext(b *budget, soon bool) error {
	receive := (*ipc.Conn).Receive
	if soon {
		receive = receiveSoon
	}
	message, seq, _, err := receive(m.sandbox.asked, 0)
	if err != nil {
		return err
	}
	work, err := m.reply(message, seq)
	if err != nil {
		return err
	}
	if wait := b.charge(work, time.Now()); wait > 0 {
		pause(wait, m.ended)
	}
	return nil
}

// reply answers, and gives the CPU time that it took. A host function's is not
// all in it: that is the host's own.
func (m *Model) reply(message ipc.Message, seq uint32) (work time.Duration, err error) {
	runtime.LockOSThread() // its clock
	defer runtime.UnlockOSThread()
	before := threadTime()
	var reply ipc.Message
	switch message := message.(type) {
	case *ipc.Ask:
		reply, err = m.answer(message)
	case *ipc.Invoke:
		if m.functions.exchange == nil {
			return 0, fmt.Errorf("%w: a call of a host function, and there is none", ipc.ErrFrame)
		}
		reply, err = m.invoke(message)
	default:
		return 0, fmt.Errorf("%w: a %v message on the socket for questions", ipc.ErrFrame, message.Type())
	}
	if err != nil {
		return 0, err
	}
	err = m.sandbox.asked.Send(reply, seq)
	return threadTime() - before, err
}

// receiveSoon waits a moment where the kernel hands over quickest, if one of the
// few places for it is free, and then as long as it takes.
func receiveSoon(conn *ipc.Conn, wantFiles int) (ipc.Message, uint32, []*os.File, error) {
	place := slot{among: busySlots}
	if place.take() {
		message, seq, files, err := conn.ReceiveSoon(wantFiles)
		place.give()
		if err != ipc.ErrNotYet {
			return message, seq, files, err
		}
	}
	return conn.Receive(wantFiles)
}

// answer decides what came through the asked door.
func (m *Model) answer(ask *ipc.Ask) (*ipc.Answer, error) {
	m.counted()
	kind, err := syscallpolicy.ParseKind(ask.Kind)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ipc.ErrFrame, err)
	}
	operation := syscallpolicy.Operation{Kind: kind, Target: ask.Target, Time: time.Now()}
	decision := m.decide(operation)
	text := fmt.Sprintf("%v of %s is not allowed: %s", kind, clip(ask.Target, 1<<10), m.spec.Policy.Advice(operation, decision))
	// Other kinds have no door here: saying yes would mean nothing.
	allow := kind == syscallpolicy.KindImport && decision.Effect == syscallpolicy.Allow
	return &ipc.Answer{Allow: allow, Text: clip(text, 4<<10)}, nil
}
