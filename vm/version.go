package vm

import (
	"encoding/json"
	"errors"
	"fmt"
)

// version is sys.version_info.
type version struct {
	Major, Minor, Micro int
	Level               string
	Serial              int
}

// oldest is the first version that Hotcell runs.
var oldest = version{Major: 3, Minor: 9}

func (v *version) UnmarshalJSON(data []byte) error {
	fields := []any{&v.Major, &v.Minor, &v.Micro, &v.Level, &v.Serial}
	want := len(fields)
	if err := json.Unmarshal(data, &fields); err != nil {
		return fmt.Errorf("decode version: %w", err)
	}
	if len(fields) != want {
		return fmt.Errorf("decode version: %d fields; want %d", len(fields), want)
	}
	for _, n := range []int{v.Major, v.Minor, v.Micro, v.Serial} {
		if n < 0 || n > 9999 {
			return errors.New("decode version: number out of range")
		}
	}
	if _, ok := levels[v.Level]; !ok {
		return fmt.Errorf("decode version: unknown level %.20q", v.Level)
	}
	return nil
}

var levels = map[string]string{"alpha": "a", "beta": "b", "candidate": "rc", "final": ""}

// String is the version as its makers write it: "3.11.2", "3.14.0rc1".
func (v version) String() string {
	text := fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Micro)
	if short := levels[v.Level]; short != "" {
		text += fmt.Sprintf("%s%d", short, v.Serial)
	}
	return text
}

func (v version) before(w version) bool {
	return v.Major < w.Major || v.Major == w.Major && v.Minor < w.Minor
}

// short leaves out what no requirement names.
func (v version) short() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }
