//go:build !linux

package syscallpolicy

// Missing knows nothing of other systems.
func Missing(Kind, string) string { return "" }
