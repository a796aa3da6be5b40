package service

import (
	"context"
	"errors"
	"fmt"
	"os"
	"unicode/utf8"

	"hotcell/ipc"
	"hotcell/shm"
	"hotcell/supervisor"
)

// Bounds of what a function of the client's is given and gives. The supervisor
// has bounds for the model, which hold in any case.
const (
	inlineText    = 8 << 10  // of the text of one call in the frame; the rest lies in the region
	maxDelivered  = 16 << 20 // bytes of an array
	maxReturnText = 1 << 20
)

// delivery is the answer to the delegate message of a sequence number. Who
// takes it closes the files.
type delivery struct {
	seq     uint32
	message *ipc.Delivered
	files   []*os.File
}

// functions are the client's, as the model calls them.
func (s *session) functions() map[string]supervisor.HostFunction {
	if len(s.launch.Functions) == 0 {
		return nil
	}
	list := map[string]supervisor.HostFunction{}
	for _, name := range s.launch.Functions {
		list[name] = func(ctx context.Context, args []supervisor.HostValue) (supervisor.HostValue, error) {
			return s.delegate(ctx, name, args)
		}
	}
	return list
}

// delegate has the client run one of its functions. Between calls nobody
// listens there.
func (s *session) delegate(ctx context.Context, name string, args []supervisor.HostValue) (supervisor.HostValue, error) {
	if !s.waiting.Load() {
		return supervisor.HostValue{}, errors.New("the client waits for no call, and runs no function")
	}
	message, region, err := delegated(name, args)
	if err != nil {
		return supervisor.HostValue{}, err
	}
	var files []*os.File
	if region != nil {
		defer region.Close()
		files = []*os.File{region.File()}
	}
	s.questions.Lock()
	defer s.questions.Unlock()
	s.readAside()
	s.asked++
	if err := s.conn.Send(message, s.asked, files...); err != nil {
		return supervisor.HostValue{}, err
	}
	for {
		select {
		case d := <-s.deliveries:
			if d.seq == s.asked {
				return d.value()
			}
			closeAll(d.files) // it came late, for the call before
		case <-ctx.Done():
			return supervisor.HostValue{}, ctx.Err()
		}
	}
}

// delegated is the message for a call, with the region that its arrays and long
// text lie in, if any.
func delegated(name string, args []supervisor.HostValue) (*ipc.Delegate, *shm.Region, error) {
	message := &ipc.Delegate{Function: name}
	var data []byte
	place := func() int64 {
		data = append(data, make([]byte, shm.AlignUp(int64(len(data)))-int64(len(data)))...)
		return int64(len(data))
	}
	room := inlineText
	for _, arg := range args {
		v := arg.Value
		switch {
		case v.Kind == ipc.KindArray:
			v.Ref.Offset = place()
			data = append(data, arg.Data...)
		case v.Kind == ipc.KindText && len(v.Text) > room:
			at := place()
			data = append(data, v.Text...)
			v = ipc.Value{Kind: ipc.KindSpan, Offset: uint64(at), Size: uint64(len(v.Text))}
		case v.Kind == ipc.KindText:
			room -= len(v.Text)
		}
		message.Args = append(message.Args, ipc.Arg{Name: arg.Name, Value: v})
	}
	if len(data) == 0 {
		return message, nil, nil
	}
	message.Size = uint64(len(data))
	region, err := shm.Frozen("arguments", data)
	return message, region, err
}

// value is what a function gave, copied out of the client's reach.
func (d delivery) value() (supervisor.HostValue, error) {
	got := supervisor.HostValue{Value: d.message.Value}
	data, err := d.data()
	if err != nil {
		return got, err
	}
	switch got.Value.Kind {
	case ipc.KindArray:
		n, err := got.Value.Ref.Bytes()
		if err != nil || n != int64(len(data)) {
			return got, fmt.Errorf("it gave an array of %d bytes in %d: %v", n, len(data), err)
		}
		got.Value.Ref.Offset, got.Data = 0, data
	case ipc.KindSpan:
		if len(data) > maxReturnText || got.Value.Offset != 0 || got.Value.Size != uint64(len(data)) || !utf8.Valid(data) {
			return got, fmt.Errorf("it gave a text of %d bytes in %d, or none", got.Value.Size, len(data))
		}
		got.Value = ipc.Value{Kind: ipc.KindText, Text: string(data)}
	}
	return got, nil
}

// data reads the region that came, and closes it.
func (d delivery) data() ([]byte, error) {
	if d.message.Failed || len(d.files) == 0 {
		closeAll(d.files)
		if d.message.Failed {
			return nil, errors.New("the client's function failed")
		}
		return nil, nil
	}
	region, err := shm.Adopt(d.files[0])
	closeAll(d.files[1:])
	if err != nil {
		d.files[0].Close()
		return nil, err
	}
	defer region.Close()
	if size := region.Size(); size > maxDelivered || uint64(size) != d.message.Size {
		return nil, fmt.Errorf("it gave %d bytes and spoke of %d, at most %d", size, d.message.Size, maxDelivered)
	}
	data := make([]byte, region.Size())
	_, err = region.ReadAt(data, 0)
	return data, err
}
