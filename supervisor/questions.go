package supervisor

import (
	"errors"
	"fmt"
	"time"

	"hotcell/ipc"
	"hotcell/syscallpolicy"
)

// answerQuestions serves the asked door until the sandbox is gone. It has a
// socket of its own: a model's threads come to it between calls too.
func (m *Model) answerQuestions() {
	for {
		if err := m.answerNext(); err != nil {
			// Any other error is the end of the sandbox, which is judged by
			// whoever waits for its answer.
			if errors.Is(err, ipc.ErrFrame) {
				m.end(forged("%v", err))
			}
			return
		}
	}
}

func (m *Model) answerNext() error {
	message, seq, _, err := m.sandbox.asked.Receive(0)
	if err != nil {
		return err
	}
	var reply ipc.Message
	switch message := message.(type) {
	case *ipc.Ask:
		reply, err = m.answer(message)
	case *ipc.Invoke:
		if m.functions.exchange == nil {
			return fmt.Errorf("%w: a call of a host function, and there is none", ipc.ErrFrame)
		}
		reply, err = m.invoke(message)
	default:
		return fmt.Errorf("%w: a %v message on the socket for questions", ipc.ErrFrame, message.Type())
	}
	if err != nil {
		return err
	}
	return m.sandbox.asked.Send(reply, seq)
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
