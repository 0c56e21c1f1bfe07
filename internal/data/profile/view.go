package profile

import (
	"slices"

	"github.com/atelier-ml/atelier"
)

// View says what of the files belongs to the table. The zero View is all of it.
type View struct {
	Comma rune     // between the fields of a row; 0 looks for it
	Keep  []string // these columns only, unless nil
	Drop  []string
	Skip  int64  // the first rows, of all files together
	Take  *int64 // no more rows after those, unless nil
}

// Skipped is v without its first rows, or with the first ones only.
func (v View) Skipped(rows int64, take bool) View {
	if take {
		if v.Take == nil || rows < *v.Take {
			v.Take = &rows
		}
		return v
	}
	v.Skip += rows
	if v.Take != nil {
		left := max(0, *v.Take-rows)
		v.Take = &left
	}
	return v
}

func (v View) has(column string) bool {
	return (v.Keep == nil || slices.Contains(v.Keep, column)) && !slices.Contains(v.Drop, column)
}

// check refuses names that are no columns of the table.
func (v View) check(columns []string) error {
	for _, name := range slices.Concat(v.Keep, v.Drop) {
		if !slices.Contains(columns, name) {
			return atelier.Errorf(atelier.Invalid, "The table has no column %q, which MLTable names.", atelier.Clip(name, 120))
		}
	}
	return nil
}

// admits counts one more row of those that were read, and tells whether it belongs
// to the table, and whether the table ends before it.
func (t *table) admits() (in, over bool) {
	if t.view.Take != nil && t.rows >= *t.view.Take {
		return false, true
	}
	if t.skipped < t.view.Skip {
		t.skipped++
		return false, false
	}
	t.rows++
	return true, false
}

// apply leaves out of the first rows what the view leaves out.
func (t *Table) apply(view View) error {
	if err := view.check(t.Columns); err != nil {
		return err
	}
	t.Rows = t.Rows[min(int(view.Skip), len(t.Rows)):]
	if view.Take != nil && int64(len(t.Rows)) >= *view.Take {
		t.Rows, t.More = t.Rows[:*view.Take], false
	}
	var at []int
	var names []string
	for i, name := range t.Columns {
		if view.has(name) {
			at, names = append(at, i), append(names, name)
		}
	}
	if len(at) == len(t.Columns) {
		return nil
	}
	t.Columns = append([]string{}, names...)
	for r, row := range t.Rows {
		kept := make([]*string, len(at))
		for i, from := range at {
			kept[i] = row[from]
		}
		t.Rows[r] = kept
	}
	return nil
}
