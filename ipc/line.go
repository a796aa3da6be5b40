package ipc

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Attach asks for a line: the client's own way to the sandbox, over which it
// makes calls that wake the supervisor for nothing. The first one carries the
// meter, a region in which the client counts those calls. Regions are arrays
// that such calls will name, by the client's numbers.
type Attach struct{ Regions []uint64 }

// Attached is the answer. Granted are the numbers by which the sandbox knows
// the regions, 0 for one that it does not keep whole. The first one carries
// the sandbox's socket and its output region, of Output bytes, to read; Timeout
// is the model's limit for a call, in nanoseconds. Without Output there is no
// line, and none is asked for again.
type Attached struct {
	Granted []uint64
	Output  uint64
	Timeout uint64
}

// Heard has the supervisor judge a call over the line that brought no result:
// what came in its place, nothing for the end of the conversation, or how long
// the client waited in vain, in nanoseconds. Failure is the answer.
type Heard struct {
	Frame []byte
	Late  uint64
}

func (*Attach) Type() Type   { return TypeAttach }
func (*Attached) Type() Type { return TypeAttached }
func (*Heard) Type() Type    { return TypeHeard }

func (m *Attach) encode(e *encoder)   { e.u64s(m.Regions) }
func (m *Attach) decode(d *decoder)   { m.Regions = d.u64s() }
func (m *Attached) encode(e *encoder) { e.u64s(m.Granted); e.u64(m.Output); e.u64(m.Timeout) }
func (m *Attached) decode(d *decoder) { m.Granted, m.Output, m.Timeout = d.u64s(), d.u64(), d.u64() }
func (m *Heard) encode(e *encoder)    { e.bytes(m.Frame); e.u64(m.Late) }
func (m *Heard) decode(d *decoder)    { m.Frame, m.Late = d.bytes(), d.u64() }

// Share gives the conversation's socket once more, for a process that speaks in
// it while this one does not. A receive of either ends by itself after some
// milliseconds. The caller closes it.
func (c *Conn) Share() (*os.File, error) {
	if err := c.enter(); err != nil {
		return nil, err
	}
	defer c.leave()
	if c.bounded() != 0 {
		return nil, fmt.Errorf("bound a receive: %w", c.boundErr)
	}
	fd, err := unix.FcntlInt(uintptr(c.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("dup: %w", err)
	}
	return os.NewFile(uintptr(fd), "line"), nil
}
