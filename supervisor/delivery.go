package supervisor

import (
	"hotcell/ipc"
	"hotcell/shm"
)

// ownOutput gives the next call a region of its own to write to, if its results
// are to be sealed.
func (m *Model) ownOutput(d Delivery) (*shm.Region, *Cause) {
	if d != Sealed || m.output.Size() == 0 {
		return nil, nil
	}
	fresh, err := shm.Create("results", m.output.Size())
	if err != nil {
		return nil, m.end(internalError("make a region for results: %v", err))
	}
	if err := m.sandbox.conn.Send(&ipc.Output{Size: uint64(fresh.Size()), Once: true}, 0, fresh.File()); err != nil {
		fresh.Close()
		return nil, m.broken(err)
	}
	return fresh, nil
}

// usualOutput has later calls write to the model's own region again. It gives
// the cause that counts.
func (m *Model) usualOutput(cause *Cause) *Cause {
	if cause != nil {
		return cause // and the end
	}
	if err := m.sandbox.conn.Send(&ipc.Output{Size: uint64(m.output.Size())}, 0, m.output.File()); err != nil {
		return m.broken(err)
	}
	return nil
}

// deliver makes results the host's. With fresh, which it takes over, they lie
// there.
func (m *Model) deliver(d Delivery, answer *ipc.Result, declared []ipc.Arg, fresh *shm.Region) (results *Results, cause *Cause) {
	output := m.output
	if fresh != nil {
		output = fresh
	}
	used, err := checkResults(answer.Values, output.Size())
	if err == nil {
		err = checkDeclared(answer.Values, declared)
	}
	results = &Results{Values: answer.Values}
	switch {
	case err != nil:
		cause = m.end(forged("a result that is none: %v", err))
	case used == 0:
	case d == Live:
		results.Region, results.give = output, func(*shm.Region) {} // the model's
	case fresh != nil && fresh.Freeze() == nil && fresh.Filled(used):
		results.Region, fresh = fresh, nil
	default:
		cause = m.copyOut(results, output, used)
	}
	if fresh != nil {
		fresh.Close()
	}
	if cause == nil && used > 0 {
		// What a sandbox can still write is judged as a copy.
		if err := readSpans(results.Values, results.Region); err != nil {
			cause = m.end(forged("a result that is none: %v", err))
		}
	}
	if cause != nil {
		results.Close()
		return nil, cause
	}
	m.bytesOut.Add(arrayBytes(results.Values))
	return results, nil
}

// copyOut copies results out of the sandbox's reach. It may go on writing what
// they are copied from.
func (m *Model) copyOut(results *Results, output *shm.Region, used int64) *Cause {
	region, memory, err := m.kept.take(used)
	if err != nil {
		return m.end(internalError("keep results: %v", err))
	}
	results.Region, results.give = region, m.kept.give
	if output != m.output {
		if err := readInto(memory, output, results.Values); err != nil {
			return m.end(internalError("keep results: %v", err))
		}
		return nil
	}
	from, err := output.View()
	if err != nil {
		return m.end(internalError("keep results: %v", err))
	}
	copySpans(memory, from, results.Values)
	return nil
}

// readInto copies results by the region's descriptor. To look at a page that the
// sandbox never wrote would make it, as memory of ours, in a region that the
// sandbox may keep for as long as it likes.
func readInto(to []byte, from *shm.Region, values []ipc.Arg) error {
	for at, n := range spans(values) {
		if n == 0 {
			continue
		}
		if _, err := from.ReadAt(to[at:at+n], at); err != nil {
			return err
		}
	}
	return nil
}
