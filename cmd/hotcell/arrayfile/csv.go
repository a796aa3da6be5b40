package arrayfile

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"hotcell/shm"
	"hotcell/shm/npy"
)

// csv reads columns as float64: 1-D for one, rows by columns for several.
func (l *loader) csv() (*Input, error) {
	table, err := newTable(l.file, l.spec.Columns)
	if err != nil {
		return nil, l.bad(err)
	}
	data, err := table.values(l.maxBytes)
	if err != nil {
		return nil, l.bad(err)
	}
	float64s, err := shm.ParseDType("<f8")
	if err != nil {
		return nil, fmt.Errorf("bug: %w", err)
	}
	h := npy.Header{DType: float64s, Shape: []int64{table.rows}}
	if n := len(table.columns); n > 1 {
		h.Shape = append(h.Shape, int64(n))
	}
	ref, p, err := l.selection(h)
	if err != nil {
		return nil, l.bad(err)
	}
	return l.fill(ref, p, func(region *shm.Region) error {
		return l.gather(region, bytes.NewReader(data), 0, p)
	})
}

// table reads the wanted columns of a CSV file with a header row.
type table struct {
	r       *csv.Reader
	header  []string
	columns []int // of the header, in the wanted order
	rows    int64 // read so far
}

func newTable(src io.Reader, wanted []string) (*table, error) {
	buffered := bufio.NewReaderSize(src, 1<<16)
	// Spreadsheets write a byte order mark; it is not part of the first name.
	if mark, err := buffered.Peek(3); err == nil && string(mark) == "\xef\xbb\xbf" {
		buffered.Discard(len(mark))
	}
	t := &table{r: csv.NewReader(buffered)}
	t.r.TrimLeadingSpace = true
	header, err := t.r.Read()
	switch {
	case err == io.EOF:
		return nil, errors.New("empty; the first line must name the columns")
	case err != nil:
		return nil, t.bad(err)
	}
	for _, name := range header {
		t.header = append(t.header, strings.TrimSpace(name))
	}
	t.r.ReuseRecord = true
	return t, t.choose(wanted)
}

func (t *table) choose(wanted []string) error {
	if len(wanted) == 0 {
		return fmt.Errorf("name a column as FILE.csv:COLUMN; it has %s", shownList(t.header))
	}
	for _, name := range wanted {
		i := slices.Index(t.header, name)
		if i < 0 {
			return fmt.Errorf("no column %s; it has %s", shown(name), shownList(t.header))
		}
		if slices.Contains(t.header[i+1:], name) {
			return fmt.Errorf("several columns are named %s; rename all but one", shown(name))
		}
		t.columns = append(t.columns, i)
	}
	return nil
}

// values reads all rows, as little-endian float64 in C order. They are built
// in the heap because the number of rows, and with it the region's size, is
// known at the end only.
func (t *table) values(maxBytes int64) ([]byte, error) {
	var data []byte
	for {
		record, err := t.r.Read()
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return nil, t.bad(err)
		}
		if int64(len(data)) > maxBytes-8*int64(len(t.columns)) {
			return nil, fmt.Errorf("more than %d bytes of numbers; use an .npy file and a slice", maxBytes)
		}
		for _, column := range t.columns {
			v, err := parseCell(record[column])
			if err != nil {
				line, _ := t.r.FieldPos(column)
				return nil, fmt.Errorf("line %d, column %s: %w", line, shown(t.header[column]), err)
			}
			data = binary.LittleEndian.AppendUint64(data, math.Float64bits(v))
		}
		t.rows++
	}
}

func (t *table) bad(err error) error {
	parse, ok := errors.AsType[*csv.ParseError](err)
	switch {
	case !ok:
		return fmt.Errorf("read: %w", cause(err))
	case errors.Is(err, csv.ErrFieldCount):
		return fmt.Errorf("line %d: the number of fields is not the header's %d", parse.Line, len(t.header))
	}
	return fmt.Errorf("line %d, byte %d: %w", parse.Line, parse.Column, parse.Err)
}

// parseCell accepts what Python's float does, without its underscores, and
// takes empty, NA and NaN for missing.
func parseCell(cell string) (float64, error) {
	text := strings.TrimSpace(cell)
	if text == "" || text == "NA" {
		return math.NaN(), nil
	}
	// ParseFloat also takes 0x1p-2 and 0x_1p-2, which no CSV file means.
	if !strings.ContainsAny(text, "xX_") {
		v, err := strconv.ParseFloat(text, 64)
		if err == nil {
			return v, nil
		}
		if errors.Is(err, strconv.ErrRange) {
			return 0, fmt.Errorf("%s does not fit into a float64", quoted(cell))
		}
	}
	return 0, fmt.Errorf("%s is not a number; empty, NA and NaN stand for a missing one", quoted(cell))
}
