package cgroup

import "fmt"

// Yield has the group's processes run behind those of others where there is
// not time for all: they get a quarter of what another group gets. It limits
// nothing on an idle machine. With false they are as others again.
func (g *Group) Yield(behind bool) error {
	shares, weight := "1024", "100" // the kernel's defaults
	if behind {
		shares, weight = "256", "25"
	}
	s := setting{"cpu", "cpu.shares", shares}
	if g.tree.layout.Kind == V2 {
		s = setting{"cpu", "cpu.weight", weight}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.write([]setting{s}); err != nil {
		return fmt.Errorf("weight of control group %s: %w", g.name, err)
	}
	return nil
}
