package npy

import (
	"errors"
	"fmt"

	"hotcell/shm"
	"hotcell/shm/internal/pyliteral"
)

// parseHeader reads the dict. It must have the three keys and no other, as
// numpy wants it too; but a key that comes twice, of which Python takes the
// last, is refused: two readers must not see two arrays.
func parseHeader(text string) (Header, error) {
	dict, err := pyliteral.Parse(text)
	if err != nil {
		return Header{}, err
	}
	if dict.Kind != pyliteral.Dict {
		return Header{}, errors.New("not a dict")
	}
	var h Header
	seen := make(map[string]bool)
	for i := 0; i < len(dict.Items); i += 2 {
		key := dict.Items[i]
		if key.Kind != pyliteral.String {
			return Header{}, errors.New("a key that is not a string")
		}
		if seen[key.Str] {
			return Header{}, fmt.Errorf("the key %.80q comes twice", key.Str)
		}
		seen[key.Str] = true
		if err := h.set(key.Str, dict.Items[i+1]); err != nil {
			return Header{}, err
		}
	}
	for _, key := range []string{"descr", "fortran_order", "shape"} {
		if !seen[key] {
			return Header{}, fmt.Errorf("no %s", key)
		}
	}
	return h, nil
}

func (h *Header) set(key string, value pyliteral.Node) (err error) {
	switch key {
	case "descr":
		h.DType, err = dtype(value)
		return err
	case "fortran_order":
		if value.Kind != pyliteral.Bool {
			return errors.New("fortran_order is neither True nor False")
		}
		h.Fortran = value.Bool
		return nil
	case "shape":
		h.Shape, err = shape(value)
		return err
	}
	return fmt.Errorf("an unknown key %.80q", key)
}

// dtype takes a string or a list. A list inside a string would be no dtype to
// numpy.
func dtype(value pyliteral.Node) (shm.DType, error) {
	switch {
	case value.Kind == pyliteral.List:
		return shm.ParseDType(value.Text)
	case value.Kind == pyliteral.String && (value.Str == "" || value.Str[0] != '['):
		return shm.ParseDType(value.Str)
	}
	return shm.DType{}, errors.New("descr is neither a simple dtype nor a list of fields")
}

// shape leaves all but the kinds to shm.Ref's own checks.
func shape(value pyliteral.Node) ([]int64, error) {
	if value.Kind != pyliteral.Tuple {
		return nil, errors.New("shape is not a tuple")
	}
	var lengths []int64
	for _, item := range value.Items {
		if item.Kind != pyliteral.Int {
			return nil, errors.New("shape holds something else than integers")
		}
		lengths = append(lengths, item.Int)
	}
	return lengths, nil
}
