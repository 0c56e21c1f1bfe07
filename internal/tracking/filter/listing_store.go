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
	query     Query
	statement Statement
	sorting   Sorting
	where     []string

	lead       string // condition on o0, see LeadBy
	leadValues []any
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
	l := &Listing{query: query, statement: Statement{Engine: engine}}
	l.where = append(l.where, l.statement.Where(conditions, noun.Source))
	l.sorting.Sort(&l.statement, orders, noun.Source)
	return l, nil
}

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
	l.where = append(l.where, l.statement.bindAll(condition, values))
}

// OnlyIn adds the condition that column is one of values.
func (l *Listing) OnlyIn(column string, values []string) {
	l.where = append(l.where, l.statement.In(column, values))
}

// Then adds a column that is never NULL, to sort by after what the user asked.
func (l *Listing) Then(column string, kind Kind, descending bool) {
	l.sorting.Then(column, kind, descending)
}

// LeadBy tells how the rows of a metric that belong to the search are found by
// an index that has them in the order of their values: a condition in SQL on o0,
// in which "?" stands for values as in Only. A page ordered by a metric then
// begins at that index, instead of looking at every thing.
func (l *Listing) LeadBy(condition string, values ...any) {
	if l.sorting.leader == "" {
		return
	}
	l.lead, l.leadValues = condition, values
}

// Run executes "SELECT <what>" with columns and tables in what, calls scan for
// every row of the page, and returns the token of the next page, "" after the
// last. The last columns of a row belong to position.
func (l *Listing) Run(ctx context.Context, tx *sqldb.Tx, what string, scan func(rows *sqldb.Rows, position []any) error) (string, error) {
	p := &page{Listing: l, what: what, scan: scan}
	if l.lead == "" {
		after, err := l.sorting.After(&l.statement, l.query.PageToken)
		if err != nil {
			return "", err
		}
		err = p.fill(ctx, tx, &l.statement, l.sorting, after)
		return p.token(), err
	}
	first, err := l.sorting.rankOf(l.query.PageToken)
	if err != nil {
		return "", err
	}
	for rank := first; rank <= hasNothing && p.count <= l.query.Limit; rank++ {
		statement := Statement{Engine: l.statement.Engine, Args: slices.Clip(l.statement.Args)}
		part, where := l.sorting.ofRank(rank)
		token := ""
		if rank == first {
			token = l.query.PageToken
		}
		after, err := part.After(&statement, token)
		if err != nil {
			return "", err
		}
		var lead []string
		if rank != hasNothing {
			lead = append(lead, statement.bindAll(l.lead, l.leadValues))
		}
		if err := p.fill(ctx, tx, &statement, part, where+" AND "+after, lead...); err != nil {
			return "", err
		}
	}
	return p.token(), nil
}

// page is a page being filled.
type page struct {
	*Listing
	what  string
	scan  func(rows *sqldb.Rows, position []any) error
	count int
	next  string
}

// token is that of the next page, "" after the last.
func (p *page) token() string {
	if p.count <= p.query.Limit {
		return ""
	}
	return p.next
}

// fill adds rows until there is one more than the page takes.
func (p *page) fill(ctx context.Context, tx *sqldb.Tx, st *Statement, sorting Sorting, condition string, lead ...string) error {
	columns, tables, _ := strings.Cut(p.what, " FROM ")
	where := append(slices.Clone(p.where), condition)
	if len(lead) > 0 {
		// A CROSS JOIN is how SQLite is told to begin with the first table.
		tables = p.sorting.leader + " o0 CROSS JOIN " + tables
		where = append(where, lead...)
	}
	query := "SELECT " + columns + ", " + sorting.Keys() + " FROM " + tables + " " + sorting.Joins() +
		" WHERE " + strings.Join(where, " AND ") +
		" ORDER BY " + sorting.OrderBy() + " LIMIT " + st.Bind(p.query.Limit+1-p.count)
	return tx.Query(ctx, func(rows *sqldb.Rows) error {
		if p.count++; p.count > p.query.Limit {
			return nil // only tells that there is more
		}
		position := sorting.NewPosition()
		if err := p.scan(rows, position); err != nil {
			return err
		}
		if p.count == p.query.Limit {
			p.next = atelier.EncodePageToken(position)
		}
		return nil
	}, query, st.Args...)
}
