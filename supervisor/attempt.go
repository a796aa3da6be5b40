package supervisor

import "context"

// Attempt is Launch for a host that also wants to know what a launch cost that
// came to nothing: without a model, the outcome says how it ended, and nothing
// is left to close.
func (s *Supervisor) Attempt(ctx context.Context, spec Spec, inputs ...Input) (*Model, *Outcome) {
	m, cause := s.launch(ctx, spec, inputs)
	if cause != nil {
		return nil, m.finish(cause, nil)
	}
	return m, nil
}
