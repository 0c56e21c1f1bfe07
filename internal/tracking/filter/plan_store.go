package filter

import (
	"context"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Lead tells how an index finds the rows of an entity's table that belong to the
// search, by their keys and values.
type Lead struct {
	Where  string // in SQL on t, in which "?" stands for Values
	Values []any
	// Ordered says that the index has the rows of a key in the order of values.
	Ordered bool
}

// Choose lets the search choose with what it begins, by counts of what there is.
func (l *Listing) Choose(counts *Counts) { l.counts = counts }

// LeadBy tells of an index, with which a search may begin instead of looking at
// every thing.
func (l *Listing) LeadBy(entity Entity, lead Lead) {
	if l.leads == nil {
		l.leads = map[Entity]Lead{}
	}
	l.leads[entity] = lead
}

// maxLed is how many things at most are found by an index and then sorted.
const maxLed = 4000

// choose returns the place of the condition whose index the search begins with,
// or -1 when it should look at things in the order of the page until that is
// full. What is cheaper is found by counting, within bounds, because neither
// database can know: a walk looks at some last * things / found things, and an
// index at all that were found.
func (l *Listing) choose(ctx context.Context, tx *sqldb.Tx) (int, error) {
	if l.counts == nil {
		return -1, nil
	}
	found, place := maxLed, -1
	for i, c := range l.conditions {
		if !l.isIndexed(c) || l.isFolded(c) {
			continue
		}
		count, err := l.count(ctx, tx, c, found)
		if err != nil {
			return -1, err
		}
		if count < found {
			found, place = count, i
		}
	}
	if place < 0 || found == 0 || !l.walks() {
		return place, nil
	}
	things, err := l.countThings(ctx, tx)
	if err != nil {
		return -1, err
	}
	for _, c := range l.conditions {
		if l.isIndexed(c) && l.isFolded(c) {
			if things, err = l.count(ctx, tx, c, things); err != nil {
				return -1, err
			}
		}
	}
	if things*l.query.last() < found*found {
		return -1, nil
	}
	return place, nil
}

// isIndexed reports whether an index finds what c is about.
func (l *Listing) isIndexed(c Condition) bool {
	if _, ok := l.leads[c.Entity]; !ok {
		return false
	}
	if c.Entity == Metric {
		return c.Operator != "!="
	}
	return c.Operator == "="
}

// isFolded reports whether c is about the metric by whose index the page is
// ordered: its values are compared on the way.
func (l *Listing) isFolded(c Condition) bool {
	return l.orderLed() && c.Entity == Metric && c.Key == l.sorting.leaderKey
}

// orderLed reports whether an index has the things in the order of the page, by
// the metric that comes first in it.
func (l *Listing) orderLed() bool { return l.sorting.leader != "" && l.leads[Metric].Ordered }

// walks reports whether the things of a page can be had one after the other.
func (l *Listing) walks() bool {
	return l.orderLed() || len(l.sorting.keys) > 0 && l.sorting.keys[0].expression == l.source.Walk
}

// count counts the rows that meet c, up to limit.
func (l *Listing) count(ctx context.Context, tx *sqldb.Tx, c Condition, limit int) (int, error) {
	s := &Statement{Engine: l.statement.Engine}
	return l.counts.count(ctx, tx, s, l.source.Tables[c.Entity].Name+" f WHERE "+s.indexed(l.leads[c.Entity], c), limit)
}

// maxThings is up to how many things countThings counts.
const maxThings = 200_000

// countThings counts what the search looks at when it has no filter.
func (l *Listing) countThings(ctx context.Context, tx *sqldb.Tx) (int, error) {
	s := &Statement{Engine: l.statement.Engine}
	_, tables, _ := strings.Cut(l.what, " FROM ")
	return l.counts.count(ctx, tx, s, tables+" WHERE "+strings.Join(l.own(s), " AND "), maxThings)
}

// prefix is how much of a text's beginning its index has.
const prefix = 100

// indexed returns what an index on f can tell of c.
func (s *Statement) indexed(lead Lead, c Condition) string {
	where := s.bindAll(strings.ReplaceAll(lead.Where, "t.", "f."), lead.Values) + " AND f.key = " + s.Bind(c.Key)
	if c.Entity == Metric {
		return where + " AND f.is_nan = FALSE AND " + s.Compare("f.value", "", c)
	}
	begin := []rune(c.Text)
	return where + " AND SUBSTR(f.value, 1, 100) = " + s.Bind(string(begin[:min(prefix, len(begin))]))
}

// fillLed fills p beginning with the rows that an index finds for one condition.
func (p *page) fillLed(place int) error {
	c := p.conditions[place]
	table := p.source.Tables[c.Entity]
	s := p.statement.clone()
	after, err := p.sorting.After(s, p.query.PageToken)
	if err != nil {
		return err
	}
	where := []string{s.indexed(p.leads[c.Entity], c), s.bindAll(strings.ReplaceAll(table.Owner, "t.", "f."), table.Values), after,
		s.Where(slices.Delete(slices.Clone(p.conditions), place, place+1), p.source)}
	if c.Entity != Metric {
		where = append(where, s.Compare("f.value", "", c))
	}
	return p.fill(s, p.sorting, table.Name+" f", where)
}

// fillByRank fills p with the things that have a number in the metric that comes
// first, then with those that have NaN, then with the rest.
func (p *page) fillByRank() error {
	first, err := p.sorting.rankOf(p.query.PageToken)
	if err != nil {
		return err
	}
	for rank := first; rank <= hasNothing && p.count <= p.query.last(); rank++ {
		s := p.statement.clone()
		part, where := p.sorting.ofRank(rank)
		token := ""
		if rank == first {
			token = p.query.PageToken
		}
		after, err := part.After(s, token)
		if err != nil {
			return err
		}
		rest, folded, possible := p.fold(s, rank)
		if !possible {
			continue
		}
		parts := append(folded, where, after, s.Where(rest, p.source))
		leader := ""
		if rank != hasNothing {
			lead := p.leads[Metric]
			parts = append(parts, s.bindAll(strings.ReplaceAll(lead.Where, "t.", "o0."), lead.Values))
			leader = part.leader + " o0"
		}
		if err := p.fill(s, part, leader, parts); err != nil {
			return err
		}
	}
	return nil
}

// fold splits the conditions into those on the metric that comes first, as SQL
// for the things of a rank, and the rest. It reports false when no thing of that
// rank meets them: those without a number only ever meet "!=".
func (p *page) fold(s *Statement, rank int) (rest []Condition, folded []string, possible bool) {
	for _, c := range p.conditions {
		switch {
		case !p.isFolded(c):
			rest = append(rest, c)
		case rank == hasNumber:
			folded = append(folded, s.Compare("o0.value", "", c))
		case rank == hasNothing || c.Operator != "!=":
			return nil, nil, false
		}
	}
	return rest, folded, true
}
