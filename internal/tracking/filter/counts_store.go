package filter

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"

	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Counts remembers for a while how many rows there were of what searches asked
// for. It only decides how to search, so it may be out of date.
type Counts struct {
	mu    sync.Mutex
	known map[[sha256.Size]byte]counted
}

type counted struct {
	count, limit int
	at           time.Time
}

const (
	countsLast = 30 * time.Second
	maxCounts  = 10_000
)

// count returns how many rows "FROM <from>" has, up to limit.
func (c *Counts) count(ctx context.Context, tx *sqldb.Tx, s *Statement, from string, limit int) (int, error) {
	key := sha256.Sum256(fmt.Appendf(nil, "%q %q", from, s.Args))
	c.mu.Lock()
	known, ok := c.known[key]
	c.mu.Unlock()
	// A count below its limit is the whole one, which serves any limit.
	if ok && tx.Now().Sub(known.at) < countsLast && (known.limit >= limit || known.count < known.limit) {
		return min(known.count, limit), nil
	}
	found := counted{limit: limit, at: tx.Now()}
	err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM (SELECT 1 FROM "+from+" LIMIT "+s.Bind(limit)+") c", s.Args...).Scan(&found.count)
	if err != nil {
		return 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxCounts {
		c.known = map[[sha256.Size]byte]counted{}
	}
	c.known[key] = found
	return found.count, nil
}
