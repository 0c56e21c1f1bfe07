package filter

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// sortKey is one SQL expression that a search sorts by. It is never NULL, so
// that both engines sort alike and a page can begin after any row.
type sortKey struct {
	expression string
	descending bool
	kind       Kind
	constant   bool // the same in all rows: nothing to sort by
}

// Sorting is how a search is ordered and where its pages are cut. The key of the
// last row of a page, the values of all sort keys, is the token of the next one:
// rows that come or go meanwhile neither repeat nor hide others.
type Sorting struct {
	joins []string
	keys  []sortKey
	// leader is the table of the metric that comes first in the order, if one
	// does; ownership ties its rows, under the alias o0, to the searched thing.
	leader, leaderKey, ownership string
}

// The ranks of a thing in an order by a metric.
const (
	hasNumber = iota
	hasNaN
	hasNothing
)

// Sort adds the orders that a user gave. A thing without the field comes last in
// both directions, and one whose metric is NaN before it.
func (s *Sorting) Sort(st *Statement, orders []Order, source Source) {
	for i, order := range orders {
		if order.Entity == Attribute {
			s.attribute(source.Columns[order.Key], order, slices.Contains(source.Filled, order.Key))
			continue
		}
		alias := fmt.Sprintf("o%d", i)
		table := source.Tables[order.Entity]
		if order.table != nil {
			table = *order.table
		}
		owner := st.bindAll(strings.ReplaceAll(table.Owner, "t.", alias+"."), table.Values)
		s.joins = append(s.joins, fmt.Sprintf("LEFT JOIN %s %s ON %s AND %s.key = %s", table.Name, alias, owner, alias, st.Bind(order.Key)))
		rank := fmt.Sprintf("CASE WHEN %s.key IS NULL THEN 2 ELSE 0 END", alias)
		empty := "''"
		if order.Entity == Metric {
			rank = fmt.Sprintf("CASE WHEN %s.key IS NULL THEN 2 WHEN %s.is_nan THEN 1 ELSE 0 END", alias, alias)
			empty = "0.0"
		}
		if order.Entity == Metric && i == 0 {
			s.leader, s.leaderKey = table.Name, order.Key
			s.ownership = fmt.Sprintf("%s AND o0.key = %s", owner, st.lastBound())
		}
		s.keys = append(s.keys, sortKey{expression: rank, kind: Time},
			sortKey{fmt.Sprintf("COALESCE(%s.value, %s)", alias, empty), order.Descending, order.Kind, false})
	}
}

func (s *Sorting) attribute(column string, order Order, filled bool) {
	if filled {
		s.Then(column, order.Kind, order.Descending)
		return
	}
	empty := "''"
	if order.Kind == Number || order.Kind == Time {
		empty = "0"
	}
	s.keys = append(s.keys,
		sortKey{expression: fmt.Sprintf("CASE WHEN %s IS NULL THEN 1 ELSE 0 END", column), kind: Time},
		sortKey{fmt.Sprintf("COALESCE(%s, %s)", column, empty), order.Descending, order.Kind, false})
}

// ofRank returns the sorting of those things alone that have the given rank in
// the metric that comes first, and the condition that they have it.
func (s *Sorting) ofRank(rank int) (Sorting, string) {
	part := Sorting{joins: s.joins[1:], keys: slices.Clone(s.keys), leader: s.leader}
	part.keys[0].expression, part.keys[0].constant = strconv.Itoa(rank), true
	part.keys[1].expression = "o0.value"
	switch rank {
	case hasNumber:
		return part, s.ownership + " AND o0.is_nan = FALSE"
	case hasNaN:
		part.keys[1].constant = true
		return part, s.ownership + " AND o0.is_nan = TRUE"
	}
	part.keys[1].expression, part.keys[1].constant = "CAST(0 AS DOUBLE PRECISION)", true
	return part, "NOT EXISTS (SELECT 1 FROM " + s.leader + " o0 WHERE " + s.ownership + ")"
}

