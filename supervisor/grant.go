package supervisor

import (
	"errors"

	"hotcell/supervisor/broker"
)

// A scratch holds a file for each of its pages, and at least so many.
const minScratchInodes = 64

// newBroker opens what a model's policy grants.
func newBroker(m *Model) (*broker.Broker, error) {
	policy := m.spec.Policy
	opts := broker.Options{Decide: m.decide}
	for _, root := range policy.Roots() {
		opts.Roots = append(opts.Roots, broker.Root{Path: root, Write: policy.Writes(root)})
	}
	if grants := policy.Connections(); len(grants) > 0 {
		opts.Network = &broker.Network{Grants: grants}
	}
	if size := m.limits.Scratch; size > 0 {
		scratch, err := broker.NewScratch(size, max(minScratchInodes, size/pageSize))
		if errors.Is(err, broker.ErrScratchPrivilege) {
			return nil, setupError(UnmetHost, "scratch needs a supervisor that may mount: run as root, or without --scratch")
		}
		if err != nil {
			return nil, err
		}
		opts.Scratch = scratch
	}
	return broker.New(opts)
}
