package ipc

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// section gives the tables below a heading of PROTOCOL.md: their rows
// without the heads, as cells.
func section(t *testing.T, heading string) [][][]string {
	t.Helper()
	text, err := os.ReadFile("PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "\n"+heading+"\n")
	if !ok {
		t.Fatalf("PROTOCOL.md has no heading %q", heading)
	}
	rest, _, _ = strings.Cut(rest, "\n#")
	var tables [][][]string
	table := false
	for line := range strings.Lines(rest) {
		line = strings.TrimSpace(line)
		switch {
		case !strings.HasPrefix(line, "|"):
			table = false
		case strings.HasPrefix(line, "|---"):
			tables, table = append(tables, nil), true
		case table:
			cells := strings.Split(strings.Trim(line, "|"), "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			tables[len(tables)-1] = append(tables[len(tables)-1], cells)
		}
	}
	return tables
}

func number(t *testing.T, cell string) int {
	t.Helper()
	n, err := strconv.Atoi(cell)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestProtocolTypes(t *testing.T) {
	listed := map[Type]string{}
	for _, row := range section(t, "## Who says what, and when")[0] {
		listed[Type(number(t, row[0]))] = row[1]
	}
	if !reflect.DeepEqual(listed, typeNames) {
		t.Errorf("PROTOCOL.md lists the types %v; want %v", listed, typeNames)
	}
}

var wordStart = regexp.MustCompile(`([a-z])([A-Z])`)

// fieldNames are those of a structure in its order, which is the wire's.
func fieldNames(v any) []string {
	var names []string
	typ := reflect.TypeOf(v)
	for i := range typ.NumField() {
		names = append(names, strings.ToLower(wordStart.ReplaceAllString(typ.Field(i).Name, "$1 $2")))
	}
	return names
}

func column(rows [][]string, i int) []string {
	var cells []string
	for _, row := range rows {
		cells = append(cells, row[i])
	}
	return cells
}

func TestProtocolFields(t *testing.T) {
	for typ, name := range typeNames {
		want := fieldNames(reflect.ValueOf(newMessage(typ)).Elem().Interface())
		if want == nil {
			continue
		}
		tables := section(t, "### "+name)
		if got := column(tables[0], 0); !slices.Equal(got, want) {
			t.Errorf("PROTOCOL.md gives %s the fields %q; want %q", name, got, want)
		}
		if name == "load" {
			if got := column(tables[1], 0); !slices.Equal(got, fieldNames(File{})) {
				t.Errorf("PROTOCOL.md gives a file the fields %q; want %q", got, fieldNames(File{}))
			}
			if got := column(tables[2], 0); !slices.Equal(got, fieldNames(Region{})) {
				t.Errorf("PROTOCOL.md gives a region the fields %q; want %q", got, fieldNames(Region{}))
			}
		}
	}
}

func TestProtocolNumbers(t *testing.T) {
	kinds := column(section(t, "## Values")[0], 0)
	if want := numbers(int(KindNone), int(KindDict)); !slices.Equal(kinds, want) {
		t.Errorf("PROTOCOL.md lists the kinds %q; want %q", kinds, want)
	}
	causes := column(section(t, "### exception")[1], 0)
	if want := numbers(int(CauseRaised), int(CauseRecursion)); !slices.Equal(causes, want) {
		t.Errorf("PROTOCOL.md lists the causes %q; want %q", causes, want)
	}
	var bounds []int
	for _, row := range section(t, "## Bounds")[0] {
		n, _, _ := strings.Cut(row[1], " ")
		if n != "what" {
			bounds = append(bounds, number(t, n))
		}
	}
	if want := []int{MaxFrame, MaxDescriptors, maxNesting, maxIntBytes}; !slices.Equal(bounds, want) {
		t.Errorf("PROTOCOL.md gives the bounds %d; want %d", bounds, want)
	}
}

func numbers(from, to int) []string {
	var list []string
	for n := from; n <= to; n++ {
		list = append(list, strconv.Itoa(n))
	}
	return list
}
