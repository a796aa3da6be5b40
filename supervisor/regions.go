package supervisor

import (
	"fmt"
	"os"

	"hotcell/ipc"
	"hotcell/shm"
)

// maxGranted bounds the regions that a sandbox keeps mapped for later calls.
const maxGranted = 64

// regions are those that one sandbox has mapped: a region's descriptor goes
// over once, and later calls name it by its number. The longest unused is
// forgotten first.
type regions struct {
	next   uint64
	known  map[*shm.Region]*grant
	calls  uint64
	forget []uint64 // to be told with the next call
	arena  arena
}

type grant struct {
	id   uint64
	used uint64 // the last call that named it
}

// name gives a region as the wire names it, with a file if it must be passed.
func (r *regions) name(region *shm.Region) (ipc.Region, *os.File) {
	named := ipc.Region{Size: uint64(region.Size())}
	g, ok := r.known[region]
	if !ok {
		if r.known == nil {
			r.known = map[*shm.Region]*grant{}
		}
		r.next++
		g = &grant{id: r.next}
		r.known[region] = g
		named.Passed = true
	}
	named.ID, g.used = g.id, r.calls
	if named.Passed {
		return named, region.File()
	}
	return named, nil
}

// settle has what is too much forgotten. What this call names stays.
func (r *regions) settle() {
	for len(r.known) > maxGranted {
		var oldest *shm.Region
		for region, g := range r.known {
			if g.used < r.calls && (oldest == nil || g.used < r.known[oldest].used) {
				oldest = region
			}
		}
		if oldest == nil {
			break
		}
		r.drop(oldest)
	}
}

// takeBack is for a call that is not made: its regions were not passed.
func (r *regions) takeBack(passed []*shm.Region) {
	for _, region := range passed {
		delete(r.known, region)
	}
}

func (r *regions) drop(region *shm.Region) {
	if g, ok := r.known[region]; ok {
		r.forget = append(r.forget, g.id)
		delete(r.known, region)
	}
}

// whole tells that a region holds the array at ref and nothing else.
func whole(ref shm.Ref, region *shm.Region) bool {
	n, err := ref.Bytes()
	return err == nil && ref.Offset == 0 && n == region.Size()
}

// place gives an array of a call by a region of which the model may see every
// byte. A part of a larger one is copied into the arena.
func (r *regions) place(in Input) (shm.Ref, *shm.Region, error) {
	ref := in.Value.Ref
	if whole(ref, in.Region) {
		return ref, in.Region, nil
	}
	return r.arena.copy(ref, in.Region)
}

// reserve makes the arena large enough for the parts among a call's inputs.
func (r *regions) reserve(inputs []Input) error {
	var need int64
	for _, in := range inputs {
		if in.Region != nil && !whole(in.Value.Ref, in.Region) {
			n, err := in.Value.Ref.Bytes()
			if err != nil {
				return err
			}
			// A part without elements has a place in the arena too.
			need += max(shm.Align, shm.AlignUp(n))
		}
	}
	if need == 0 {
		return nil
	}
	if r.arena.region != nil && r.arena.region.Size() < need {
		r.drop(r.arena.region)
	}
	return r.arena.prepare(need)
}

// size is that of all that calls may name.
func (r *regions) size() int64 {
	var sum int64
	for region := range r.known {
		sum += region.Size()
	}
	return sum
}

func (r *regions) close() { r.arena.close() }

// arena is memory for parts of arrays that a call passes: the supervisor
// writes it, the sandbox reads it. It is kept, as fresh pages cost more than
// the copy, and written again by the next call.
type arena struct {
	region *shm.Region
	memory []byte
	at     int64
}

// prepare begins a call's copies.
func (a *arena) prepare(need int64) error {
	a.at = 0
	if a.region != nil && a.region.Size() >= need {
		return nil
	}
	a.close()
	var err error
	a.region, a.memory, err = shm.Owned("inputs", room(need))
	return err
}

func (a *arena) copy(ref shm.Ref, from *shm.Region) (shm.Ref, *shm.Region, error) {
	n, err := ref.Bytes()
	if err != nil {
		return ref, nil, err
	}
	if _, err := from.ReadAt(a.memory[a.at:a.at+n], ref.Offset); err != nil && n > 0 {
		return ref, nil, fmt.Errorf("copy a part of an array: %w", err)
	}
	ref.Offset = a.at
	a.at += shm.AlignUp(n)
	return ref, a.region, nil
}

func (a *arena) close() {
	if a.region != nil {
		a.region.Close()
		a.region, a.memory = nil, nil
	}
}
