package filter

import (
	"context"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Noun is a kind of thing that can be searched.
type Noun struct {
	Language Language
	Source   Source
}

// Query is what a user asked for.
type Query struct {
	Filter    string
	OrderBy   []string
	PageToken string
	Limit     int // of things on a page
	Skip      int // how many things to leave out before the page
	// OrderTables, if there are any, are where the metrics of OrderBy are looked
	// up, one for each of them, instead of in the source's table. The same metric
	// may then come more than once.
	OrderTables []Table
	// Take, if there is one, sees every condition of the filter. Those for which
	// it returns true are the caller's to express.
	Take func(c Condition) bool
}

// Listing is a search, ready to run once its caller added its own conditions
// and the last orders, which must make the order total.
type Listing struct {
	query      Query
	source     Source
	conditions []Condition
	leads      map[Entity]Lead
	counts     *Counts
	where      []func(s *Statement) string // the caller's
	statement  Statement                   // with the parameters of sorting
	sorting    Sorting
	what       string // columns and tables, from Run on
}

// NewListing reads query in the noun's language.
func NewListing(engine sqldb.Engine, noun Noun, query Query) (*Listing, error) {
	conditions, err := Parse(query.Filter, noun.Language)
	if err != nil {
		return nil, err
	}
	if query.Take != nil {
		conditions = slices.DeleteFunc(conditions, query.Take)
	}
	orders, err := query.orders(noun.Language)
	if err != nil {
		return nil, err
	}
	l := &Listing{query: query, source: noun.Source, conditions: conditions, statement: Statement{Engine: engine}}
	l.sorting.Sort(&l.statement, orders, noun.Source)
	return l, nil
}

// last is the place of the page's last thing, counted from one.
func (q Query) last() int { return q.Skip + q.Limit }

func (q Query) orders(language Language) ([]Order, error) {
	if q.OrderTables == nil || len(q.OrderBy) > maxOrders {
		return ParseOrder(q.OrderBy, language)
	}
	var orders []Order
	for i, text := range q.OrderBy {
		one, err := ParseOrder([]string{text}, language)
		if err != nil {
			return nil, err
		}
		if one[0].Entity == Metric {
			one[0].table = &q.OrderTables[i]
		}
		orders = append(orders, one[0])
	}
	return orders, nil
}

// Only adds a condition in SQL, in which each "?" stands for the next of values.
func (l *Listing) Only(condition string, values ...any) {
	l.where = append(l.where, func(s *Statement) string { return s.bindAll(condition, values) })
}

// OnlyIn adds the condition that column is one of values.
func (l *Listing) OnlyIn(column string, values []string) {
	l.where = append(l.where, func(s *Statement) string { return s.In(column, values) })
}

// own returns the caller's conditions.
func (l *Listing) own(s *Statement) []string {
	parts := []string{"1 = 1"}
	for _, where := range l.where {
		parts = append(parts, where(s))
	}
	return parts
}

// Then adds a column that is never NULL, to sort by after what the user asked.
func (l *Listing) Then(column string, kind Kind, descending bool) {
	l.sorting.Then(column, kind, descending)
}

// Run executes "SELECT <what>" with columns and tables in what, calls scan for
// every row of the page, and returns the token of the next page, "" after the
// last. The last columns of a row belong to position.
func (l *Listing) Run(ctx context.Context, tx *sqldb.Tx, what string, scan func(rows *sqldb.Rows, position []any) error) (string, error) {
	l.what = what
	p := &page{Listing: l}
	p.execute = func(sorting Sorting, query string, args []any) error {
		return tx.Query(ctx, func(rows *sqldb.Rows) error { return p.add(rows, sorting, scan) }, query, args...)
	}
	if err := p.fillAll(ctx, tx); err != nil || p.count <= l.query.last() {
		return "", err
	}
	return p.next, nil
}

// Count counts what all pages together have.
func (l *Listing) Count(ctx context.Context, tx *sqldb.Tx, what string) (count int, err error) {
	s := &Statement{Engine: l.statement.Engine}
	_, tables, _ := strings.Cut(what, " FROM ")
	where := strings.Join(append(l.own(s), s.Where(l.conditions, l.source)), " AND ")
	err = tx.QueryRow(ctx, "SELECT COUNT(*) FROM "+tables+" WHERE "+where, s.Args...).Scan(&count)
	return count, err
}

// Explain returns the statements that Run executes when none of them fills the
// page, each with its arguments, for those who look at their plans.
func (l *Listing) Explain(ctx context.Context, tx *sqldb.Tx, what string) (queries []string, args [][]any, err error) {
	l.what = what
	p := &page{Listing: l, execute: func(_ Sorting, query string, with []any) error {
		queries, args = append(queries, query), append(args, with)
		return nil
	}}
	return queries, args, p.fillAll(ctx, tx)
}

// page is a page being filled.
type page struct {
	*Listing
	count int
	next  string // the token of the next page, if there is one
	// execute runs a statement and calls add for its rows.
	execute func(sorting Sorting, query string, args []any) error
}

// fillAll fills p in the way that costs least.
func (p *page) fillAll(ctx context.Context, tx *sqldb.Tx) error {
	place, err := p.choose(ctx, tx)
	switch {
	case err != nil:
		return err
	case place >= 0:
		return p.fillLed(place)
	case p.orderLed():
		return p.fillByRank()
	}
	return p.fillInOrder()
}

// add adds a row to p, or notes that there is one more.
func (p *page) add(rows *sqldb.Rows, sorting Sorting, scan func(rows *sqldb.Rows, position []any) error) error {
	if p.count++; p.count <= p.query.Skip || p.count > p.query.last() {
		return nil
	}
	position := sorting.NewPosition()
	if err := scan(rows, position); err != nil {
		return err
	}
	if p.count == p.query.last() {
		p.next = atelier.EncodePageToken(position)
	}
	return nil
}

// fillInOrder looks at all things, or at as many as fill p if an index has them
// in order.
func (p *page) fillInOrder() error {
	s := p.statement.clone()
	after, err := p.sorting.After(s, p.query.PageToken)
	if err != nil {
		return err
	}
	return p.fill(s, p.sorting, "", []string{s.Where(p.conditions, p.source), after})
}

// fill adds rows until there is one more than the page takes. leader is the
// table to begin with, if there is one.
func (p *page) fill(s *Statement, sorting Sorting, leader string, where []string) error {
	columns, tables, _ := strings.Cut(p.what, " FROM ")
	if leader != "" {
		tables = leader + " CROSS JOIN " + tables // how SQLite is told to begin with the first table
	}
	query := "SELECT " + columns + ", " + sorting.Keys() + " FROM " + tables + " " + sorting.Joins() +
		" WHERE " + strings.Join(append(p.own(s), where...), " AND ") +
		" ORDER BY " + sorting.OrderBy() + " LIMIT " + s.Bind(p.query.last()+1-p.count)
	return p.execute(sorting, query, s.Args)
}
