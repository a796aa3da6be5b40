package supervisor

import (
	"sync"

	"hotcell/shm"
)

// kept is memory of the supervisor's own for results: a call's arrays are
// copied there once, out of the sandbox's reach, and looked at there. It is
// kept from call to call, as fresh pages cost more than the copy.
type kept struct {
	mu   sync.Mutex
	free []*shm.Region
	done bool
}

// maxKept bounds the regions that wait to be used again; more may be in use.
const maxKept = 4

// take gives a mapped region of at least so many bytes.
func (k *kept) take(size int64) (*shm.Region, []byte, error) {
	k.mu.Lock()
	for i, r := range k.free {
		if r.Size() >= size {
			k.free = append(k.free[:i], k.free[i+1:]...)
			k.mu.Unlock()
			memory, err := r.Map()
			return r, memory, err
		}
	}
	// What is too small now will be again.
	if len(k.free) > 0 {
		k.free[0].Close()
		k.free = k.free[1:]
	}
	k.mu.Unlock()
	// A client maps it too, and only to read.
	return shm.Owned("results", room(size))
}

// room is what is made for so many bytes, which soon may be more.
func room(size int64) int64 {
	n := int64(pageSize)
	for n < size {
		n *= 2
	}
	return n
}

func (k *kept) give(r *shm.Region) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.done || len(k.free) >= maxKept {
		r.Close()
		return
	}
	k.free = append(k.free, r)
}

// close gives up what is not in use. Results that are in use stay.
func (k *kept) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range k.free {
		r.Close()
	}
	k.free, k.done = nil, true
}
