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
	orders, err := ParseOrder(query.OrderBy, noun.Language)
	if err != nil {
		return nil, err
	}
	l := &Listing{query: query, statement: Statement{Engine: engine}}
	l.where = append(l.where, l.statement.Where(conditions, noun.Source))
	l.sorting.Sort(&l.statement, orders, noun.Source)
	return l, nil
}

// Only adds a condition in SQL, in which each "?" stands for the next of values.
func (l *Listing) Only(condition string, values ...any) {
	for _, value := range values {
		condition = strings.Replace(condition, "?", l.statement.Bind(value), 1)
	}
	l.where = append(l.where, condition)
}

// OnlyIn adds the condition that column is one of values.
func (l *Listing) OnlyIn(column string, values []string) {
	l.where = append(l.where, l.statement.In(column, values))
}

// Then adds a column that is never NULL, to sort by after what the user asked.
func (l *Listing) Then(column string, kind Kind, descending bool) {
	l.sorting.Then(column, kind, descending)
}

// Run executes "SELECT <what>" with columns and tables in what, calls scan for
// every row of the page, and returns the token of the next page, "" after the
// last. The last columns of a row belong to position.
func (l *Listing) Run(ctx context.Context, tx *sqldb.Tx, what string, scan func(rows *sqldb.Rows, position []any) error) (string, error) {
	after, err := l.sorting.After(&l.statement, l.query.PageToken)
	if err != nil {
		return "", err
	}
	columns, tables, _ := strings.Cut(what, " FROM ")
	query := "SELECT " + columns + ", " + l.sorting.Keys() + " FROM " + tables + " " + l.sorting.Joins() +
		" WHERE " + strings.Join(append(l.where, after), " AND ") +
		" ORDER BY " + l.sorting.OrderBy() + " LIMIT " + l.statement.Bind(l.query.Limit+1)
	count, next := 0, ""
	err = tx.Query(ctx, func(rows *sqldb.Rows) error {
		if count++; count > l.query.Limit {
			return nil // only tells that there is more
		}
		position := l.sorting.NewPosition()
		if err := scan(rows, position); err != nil {
			return err
		}
		if count == l.query.Limit {
			next = atelier.EncodePageToken(position)
		}
		return nil
	}, query, l.statement.Args...)
	if count <= l.query.Limit {
		next = ""
	}
	return next, err
}
