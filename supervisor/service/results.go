package service

import (
	"os"

	"hotcell/ipc"
	"hotcell/shm"
	"hotcell/supervisor"
)

// results are what a client still looks at: each lies in a region of which the
// client has the descriptor, and which is written again after it was released.
type results struct {
	next  uint64
	names map[*shm.Region]uint64
	open  map[uint64]*supervisor.Results
	live  []*os.File // of a region that the model goes on writing; the client reads it
}

// maxOpen bounds the results that a client keeps in shared memory; a model's
// next ones are refused until some are released.
const maxOpen = 256

// reply gives results as a client gets them. Live ones lie in the model's own
// region, which the client may only read.
func (r *results) reply(got *supervisor.Results, live bool) (ipc.Message, []*os.File) {
	reply := &ipc.Reply{Values: got.Values}
	for i := range reply.Values {
		// Long text is read where it lies.
		if v := &reply.Values[i].Value; v.Kind == ipc.KindText && v.Size > 0 {
			*v = ipc.Value{Kind: ipc.KindSpan, Offset: v.Offset, Size: v.Size}
		}
	}
	if got.Region == nil {
		return reply, nil
	}
	if len(r.open) >= maxOpen {
		got.Close()
		return &ipc.Failure{Verdict: string(supervisor.OutputLimit), Source: string(supervisor.FromSupervisor),
			Reason: "the results of 256 calls are kept: let some go, or copy them"}, nil
	}
	if r.names == nil {
		r.names, r.open = map[*shm.Region]uint64{}, map[uint64]*supervisor.Results{}
	}
	id, known := r.names[got.Region]
	if !known {
		r.next++
		id = r.next
		r.names[got.Region] = id
	}
	reply.Region = ipc.Region{ID: id, Size: uint64(got.Region.Size()), Passed: !known}
	r.open[id] = got
	var files []*os.File
	switch {
	case !known && live:
		file, err := got.Region.ReadOnly()
		if err != nil {
			r.withdraw(reply.Region)
			return failure(err, false), nil
		}
		r.live = append(r.live, file)
		files = []*os.File{file}
	case !known:
		files = []*os.File{got.Region.File()}
	}
	reply.Forget = r.gone()
	return reply, files
}

// gone are regions that were closed since, and will not be used again.
func (r *results) gone() []uint64 {
	var list []uint64
	for region, id := range r.names {
		if region.Closed() {
			list = append(list, id)
			delete(r.names, region)
		}
	}
	return list
}

// withdraw takes back what a reply named that the client did not get.
func (r *results) withdraw(named ipc.Region) {
	got := r.open[named.ID]
	if got == nil {
		return
	}
	if named.Passed {
		delete(r.names, got.Region)
	}
	r.release([]uint64{named.ID})
}

func (r *results) release(numbers []uint64) {
	for _, n := range numbers {
		if got := r.open[n]; got != nil {
			got.Close()
			delete(r.open, n)
		}
	}
}

func (r *results) close() {
	closeAll(r.live)
	for _, got := range r.open {
		got.Close()
	}
}
