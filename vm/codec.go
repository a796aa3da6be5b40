package vm

import (
	"encoding/binary"
	"errors"
	"time"
)

// The cache's form of a record: its strings and lists in a fixed order, each
// behind its length. encoding/json would do, but in a fresh process its first
// call takes longer than all the rest of a cache hit.

// fields lists what is kept, in order. It is the one place that knows it.
func (r *record) fields() (texts []*string, lists []*[]string) {
	i := &r.Interpreter
	texts = []*string{
		&i.Asked, &i.Reason, &i.Implementation, &i.Executable, &i.Version, &i.Magic,
		&i.Numpy, &i.NumpyError, &r.Failure, &r.State,
	}
	return texts, []*[]string{&i.Path, &i.Mounts, &i.Notes, &r.Watched}
}

func (r record) encode() []byte {
	data := binary.AppendVarint(nil, r.Made.UnixNano())
	texts, lists := r.fields()
	for _, text := range texts {
		data = appendText(data, *text)
	}
	for _, list := range lists {
		data = binary.AppendUvarint(data, uint64(len(*list)))
		for _, text := range *list {
			data = appendText(data, text)
		}
	}
	for _, link := range r.Interpreter.Links {
		data = appendText(appendText(data, link.Path), link.Target)
	}
	return data
}

func appendText(data []byte, text string) []byte {
	return append(binary.AppendUvarint(data, uint64(len(text))), text...)
}

func decodeRecord(data []byte) (record, error) {
	var r record
	made, n := binary.Varint(data)
	if n <= 0 {
		return record{}, errRecord
	}
	r.Made = time.Unix(0, made)
	d := recordDecoder{data: data[n:]}
	texts, lists := r.fields()
	for _, text := range texts {
		*text = d.text()
	}
	for _, list := range lists {
		for count := d.length(); count > 0 && !d.failed; count-- {
			*list = append(*list, d.text())
		}
	}
	for len(d.data) > 0 && !d.failed {
		r.Interpreter.Links = append(r.Interpreter.Links, Link{Path: d.text(), Target: d.text()})
	}
	if d.failed {
		return record{}, errRecord
	}
	return r, nil
}

var errRecord = errors.New("malformed record")

// recordDecoder gives zero values once something was malformed.
type recordDecoder struct {
	data   []byte
	failed bool
}

// length is of something that follows, so never more than the bytes left.
func (d *recordDecoder) length() int {
	length, n := binary.Uvarint(d.data)
	if n <= 0 || length > uint64(len(d.data)-n) {
		d.failed, d.data = true, nil
		return 0
	}
	d.data = d.data[n:]
	return int(length)
}

func (d *recordDecoder) text() string {
	n := d.length()
	text := string(d.data[:n])
	d.data = d.data[n:]
	return text
}
