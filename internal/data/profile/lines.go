package profile

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
)

func itoa(n int) string { return strconv.Itoa(n) }

// objects reads the objects of a JSON lines file.
type objects struct {
	name string
	scan *bufio.Scanner
	line int
}

func openObjects(name string, content io.Reader) *objects {
	scan := bufio.NewScanner(content)
	scan.Buffer(make([]byte, 0, readSize), maxRecord)
	return &objects{name: name, scan: scan}
}

// next returns the next object, or io.EOF. Blank lines are passed over.
func (o *objects) next() (map[string]any, error) {
	for o.scan.Scan() {
		o.line++
		text := bytes.TrimSpace(o.scan.Bytes())
		if len(text) == 0 {
			continue
		}
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		var object map[string]any
		if err := decoder.Decode(&object); err != nil || object == nil || decoder.InputOffset() != int64(len(text)) {
			return nil, broken(o.name, "Line %d is not one JSON object.", o.line)
		}
		return object, nil
	}
	switch err := o.scan.Err(); {
	case err == nil:
		return nil, io.EOF
	case errors.Is(err, bufio.ErrTooLong):
		return nil, broken(o.name, "Line %d has more than 16 MB.", o.line+1)
	default:
		return nil, err
	}
}

func (t *table) readLines(ctx context.Context, name string, content io.Reader) error {
	source := openObjects(name, content)
	for ctx.Err() == nil {
		object, err := source.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		in, over := t.admits()
		if over {
			return nil
		}
		if !in {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(object)) {
			c, err := t.column(shown(key))
			if err != nil {
				return err
			}
			c.value(object[key])
		}
	}
	return ctx.Err()
}

// value adds a value of JSON.
func (c *column) value(value any) {
	switch v := value.(type) {
	case nil:
	case string:
		c.word(v)
	case bool:
		c.truth(v)
	case json.Number:
		if number, err := v.Float64(); err == nil {
			c.float(number, isInteger(v.String()))
			return
		}
		c.word(v.String())
	default:
		text, _ := json.Marshal(v) // it was read from JSON
		c.object = true
		c.word(string(text))
	}
}
