package filter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Statement collects the parameters of one SQL statement while its text is built.
type Statement struct {
	Engine sqldb.Engine
	Args   []any
}

// Bind adds a parameter and returns its name in SQL.
func (s *Statement) Bind(value any) string {
	s.Args = append(s.Args, value)
	return fmt.Sprintf("$%d", len(s.Args))
}

// clone returns a statement with the same parameters, to which others are added.
func (s *Statement) clone() *Statement {
	return &Statement{Engine: s.Engine, Args: slices.Clone(s.Args)}
}

// bindAll returns condition with a parameter for each "?", in order of values.
func (s *Statement) bindAll(condition string, values []any) string {
	for _, value := range values {
		condition = strings.Replace(condition, "?", s.Bind(value), 1)
	}
	return condition
}

// lastBound is the name of the parameter that was bound last.
func (s *Statement) lastBound() string { return fmt.Sprintf("$%d", len(s.Args)) }

// A list of up to maxInline values becomes parameters of their own, while the
// statement has fewer than maxArgs.
const (
	maxInline = 16
	maxArgs   = 100
)

// In returns a condition that column, which must not contain a newline, is one
// of values. A long list travels as one parameter, because the number of
// parameters of a statement is bounded.
func (s *Statement) In(column string, values []string) string {
	if len(values) == 0 {
		return "1 = 0"
	}
	if len(values) <= maxInline && len(s.Args)+len(values) <= maxArgs {
		names := make([]string, len(values))
		for i, value := range values {
			names[i] = s.Bind(value)
		}
		return column + " IN (" + strings.Join(names, ", ") + ")"
	}
	find := "strpos"
	if s.Engine == sqldb.SQLite {
		find = "instr"
	}
	list, newline := s.Bind("\n"+strings.Join(values, "\n")+"\n"), s.Bind("\n")
	return fmt.Sprintf("%s(CAST(%s AS TEXT), CAST(%s AS TEXT) || %s || CAST(%s AS TEXT)) > 0", find, list, newline, column, newline)
}

// Compare returns the SQL of c on column. For metrics, isNaN is the column that
// marks a NaN, which compares as unequal to everything; otherwise it is empty.
func (s *Statement) Compare(column, isNaN string, c Condition) string {
	switch c.Operator {
	case "LIKE", "ILIKE":
		return s.like(column, c)
	case "IN":
		return s.In(column, c.List)
	case "NOT IN":
		return "NOT (" + s.In(column, c.List) + ")"
	}
	var value any = c.Text
	switch c.Kind {
	case Number:
		value = c.Number
	case Time:
		value = int64(c.Number) * 1000
	}
	text := column + " " + string(c.Operator) + " " + s.Bind(value)
	switch {
	case isNaN == "":
		return text
	case c.Operator == "!=":
		return "(" + isNaN + " OR " + text + ")"
	}
	return "(NOT " + isNaN + " AND " + text + ")"
}

// like compares with a pattern of % and _. SQLite's LIKE ignores case, so there
// LIKE becomes GLOB; PostgreSQL's COLLATE "C" lowers ASCII only, as SQLite does.
func (s *Statement) like(column string, c Condition) string {
	switch {
	case s.Engine == sqldb.SQLite && c.Operator == "LIKE":
		return column + " GLOB " + s.Bind(globOf(c.Text))
	case s.Engine == sqldb.SQLite:
		return column + " LIKE " + s.Bind(c.Text)
	case c.Operator == "LIKE":
		return column + " LIKE " + s.Bind(c.Text) + " ESCAPE ''"
	}
	return "LOWER(" + column + `) LIKE LOWER(` + s.Bind(c.Text) + ` COLLATE "C") ESCAPE ''`
}

// globOf turns a LIKE pattern into a GLOB pattern.
func globOf(pattern string) string {
	return strings.NewReplacer("%", "*", "_", "?", "*", "[*]", "?", "[?]", "[", "[[]").Replace(pattern)
}

// Table is where a keyed entity (metric, param, tag) of a thing is stored, with
// the columns key and value.
type Table struct {
	Name string
	// Owner ties its rows to the searched thing: "t.run_id = r.id". The table's
	// alias is always t. Each "?" in it stands for the next of Values.
	Owner  string
	Values []any
}

// Source says where the things of one Language are stored.
type Source struct {
	Columns map[string]string // SQL expressions by Field.Name
	// Filled are those of Columns that are never NULL.
	Filled []string
	// Walk is the column in whose order an index has the things, if one does.
	Walk   string
	Tables map[Entity]Table
}

// Where returns the SQL of all conditions, joined by AND, or "1 = 1".
func (s *Statement) Where(conditions []Condition, source Source) string {
	parts := []string{"1 = 1"}
	for _, c := range conditions {
		if c.Entity == Attribute {
			parts = append(parts, s.Compare(source.Columns[c.Key], "", c))
			continue
		}
		parts = append(parts, s.exists(c, source.Tables[c.Entity]))
	}
	return strings.Join(parts, " AND ")
}

func (s *Statement) exists(c Condition, table Table) string {
	query := "EXISTS (SELECT 1 FROM " + table.Name + " t WHERE " + s.bindAll(table.Owner, table.Values)
	switch {
	case c.Entity == Dataset:
		return query + " AND " + s.Compare("t."+c.Key, "", c) + ")"
	case c.Operator == "IS NULL":
		return "NOT " + query + " AND t.key = " + s.Bind(c.Key) + ")"
	case c.Operator == "IS NOT NULL":
		return query + " AND t.key = " + s.Bind(c.Key) + ")"
	}
	isNaN := ""
	if c.Entity == Metric {
		isNaN = "t.is_nan"
	}
	return query + " AND t.key = " + s.Bind(c.Key) + " AND " + s.Compare("t.value", isNaN, c) + ")"
}
