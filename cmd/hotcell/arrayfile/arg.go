package arrayfile

import (
	"slices"
	"strings"

	"hotcell/shm"
)

// Arg is one NAME=VALUE of the command line.
type Arg struct {
	Name string

	// File is set for a value that begins with @; then Value is nil.
	File *Spec

	// Value is the JSON value, or the argument's text if it is not JSON: nil,
	// bool, json.Number (as typed, so no digit is lost), string, []any or
	// Object.
	Value any
}

// Object is a JSON object in the order of its text: a Python dict keeps that
// order, a Go map does not.
type Object []Member

// Member is one name and value of an Object.
type Member struct {
	Name  string
	Value any
}

// keywords cannot be names of parameters in any Python since 3.9. Soft
// keywords (match, type) can.
var keywords = []string{
	"False", "None", "True", "and", "as", "assert", "async", "await", "break",
	"class", "continue", "def", "del", "elif", "else", "except", "finally",
	"for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
	"not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
}

// ParseArg reads one NAME=VALUE. The name must be fit for a parameter of a
// Python function and for an array: [A-Za-z_][A-Za-z0-9_]{0,63}. It opens no
// file. Errors are *InputError.
func ParseArg(arg string) (Arg, error) {
	name, text, ok := strings.Cut(arg, "=")
	switch {
	case !ok:
		return Arg{}, unusable("argument %s: write it as NAME=VALUE or NAME=@FILE", shown(arg))
	case !shm.ValidName(name):
		return Arg{}, unusable("input name %s: use a letter or _, then letters, digits and _, at most 64 in all", shown(name))
	case slices.Contains(keywords, name):
		return Arg{}, unusable("input name %s: this is a Python keyword, no parameter can have that name", name)
	}
	if file, ok := strings.CutPrefix(text, "@"); ok {
		spec, err := ParseSpec(file)
		if err != nil {
			return Arg{}, unusable("input %s: %w", name, err)
		}
		spec.Name = name
		return Arg{Name: name, File: &spec}, nil
	}
	value, err := parseLiteral(text)
	if err != nil {
		return Arg{}, unusable("input %s: %w", name, err)
	}
	return Arg{Name: name, Value: value}, nil
}
