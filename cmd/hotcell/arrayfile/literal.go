package arrayfile

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxNesting is how deep lists and objects may lie in each other: what the
// wire to the sandbox carries.
const maxNesting = 16

// parseLiteral gives the value of JSON text, and any other text as a string.
func parseLiteral(text string) (any, error) {
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("value %s: not UTF-8", shown(text))
	}
	if !json.Valid([]byte(text)) {
		return text, nil
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	return decodeValue(d, maxNesting)
}

// decodeValue reads tokens instead of calling Decode, because Decode gives
// maps, which lose the order of the members.
func decodeValue(d *json.Decoder, nesting int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, fmt.Errorf("read JSON value: %w", err)
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if nesting == 0 {
		return nil, fmt.Errorf("value is nested deeper than %d levels", maxNesting)
	}
	if delim == '[' {
		return decodeList(d, nesting-1)
	}
	return decodeObject(d, nesting-1)
}

func decodeList(d *json.Decoder, nesting int) (any, error) {
	list := []any{}
	for d.More() {
		item, err := decodeValue(d, nesting)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	_, err := d.Token()
	return list, err
}

func decodeObject(d *json.Decoder, nesting int) (any, error) {
	object := Object{}
	place := map[string]int{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("read JSON member: %w", err)
		}
		name, _ := token.(string)
		value, err := decodeValue(d, nesting)
		if err != nil {
			return nil, err
		}
		// A repeated name keeps its first place and its last value, as in Python.
		if i, ok := place[name]; ok {
			object[i].Value = value
			continue
		}
		place[name] = len(object)
		object = append(object, Member{name, value})
	}
	_, err := d.Token()
	return object, err
}
