package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// writeLearned writes the policy that would have allowed what was refused. A
// run that ended before its model ran has learned nothing and writes nothing.
func (r *run) writeLearned(model string) error {
	if r.learner == nil {
		return nil
	}
	dir, err := filepath.Abs(model)
	if err != nil {
		return fmt.Errorf("learn: %w", err)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		dir = filepath.Dir(dir)
	}
	var text bytes.Buffer
	count, err := r.learner.Write(&text, r.effective, dir)
	if err != nil {
		return err
	}
	if err := writeFile(r.learn, text.Bytes()); err != nil {
		return err
	}
	r.learned = fmt.Sprintf("%s: %v; its head says why", r.learn, count)
	return nil
}
