package syscallpolicy

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/docker/go-units"
)

// ParseSize reads a number of bytes as people write it.
func ParseSize(text string) (int64, error) {
	n, err := units.RAMInBytes(text)
	if err != nil || n < 0 || n == math.MaxInt64 {
		return 0, fmt.Errorf("%q is no size: write bytes or K, M, G (powers of 1024), like 256M or 1.5G", text)
	}
	return n, nil
}

// FormatSize writes a number of bytes so that ParseSize reads the same.
func FormatSize(n int64) string {
	for _, unit := range []struct {
		suffix string
		bytes  int64
	}{{"T", 1 << 40}, {"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}} {
		if n > 0 && n%unit.bytes == 0 {
			return strconv.FormatInt(n/unit.bytes, 10) + unit.suffix
		}
	}
	return strconv.FormatInt(n, 10)
}

// ParseDuration reads a time as Go writes it, longer than nothing.
func ParseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	switch _, number := strconv.ParseFloat(text, 64); {
	case err == nil && d > 0:
		return d, nil
	case err == nil:
		return 0, fmt.Errorf("%q is no time to run in: every limit holds and none is switched off; write how long it may take, like 500ms, 2s or 24h", text)
	case number == nil:
		return 0, fmt.Errorf("%q has no unit: write %[2]ss for seconds, or %[2]sms for milliseconds", text, text)
	}
	return 0, fmt.Errorf("%q is no duration: write a number with a unit, like 500ms, 2s or 1m30s", text)
}
