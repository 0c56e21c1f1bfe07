package sqldb

import (
	"bytes"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"reflect"
	"strconv"
)

// Row is the one row that a query was to find.
type Row struct {
	standard *sql.Row // PostgreSQL only
	values   []driver.Value
	err      error
}

// Scan copies the row's columns to where dest points. It returns ErrNoRows when
// the query found nothing.
func (r *Row) Scan(dest ...any) error {
	if r.standard != nil {
		return r.standard.Scan(dest...)
	}
	if r.err != nil {
		return r.err
	}
	return scanValues(r.values, dest)
}

// Rows is a row of those that a query found.
type Rows struct {
	standard *sql.Rows // PostgreSQL only
	values   []driver.Value
}

// Scan copies the row's columns to where dest points.
func (r *Rows) Scan(dest ...any) error {
	if r.standard != nil {
		return r.standard.Scan(dest...)
	}
	return scanValues(r.values, dest)
}

func scanValues(values []driver.Value, dest []any) error {
	if len(values) != len(dest) {
		return fmt.Errorf("%d columns are read into %d variables", len(values), len(dest))
	}
	for i, value := range values {
		if err := assign(dest[i], value); err != nil {
			return fmt.Errorf("read column %d: %w", i+1, err)
		}
	}
	return nil
}

// assign does what database/sql does with a value of a row, and does without
// reflection what every query has.
func assign(dest any, value driver.Value) error {
	switch d := dest.(type) {
	case *string:
		if text, ok := value.(string); ok {
			*d = text
			return nil
		}
	case *int64:
		if whole, ok := value.(int64); ok {
			*d = whole
			return nil
		}
	case *int:
		if whole, ok := value.(int64); ok {
			*d = int(whole)
			return nil
		}
	case *bool:
		if whole, ok := value.(int64); ok {
			*d = whole != 0
			return nil
		}
	case *float64:
		if number, ok := value.(float64); ok {
			*d = number
			return nil
		}
	case *[]byte:
		if raw, ok := value.([]byte); ok {
			*d = raw
			return nil
		}
		if value == nil {
			*d = nil
			return nil
		}
	case *any:
		*d = value
		return nil
	case sql.Scanner:
		return d.Scan(value)
	}
	target := reflect.ValueOf(dest)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return fmt.Errorf("%T is no variable", dest)
	}
	return assignTo(target.Elem(), value)
}

func assignTo(target reflect.Value, value driver.Value) error {
	if target.Kind() == reflect.Pointer {
		if value == nil {
			target.SetZero()
			return nil
		}
		target.Set(reflect.New(target.Type().Elem()))
		return assign(target.Interface(), value)
	}
	if value == nil {
		return fmt.Errorf("NULL is no %s", target.Type())
	}
	text := asText(value)
	switch target.Kind() {
	case reflect.String:
		target.SetString(text)
		return nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		number, err := strconv.ParseInt(text, 10, target.Type().Bits())
		target.SetInt(number)
		return err
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		number, err := strconv.ParseUint(text, 10, target.Type().Bits())
		target.SetUint(number)
		return err
	case reflect.Float32, reflect.Float64:
		number, err := strconv.ParseFloat(text, target.Type().Bits())
		target.SetFloat(number)
		return err
	case reflect.Bool:
		yes, err := strconv.ParseBool(text)
		target.SetBool(yes)
		return err
	case reflect.Slice:
		if target.Type().Elem().Kind() == reflect.Uint8 {
			target.SetBytes([]byte(text))
			return nil
		}
	}
	return fmt.Errorf("%T is no %s", value, target.Type())
}

func asText(value driver.Value) string {
	switch v := value.(type) {
	case string:
		return v
	case []byte:
		return string(bytes.Clone(v))
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return fmt.Sprint(value)
}
