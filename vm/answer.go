package vm

import (
	"bytes"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unicode"
)

//go:embed probe/identify.py
var identifyScript string

//go:embed probe/examine.py
var examineScript string

// marker begins the line that holds an answer. Site hooks and packages print
// whatever they like before it.
const marker = "hotcell-probe 1 "

// Bounds of an answer. They are far above what a real interpreter says.
const (
	maxAnswer = 256 << 10
	maxPaths  = 2000
	maxPath   = 4096
	maxText   = 300
)

// identity is the answer of probe/identify.py.
type identity struct {
	Implementation string   `json:"implementation"`
	Version        version  `json:"version"`
	Executable     string   `json:"executable"`
	Path           []string `json:"path"`
	Watched        []string `json:"watched"`
}

// examination is the answer of probe/examine.py.
type examination struct {
	Version    version  `json:"version"`
	Start      []string `json:"start"`
	Missing    []string `json:"missing"`
	Magic      string   `json:"magic"`
	Libraries  []string `json:"libraries"`
	Numpy      string   `json:"numpy"`
	NumpyFile  string   `json:"numpy_file"`
	NumpyError string   `json:"numpy_error"`
}

// parseIdentity finds and checks the answer in what the interpreter printed.
func parseIdentity(out []byte) (identity, error) {
	var a identity
	if err := decodeAnswer(out, &a); err != nil {
		return identity{}, err
	}
	if a.Implementation == "" || oneLine(a.Implementation) != a.Implementation {
		return identity{}, errors.New("no name of an implementation")
	}
	if a.Version.Level == "" {
		return identity{}, errors.New("no version")
	}
	if a.Executable == "" {
		return identity{}, errors.New("no path of the executable, or one that is not UTF-8")
	}
	if err := checkPaths([]string{a.Executable}, a.Path, a.Watched); err != nil {
		return identity{}, err
	}
	return a, nil
}

// parseExamination is parseIdentity for the second script.
func parseExamination(out []byte) (examination, error) {
	var a examination
	if err := decodeAnswer(out, &a); err != nil {
		return examination{}, err
	}
	if err := checkPaths(a.Start, a.Libraries); err != nil {
		return examination{}, err
	}
	if a.NumpyFile != "" {
		if err := checkPaths([]string{a.NumpyFile}); err != nil {
			return examination{}, err
		}
	}
	if _, err := hex.DecodeString(a.Magic); err != nil || len(a.Magic) > 32 {
		return examination{}, errors.New("malformed magic number")
	}
	if len(a.Missing) > maxPaths {
		return examination{}, errors.New("too many missing modules")
	}
	for i := range a.Missing {
		a.Missing[i] = oneLine(a.Missing[i])
	}
	a.Numpy, a.NumpyError = oneLine(a.Numpy), oneLine(a.NumpyError)
	return a, nil
}

// decodeAnswer decodes the last line that begins with the marker.
func decodeAnswer(out []byte, into any) error {
	if len(out) > maxAnswer {
		return fmt.Errorf("answer of more than %d bytes", maxAnswer)
	}
	var last []byte
	for line := range bytes.Lines(out) {
		if rest, ok := bytes.CutPrefix(line, []byte(marker)); ok && bytes.HasSuffix(rest, []byte("\n")) {
			last = rest
		}
	}
	if last == nil {
		return errNoAnswer
	}
	d := json.NewDecoder(bytes.NewReader(last))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	if len(bytes.TrimSpace(last[d.InputOffset():])) != 0 {
		return errors.New("decode answer: more than one value")
	}
	return nil
}

var errNoAnswer = errors.New("no answer")

// checkPaths demands absolute paths without NUL, and cleans them in place.
func checkPaths(lists ...[]string) error {
	for _, list := range lists {
		if len(list) > maxPaths {
			return errors.New("too many paths")
		}
		for i, path := range list {
			if len(path) > maxPath || !filepath.IsAbs(path) || strings.ContainsRune(path, 0) {
				return fmt.Errorf("unusable path %.100q", path)
			}
			list[i] = filepath.Clean(path)
		}
	}
	return nil
}

// oneLine makes text of an interpreter's fit for an error message: its first
// line with something on it, no control characters, bounded.
func oneLine(text string) string {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(strings.Map(printable, line))
		if len(line) > maxText {
			line = strings.TrimSpace(strings.ToValidUTF8(line[:maxText], ""))
		}
		if line != "" {
			return line
		}
	}
	return ""
}

// printable drops control characters, also those that turn the direction of
// text around.
func printable(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case !unicode.IsPrint(r):
		return -1
	}
	return r
}
