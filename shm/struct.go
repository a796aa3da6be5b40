package shm

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"hotcell/shm/internal/pyliteral"
)

// Field is one field of a structure. Padding shows in the offsets only.
type Field struct {
	Name   string
	DType  DType
	Shape  []int64 // empty unless the field is itself an array, in C order
	Offset int     // bytes from the element's beginning
}

// Fields are those of a Struct, in the order of their offsets, and nil for
// other kinds. They are parsed anew at each call.
func (d DType) Fields() []Field {
	if d.kind != Struct {
		return nil
	}
	// d.descr was parsed before, by which it got into d.
	_, fields, _ := parseStruct(d.descr)
	return fields
}

func parseStruct(descr string) (DType, []Field, error) {
	list, err := pyliteral.Parse(descr)
	if err != nil {
		return DType{}, nil, err
	}
	var p structParser
	d, fields, err := p.structure(list, 1)
	if err == nil && len(d.descr) > maxDescr {
		err = fmt.Errorf("described in %d bytes once written out; at most %d are allowed", len(d.descr), maxDescr)
	}
	if err != nil {
		return DType{}, nil, err
	}
	return d, fields, nil
}

// structParser counts the fields of a whole description.
type structParser struct{ fields int }

// builder is the structure made so far.
type builder struct {
	fields  []Field
	names   map[string]bool
	text    []string
	size    int
	padding int // at the end, not yet in text
}

func (p *structParser) structure(n pyliteral.Node, nesting int) (DType, []Field, error) {
	if nesting > maxNesting {
		return DType{}, nil, fmt.Errorf("structures nested deeper than %d", maxNesting)
	}
	b := builder{names: make(map[string]bool)}
	for _, item := range n.Items {
		if p.fields++; p.fields > maxFields {
			return DType{}, nil, fmt.Errorf("more than %d fields", maxFields)
		}
		if err := p.field(&b, item, nesting); err != nil {
			return DType{}, nil, err
		}
	}
	if len(b.fields) == 0 {
		return DType{}, nil, errors.New("a structure without fields")
	}
	b.flush()
	text := "[" + strings.Join(b.text, ", ") + "]"
	return DType{descr: text, size: int32(b.size), kind: Struct}, b.fields, nil
}

// field reads (name, type) or (name, type, shape).
func (p *structParser) field(b *builder, n pyliteral.Node, nesting int) error {
	if n.Kind != pyliteral.Tuple || len(n.Items) < 2 || len(n.Items) > 3 {
		return errors.New("a field is not (name, type) or (name, type, shape)")
	}
	name, dtype := n.Items[0], n.Items[1]
	if name.Kind != pyliteral.String {
		return errors.New("a field's name is not a string; titles are not supported")
	}
	if name.Str == "" {
		return b.pad(n.Items[1:])
	}
	f := Field{Name: name.Str}
	var err error
	if f.DType, err = p.fieldType(dtype, nesting); err == nil && len(n.Items) == 3 {
		f.Shape, err = fieldShape(n.Items[2])
	}
	if err == nil {
		err = b.add(f)
	}
	if err != nil {
		return fmt.Errorf("field %s: %w", shown(f.Name), err)
	}
	return nil
}

func (p *structParser) fieldType(n pyliteral.Node, nesting int) (DType, error) {
	switch n.Kind {
	case pyliteral.String:
		return parseSimple(n.Str)
	case pyliteral.List:
		d, _, err := p.structure(n, nesting+1)
		return d, err
	}
	return DType{}, errors.New("its type is neither a string nor a list")
}

// fieldShape reads a shape as numpy writes it. A length of 0 is refused for
// the reason that a width of 0 is.
func fieldShape(n pyliteral.Node) ([]int64, error) {
	if n.Kind != pyliteral.Tuple || len(n.Items) == 0 {
		return nil, errors.New("its shape is not a tuple of lengths")
	}
	if len(n.Items) > MaxAxes {
		return nil, fmt.Errorf("it has %d axes; at most %d are possible", len(n.Items), MaxAxes)
	}
	var shape []int64
	for _, item := range n.Items {
		if item.Kind != pyliteral.Int || item.Int < 1 {
			return nil, errors.New("its shape holds something else than lengths from 1 on")
		}
		shape = append(shape, item.Int)
	}
	return shape, nil
}

func (b *builder) add(f Field) error {
	if b.names[f.Name] {
		return errors.New("a second one of this name")
	}
	size := int64(f.DType.size)
	for _, n := range f.Shape {
		if n > maxItemSize/size {
			return errTooLarge
		}
		size *= n
	}
	b.flush()
	f.Offset = b.size
	b.names[f.Name] = true
	b.fields = append(b.fields, f)
	b.text = append(b.text, f.text())
	return b.grow(int(size))
}

// pad takes the type |V4, which numpy writes for bytes of no field.
func (b *builder) pad(n []pyliteral.Node) error {
	number, ok := strings.CutPrefix(n[0].Str, "|V")
	size, err := strconv.Atoi(number)
	switch {
	case len(n) != 1 || !ok || err != nil || strconv.Itoa(size) != number || size < 1:
		return errors.New("a field without a name is not padding, as ('', '|V4')")
	case size > maxItemSize:
		return errTooLarge
	}
	b.padding += size
	return b.grow(size)
}

// grow keeps size far from overflow: both terms are small.
func (b *builder) grow(size int) error {
	if b.size += size; b.size > maxItemSize {
		return errTooLarge
	}
	return nil
}

// flush writes the padding as one field, however many it came in.
func (b *builder) flush() {
	if b.padding > 0 {
		b.text = append(b.text, fmt.Sprintf("('', '|V%d')", b.padding))
		b.padding = 0
	}
}

// text is the field in a description.
func (f Field) text() string {
	dtype := f.DType.descr
	if f.DType.kind != Struct {
		dtype = "'" + dtype + "'"
	}
	if len(f.Shape) == 0 {
		return "(" + pyliteral.Quote(f.Name) + ", " + dtype + ")"
	}
	return "(" + pyliteral.Quote(f.Name) + ", " + dtype + ", " + pyliteral.Shape(f.Shape) + ")"
}

// shown makes foreign text one short printable line.
func shown(s string) string {
	const most = 80
	if len(s) > most {
		return strconv.Quote(s[:most]) + "..."
	}
	return strconv.Quote(s)
}
