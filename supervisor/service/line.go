package service

import (
	"errors"
	"fmt"
	"os"
	"time"

	"hotcell/ipc"
	"hotcell/shm"
	"hotcell/supervisor"
)

// line answers what a client says of its own way to the sandbox. It closes the
// files.
func (s *session) line(message ipc.Message, seq uint32, files []*os.File) error {
	if attach, ok := message.(*ipc.Attach); ok {
		return s.attach(attach, seq, files)
	}
	closeAll(files)
	heard := message.(*ipc.Heard)
	if s.model == nil {
		return s.conn.Send(failure(unusable(errors.New("the model was not launched")), true), seq)
	}
	cause := s.model.Judge(heard.Frame, time.Duration(min(heard.Late, 1<<62)))
	return s.conn.Send(failure(cause, s.ended()), seq)
}

func (s *session) attach(attach *ipc.Attach, seq uint32, files []*os.File) error {
	answer := &ipc.Attached{}
	var passed []*os.File
	if len(files) > 0 {
		line, err := s.open(files)
		switch {
		case errors.Is(err, ipc.ErrFrame):
			return err
		case err != nil:
			// The client goes on as before.
			return s.conn.Send(answer, seq)
		}
		passed = []*os.File{line.Socket, line.Output}
		defer closeAll(passed)
		s.lined = ipc.Attached{Output: uint64(line.Size), Timeout: uint64(line.Timeout)}
	}
	*answer = s.lined
	if answer.Output > 0 {
		for _, id := range attach.Regions {
			answer.Granted = append(answer.Granted, s.granted(id))
		}
	}
	return s.conn.Send(answer, seq, passed...)
}

// open makes the line, with the meter that came for it.
func (s *session) open(files []*os.File) (*supervisor.Line, error) {
	defer func() { closeAll(files) }()
	if s.model == nil {
		return nil, supervisor.ErrNoLine
	}
	meter, err := shm.Adopt(files[0])
	if err != nil {
		return nil, fmt.Errorf("%w: a meter: %w", ipc.ErrFrame, err)
	}
	files = files[1:]
	line, err := s.model.Line(meter)
	if err != nil {
		meter.Close()
	}
	return line, err
}

func (s *session) granted(id uint64) uint64 {
	region := s.regions[id]
	if region == nil {
		return 0
	}
	return s.model.Granted(region)
}
