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

// othersKind stands for what found no place.
const othersKind = "others"

// OperationRecord is equal decisions folded.
type OperationRecord struct {
	Kind     string `json:"kind"`
	Target   string `json:"target"`
	Decision string `json:"decision"`
	Rule     string `json:"rule"`
	Count    int64  `json:"count"`
	Advice   string `json:"advice,omitempty"` // what would allow it
}

// Refused tells whether the model did not get what it tried.
func (o OperationRecord) Refused() bool {
	return o.Decision != syscallpolicy.Allow.String() && o.Decision != syscallpolicy.Virtual.String()
}

// recorder counts decisions by what was tried. It is safe for concurrent use.
type recorder struct {
	mu     sync.Mutex
	places map[OperationRecord]int // by the record with neither count nor advice
	list   []OperationRecord
	advise func(syscallpolicy.Operation, syscallpolicy.Decision) string
}

func newRecorder(advise func(syscallpolicy.Operation, syscallpolicy.Decision) string) *recorder {
	return &recorder{places: map[OperationRecord]int{}, advise: advise}
}

// add counts one decision and gives how many there are now that equal it.
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
	place, ok := r.places[key]
	if !ok && len(r.list) >= maxDistinct {
		key = OperationRecord{Kind: othersKind, Decision: key.Decision}
		place, ok = r.places[key]
	}
	if !ok {
		place = len(r.list)
		r.places[key] = place
		if key.Kind != othersKind && key.Refused() {
			key.Advice = r.advise(operation, decision)
		}
		r.list = append(r.list, key)
	}
	r.list[place].Count++
	return r.list[place].Count
}

// snapshot gives the records in the order of their first decision.
func (r *recorder) snapshot() []OperationRecord {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]OperationRecord{}, r.list...)
}
