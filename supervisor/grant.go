package supervisor

import (
	"slices"
	"strings"

	"hotcell/supervisor/broker"
	"hotcell/syscallpolicy"
)

// A scratch holds a file for each of its pages, and at least so many.
const minScratchInodes = 64

// inScratch tells what the model does in its own temporary directory, unless
// a rule has spoken of it.
func inScratch(operation syscallpolicy.Operation, decision syscallpolicy.Decision) bool {
	switch operation.Kind {
	case syscallpolicy.KindOpen, syscallpolicy.KindStat, syscallpolicy.KindList,
		syscallpolicy.KindCreate, syscallpolicy.KindRemove, syscallpolicy.KindRename:
	default:
		return false
	}
	const root = broker.ScratchPath
	return decision.Rule == syscallpolicy.DefaultRule &&
		(operation.Target == root || strings.HasPrefix(operation.Target, root+"/"))
}

// namesOfGrants tells the C library's look at the files by which it finds
// the names of granted addresses. With a network the broker answers with its
// own in their place, never with the host's.
func namesOfGrants(operation syscallpolicy.Operation, decision syscallpolicy.Decision) bool {
	reads := operation.Kind == syscallpolicy.KindOpen || operation.Kind == syscallpolicy.KindStat
	return reads && broker.NameFile(operation.Target) && !operation.Write && decision.Rule == syscallpolicy.DefaultRule
}

// newBroker opens what a model's policy grants.
func newBroker(m *Model) (*broker.Broker, error) {
	policy := m.spec.Policy
	if err := repeatable(policy, waitsKillable()); err != nil {
		return nil, err
	}
	opts := broker.Options{Decide: m.decide, Movable: policy.Movable, Named: m.named, MaxFile: m.limits.MaxFile}
	for _, root := range policy.Roots() {
		opts.Roots = append(opts.Roots, broker.Root{Path: root, Write: policy.Writes(root)})
	}
	if grants := policy.Connections(); len(grants) > 0 {
		opts.Network = &broker.Network{Grants: grants}
	}
	if size := m.limits.Scratch; size > 0 {
		scratch, err := broker.NewScratch(size, max(minScratchInodes, size/pageSize))
		if err != nil {
			return nil, err
		}
		opts.Scratch = scratch
	}
	return broker.New(opts)
}

// repeatable refuses grants whose operations must not be made twice where the
// kernel (before 5.19) lets a signal break off a routed call and then has it
// made again: a file would be removed, a name taken, a connection made a second
// time. Reading twice does no harm.
func repeatable(policy syscallpolicy.Policy, once bool) error {
	writes := slices.ContainsFunc(policy.Roots(), policy.Writes)
	if once || !writes && len(policy.Connections()) == 0 && policy.Limits().Scratch == 0 {
		return nil
	}
	return setupError(UnmetHost, "this kernel makes a system call again after a signal, so what changes files or connects cannot be allowed safely: "+
		"use kernel 5.19 or newer, or run without --write, --scratch and connect rules")
}
