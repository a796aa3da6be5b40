package arrayfile

import (
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
)

// Format is the kind of an array file, taken from its extension.
type Format uint8

// The formats that can be read.
const (
	NPY Format = iota + 1
	NPZ
	CSV
)

var extensions = map[Format]string{NPY: ".npy", NPZ: ".npz", CSV: ".csv"}

// Spec says which elements of which file are an input. It is immutable.
type Spec struct {
	Name    string // the input's name, which becomes Ref.Name
	Path    string
	Format  Format
	Key     string   // NPZ: the member, with or without ".npy"; "" if none was named
	Columns []string // CSV: at least one, or nil if none was named
	Slices  []Slice  // by axis, at most as many as the array has; nil for all of it
}

// ParseSpec reads what follows the @ of an argument, by the rules of the
// package comment. It does not look at the file system: the meaning of an
// argument must not hang on which files happen to exist.
func ParseSpec(text string) (Spec, error) {
	if i, format := lastMember(text); i >= 0 {
		return parseMember(text[:i], format, text[i+1:])
	}
	var slices []Slice
	var err error
	if strings.HasSuffix(text, "]") {
		i := strings.LastIndexByte(text, '[')
		if i < 0 {
			return Spec{}, unusable("file %s: the ] at the end has no [ before it", shown(text))
		}
		if slices, err = parseSlices(text[i+1 : len(text)-1]); err != nil {
			return Spec{}, unusable("file %s: %w", shown(text), err)
		}
		text = text[:i]
	}
	for format, ext := range extensions {
		if hasSuffixFold(text, ext) {
			return Spec{Path: text, Format: format, Slices: slices}, nil
		}
	}
	return Spec{}, unusable("file %s: give one that ends in .npy, .npz:KEY or .csv:COLUMN", shown(text))
}

// lastMember finds the colon behind the last ".npz" or ".csv"; -1 if none.
func lastMember(text string) (int, Format) {
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] != ':' {
			continue
		}
		for _, format := range []Format{NPZ, CSV} {
			if hasSuffixFold(text[:i], extensions[format]) {
				return i, format
			}
		}
	}
	return -1, 0
}

func parseMember(path string, format Format, member string) (Spec, error) {
	spec := Spec{Path: path, Format: format}
	if i := strings.LastIndexByte(member, '['); i >= 0 && couldBeSlices(member[i:]) {
		slices, err := parseSlices(member[i+1 : len(member)-1])
		if err != nil {
			return Spec{}, unusable("file %s: %w", shown(path), err)
		}
		spec.Slices, member = slices, member[:i]
	}
	if format == NPZ {
		spec.Key = member
		return spec, nil
	}
	columns, err := parseColumns(member)
	if err != nil {
		return Spec{}, unusable("file %s: columns %s: %w", shown(path), shown(member), err)
	}
	spec.Columns = columns
	return spec, nil
}

// couldBeSlices tells "[3:]" from the "[usd]" of a column name.
func couldBeSlices(text string) bool {
	return len(text) > 2 && text[len(text)-1] == ']' &&
		strings.Trim(text[1:len(text)-1], "0123456789:,+- \t") == ""
}

// parseColumns reads names as a CSV header has them, so that every name a
// header can hold can be written. It gives nil for no text at all.
func parseColumns(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	r := csv.NewReader(strings.NewReader(text))
	r.TrimLeadingSpace = true
	columns, err := r.Read()
	if err != nil {
		if parse, ok := errors.AsType[*csv.ParseError](err); ok {
			err = parse.Err
		}
		return nil, fmt.Errorf("%w; put a name with special characters in quotes, as in CSV", err)
	}
	if _, err := r.Read(); err == nil {
		return nil, errors.New("they span several lines")
	}
	for i, name := range columns {
		if columns[i] = strings.TrimSpace(name); columns[i] == "" {
			return nil, errors.New("a name is empty")
		}
	}
	return columns, nil
}

func hasSuffixFold(s, suffix string) bool {
	return len(s) >= len(suffix) && strings.EqualFold(s[len(s)-len(suffix):], suffix)
}