// Then adds a column that is never NULL, unless things are sorted by it already.
func (s *Sorting) Then(column string, kind Kind, descending bool) {
	if slices.ContainsFunc(s.keys, func(key sortKey) bool { return key.expression == column }) {
		return
	}
	s.keys = append(s.keys, sortKey{column, descending, kind, false})
}

// Joins is the SQL that belongs after FROM.
func (s *Sorting) Joins() string { return strings.Join(s.joins, " ") }

// OrderBy is the SQL that belongs after ORDER BY.
func (s *Sorting) OrderBy() string {
	var parts []string
	for _, key := range s.keys {
		if key.constant {
			continue
		}
		direction := "ASC"
		if key.descending {
			direction = "DESC"
		}
		parts = append(parts, key.expression+" "+direction)
	}
	return strings.Join(parts, ", ")
}

// Keys is the SQL of the columns to select in addition, for Scan.
func (s *Sorting) Keys() string {
	parts := make([]string, len(s.keys))
	for i, key := range s.keys {
		parts[i] = key.expression
	}
	return strings.Join(parts, ", ")
}

// Position is the place of a row in a sorted list: a pointer to the value of
// every sort key. It can be scanned into, and is the content of a page token.
type Position []any

// NewPosition returns an empty position of the right types.
func (s *Sorting) NewPosition() Position {
	position := make(Position, len(s.keys))
	for i, key := range s.keys {
		switch key.kind {
		case Number:
			position[i] = new(series.Value)
		case Time:
			position[i] = new(int64)
		default:
			position[i] = new(string)
		}
	}
	return position
}

// After returns the condition that a row comes after the one that token stands
// for; "1 = 1" for the first page.
func (s *Sorting) After(st *Statement, token string) (string, error) {
	if token == "" {
		return "1 = 1", nil
	}
	position := s.NewPosition()
	if err := atelier.DecodePageToken(token, (*[]any)(&position)); err != nil {
		return "", err
	}
	if len(position) != len(s.keys) {
		return "", errOtherSearch()
	}
	names := make([]string, len(s.keys))
	for i, key := range s.keys {
		value, ok := bound(position[i], key.kind)
		if !ok {
			return "", errOtherSearch()
		}
		names[i] = st.Bind(value)
	}
	var alternatives []string
	equal := ""
	for i, key := range s.keys {
		alternatives = append(alternatives, "("+equal+key.expression+beyond(key)+names[i]+")")
		equal += key.expression + " = " + names[i] + " AND "
	}
	// The first comparison alone lets an index skip the pages before.
	at := slices.IndexFunc(s.keys, func(key sortKey) bool { return !key.constant })
	start := s.keys[at].expression + strings.TrimSuffix(beyond(s.keys[at]), " ") + "= " + names[at]
	return start + " AND (" + strings.Join(alternatives, " OR ") + ")", nil
}

// rankOf is the rank of the thing that token stands for, in the metric that
// comes first; that of the first page without a token.
func (s *Sorting) rankOf(token string) (int, error) {
	if token == "" {
		return hasNumber, nil
	}
	position := s.NewPosition()
	if err := atelier.DecodePageToken(token, (*[]any)(&position)); err != nil {
		return 0, err
	}
	if len(position) == len(s.keys) {
		if rank, ok := position[0].(*int64); ok && rank != nil && *rank >= hasNumber && *rank <= hasNothing {
			return int(*rank), nil
		}
	}
	return 0, errOtherSearch()
}

func errOtherSearch() error {
	return atelier.Errorf(atelier.Invalid, "Invalid page token: it belongs to another search.").At("page_token")
}

func beyond(key sortKey) string {
	if key.descending {
		return " < "
	}
	return " > "
}

// bound returns the plain value that value, an element of a Position, points to.
func bound(value any, kind Kind) (any, bool) {
	switch v := value.(type) {
	case *series.Value:
		return float64(*v), v != nil && kind == Number
	case *int64:
		return *v, v != nil && kind == Time
	case *string:
		return *v, v != nil && (kind == Text || kind == ID)
	}
	return nil, false
}
