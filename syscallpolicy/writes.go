package syscallpolicy

// DefaultRule is the Rule of a Decision when no rule spoke.
const DefaultRule = byDefault

// Writes reports whether p may allow a change below a directory that Roots
// names. A supervisor opens the others so that nothing can be changed there.
func (p Policy) Writes(root string) bool {
	for _, c := range p.rules {
		if !c.root || !c.Write && c.Kinds&namingKinds == 0 {
			continue
		}
		s, ok := c.subject.(paths)
		if ok && s.real.static == root || !ok && root == "/" {
			return true
		}
	}
	return false
}
