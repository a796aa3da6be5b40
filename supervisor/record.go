package supervisor

import (
	"sync"

	"hotcell/syscallpolicy"
)

// Bounds of the record: a flood of distinct targets must not grow the
// supervisor.
const (
	maxDistinct = 1000
	maxTarget   = 4 << 10
)

// OperationRecord is equal decisions folded.
type OperationRecord struct {
	Kind     string `json:"kind"`
	Target   string `json:"target"`
	Decision string `json:"decision"`
	Rule     string `json:"rule"`
	Count    int64  `json:"count"`
}

// recorder counts decisions by what was tried. It is safe for concurrent use.
type recorder struct {
	mu     sync.Mutex
	places map[OperationRecord]int // by the record with a count of 0
	list   []OperationRecord
	total  int64
}

func newRecorder() *recorder { return &recorder{places: map[OperationRecord]int{}} }

// add counts one decision and gives how many there are now.
func (r *recorder) add(operation syscallpolicy.Operation, decision syscallpolicy.Decision) int64 {
	key := OperationRecord{
		Kind: operation.Kind.String(), Target: operation.Target,
		Decision: decision.Effect.String(), Rule: decision.Rule,
	}
	if len(key.Target) > maxTarget {
		key.Target = key.Target[:maxTarget]
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total++
	place, ok := r.places[key]
	if !ok && len(r.list) >= maxDistinct {
		key = OperationRecord{Kind: "others", Decision: key.Decision}
		place, ok = r.places[key]
	}
	if !ok {
		place = len(r.list)
		r.places[key] = place
		r.list = append(r.list, key)
	}
	r.list[place].Count++
	return r.total
}

// snapshot gives the records in the order of their first decision.
func (r *recorder) snapshot() ([]OperationRecord, int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]OperationRecord{}, r.list...), r.total
}
