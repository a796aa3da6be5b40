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

// recordKey says which decisions are equal. It is small: it is looked up for
// each.
type recordKey struct {
	kind         syscallpolicy.Kind
	effect       syscallpolicy.Effect
	others       bool
	target, rule string
}

// recorder counts decisions by what was tried. It is safe for concurrent use.
type recorder struct {
	mu     sync.Mutex
	places map[recordKey]int // in the list
	list   []OperationRecord
	advise func(syscallpolicy.Operation, syscallpolicy.Decision) string
}

func newRecorder(advise func(syscallpolicy.Operation, syscallpolicy.Decision) string) *recorder {
	return &recorder{places: map[recordKey]int{}, advise: advise}
}

// add counts one decision and gives how many there are now that equal it.
func (r *recorder) add(operation syscallpolicy.Operation, decision syscallpolicy.Decision) int64 {
	key := recordKey{kind: operation.Kind, effect: decision.Effect, target: operation.Target, rule: decision.Rule}
	if len(key.target) > maxTarget {
		key.target = key.target[:maxTarget]
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	place, ok := r.places[key]
	if !ok && len(r.list) >= maxDistinct {
		key = recordKey{others: true, effect: key.effect}
		place, ok = r.places[key]
	}
	if !ok {
		place = len(r.list)
		r.places[key] = place
		r.list = append(r.list, r.fresh(key, operation, decision))
	}
	r.list[place].Count++
	return r.list[place].Count
}

// fresh is the record of a key that was not there.
func (r *recorder) fresh(key recordKey, operation syscallpolicy.Operation, decision syscallpolicy.Decision) OperationRecord {
	if key.others {
		return OperationRecord{Kind: othersKind, Decision: key.effect.String()}
	}
	record := OperationRecord{Kind: key.kind.String(), Target: key.target, Decision: key.effect.String(), Rule: key.rule}
	if record.Refused() {
		record.Advice = r.advise(operation, decision)
	}
	return record
}

// snapshot gives the records in the order of their first decision.
func (r *recorder) snapshot() []OperationRecord {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]OperationRecord{}, r.list...)
}
