package vm

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"slices"
	"strings"
)

// Variables by which version managers and environments steer what a shim
// script runs. The whole environment would be safer and useless: it differs in
// every terminal.
var (
	steeringNames    = []string{"PATH", "HOME", "VIRTUAL_ENV", "XDG_CONFIG_HOME", "XDG_DATA_HOME"}
	steeringPrefixes = []string{"PYENV_", "ASDF_", "MISE_", "CONDA_", "UV_", "NIX_", "LD_"}
	// Files that they look for in the working directory and above it.
	steeringFiles = []string{".python-version", ".tool-versions", "mise.toml", ".mise.toml"}
)

// steeringState is a digest of what may steer a shim script.
func (o Options) steeringState() string {
	var s survey
	for _, entry := range slices.Sorted(slices.Values(o.environ())) {
		name, _, _ := strings.Cut(entry, "=")
		if steers(name) {
			s.text = append(append(s.text, entry...), 0)
		}
	}
	home := o.lookup("HOME")
	global := []string{filepath.Join(home, ".tool-versions"), filepath.Join(home, ".config/mise/config.toml")}
	for _, root := range []string{filepath.Join(home, ".pyenv"), o.lookup("PYENV_ROOT")} {
		global = append(global, filepath.Join(root, "version"))
	}
	for _, path := range global {
		s.add(path, true)
	}
	dir := o.dir()
	s.text = append(append(s.text, dir...), 0)
	for dir != "" {
		for _, name := range steeringFiles {
			s.add(filepath.Join(dir, name), true)
		}
		if dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	sum := sha256.Sum256(s.text)
	return hex.EncodeToString(sum[:16])
}

func steers(name string) bool {
	return slices.Contains(steeringNames, name) || slices.ContainsFunc(steeringPrefixes, func(prefix string) bool {
		return strings.HasPrefix(name, prefix)
	})
}
