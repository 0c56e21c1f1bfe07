// Package audit keeps who did what, when and from where: every change, and everything
// that was refused. What is in it is never changed.
//
// A change is entered in the transaction that makes it, wherever a request has one, so
// that there is no change without its entry. Bodies and queries are never entered:
// there may be secrets in them.
package audit

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Outcomes of what somebody tried.
const (
	Done    = "done"
	Refused = "refused"
)

// Entry is one line of the log.
type Entry struct {
	ID          string    `json:"id"`
	At          time.Time `json:"at"`
	WorkspaceID string    `json:"-"`
	Workspace   string    `json:"workspace,omitempty"`
	ActorKind   string    `json:"actor_kind,omitempty" doc:"user, job, deployment; nothing for who did not sign in"`
	ActorID     string    `json:"actor_id,omitempty"`
	Actor       string    `json:"actor,omitempty"`
	Action      string    `json:"action" doc:"the permission, or the method and the route where none is asked for"`
	Method      string    `json:"method"`
	Resource    string    `json:"resource" doc:"the address without its query"`
	Outcome     string    `json:"outcome" doc:"done or refused"`
	Code        string    `json:"code,omitempty" doc:"why it was refused"`
	Address     string    `json:"address,omitempty" doc:"from where it was asked"`
	RequestID   string    `json:"request_id,omitempty"`
	Times       int       `json:"times" doc:"how often, where the same was refused again and again"`
}

// Filter picks entries. What is empty picks all.
type Filter struct {
	WorkspaceID string // every workspace's, when it is empty
	Actor       string
	Action      string // a pattern with *
	Resource    string // a part of it
	Outcome     string
	Since       time.Time
	Until       time.Time
}

// Log is the audit log.
type Log struct {
	db *sqldb.DB

	mu      sync.Mutex
	refused map[refusal]again
}

// refusal is what makes refusals the same.
type refusal struct{ workspace, actor, address, action, code string }

type again struct {
	until time.Time
	times int // since the last entry
}

const (
	// quiet is how long the same refusal is counted only: whoever knocks a thousand
	// times a second must not fill the disk.
	quiet = time.Minute
	// maxRefusals bounds what is remembered of refusals.
	maxRefusals = 10_000
)

// New returns the log in db.
func New(db *sqldb.DB) *Log { return &Log{db: db, refused: map[refusal]again{}} }

// Along returns a context whose first write to the database enters e, too. done tells
// whether that has happened.
func (l *Log) Along(ctx context.Context, e Entry) (_ context.Context, done func() bool) {
	return sqldb.Along(ctx, func(ctx context.Context, tx *sqldb.Tx) error { return insert(ctx, tx, e) })
}

// Enter enters e by itself.
func (l *Log) Enter(ctx context.Context, e Entry) error {
	return l.db.Write(ctx, func(tx *sqldb.Tx) error { return insert(ctx, tx, e) })
}

// EnterRefusal enters that something was refused, once a minute where it is the same
// again and again.
func (l *Log) EnterRefusal(ctx context.Context, e Entry) error {
	e.Outcome = Refused
	times, enter := l.count(refusal{e.WorkspaceID, e.ActorID, e.Address, e.Action, e.Code})
	if !enter {
		return nil
	}
	e.Times = times
	return l.Enter(ctx, e)
}

func (l *Log) count(r refusal) (times int, enter bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.db.Clock().Now()
	known := l.refused[r]
	known.times++
	if now.Before(known.until) {
		l.refused[r] = known
		return 0, false
	}
	if len(l.refused) >= maxRefusals {
		clear(l.refused)
	}
	l.refused[r] = again{until: now.Add(quiet)}
	return known.times, true
}

// place is where in the log an entry is.
type place struct {
	At int64
	ID string
}

// List returns a page of entries, newest first.
func (l *Log) List(ctx context.Context, f Filter, size int, token string) (page atelier.Page[Entry], err error) {
	var before place
	if token != "" {
		if err := atelier.DecodePageToken(token, &before); err != nil {
			return page, err
		}
	}
	size = atelier.PageSize(size, 100, 1000)
	err = l.db.Read(ctx, func(tx *sqldb.Tx) error {
		page.Items, err = selectEntries(ctx, tx, f, before, size+1)
		return err
	})
	if len(page.Items) > size {
		page.Items = page.Items[:size]
		last := page.Items[size-1]
		page.NextPageToken = atelier.EncodePageToken(place{sqldb.Micros(last.At), last.ID})
	}
	return page, err
}

// Each calls fn with every entry, newest first. However many there are, a page of them
// is held at a time.
func (l *Log) Each(ctx context.Context, f Filter, fn func(Entry) error) error {
	token := ""
	for {
		page, err := l.List(ctx, f, 1000, token)
		if err != nil {
			return err
		}
		for _, e := range page.Items {
			if err := fn(e); err != nil {
				return err
			}
		}
		if token = page.NextPageToken; token == "" {
			return nil
		}
	}
}

// Run forgets, now and every hour until ctx ends, what is older than age; 0 is for ever.
func (l *Log) Run(ctx context.Context, age time.Duration) error {
	for {
		if age > 0 {
			if err := l.Prune(ctx, age); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-l.db.Clock().After(time.Hour):
		}
	}
}

// Prune forgets what is older than age.
func (l *Log) Prune(ctx context.Context, age time.Duration) error {
	return l.db.Write(ctx, func(tx *sqldb.Tx) error { return deleteBefore(ctx, tx, tx.Now().Add(-age)) })
}

// like makes a pattern with * one of SQL's LIKE, with \ before what is no wildcard.
func like(pattern string) string {
	return strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`, "*", "%").Replace(strings.ToLower(pattern))
}
