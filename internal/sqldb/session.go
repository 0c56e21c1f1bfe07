package sqldb

import (
	"context"
	"database/sql"
	"sync"
)

// maxStatements bounds how many prepared statements a session keeps. Searches
// write statements of many shapes; when there are too many, all are dropped.
const maxStatements = 250

// session is one connection to SQLite with the statements that were prepared on
// it: preparing costs more than running most of them.
type session struct {
	conn       *sql.Conn
	statements map[string]*sql.Stmt
	// reading holds the queries that have rows still to be read: their statements
	// must neither be dropped nor run again meanwhile.
	reading map[string]bool
}

func newSession(ctx context.Context, db *sql.DB) (*session, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &session{conn: conn, statements: map[string]*sql.Stmt{}, reading: map[string]bool{}}, nil
}

// prepare returns the statement of query, which the session closes. It returns
// nil for one that is being read: the query then runs without it.
func (s *session) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if s.reading[query] {
		return nil, nil
	}
	if known, ok := s.statements[query]; ok {
		return known, nil
	}
	if len(s.statements) >= maxStatements && len(s.reading) == 0 {
		s.drop()
	}
	statement, err := s.conn.PrepareContext(ctx, query)
	if err == nil {
		s.statements[query] = statement
	}
	return statement, err
}

// run executes one of the words that begin and end transactions. They must not
// be cut short by whoever asked for the transaction.
func (s *session) run(word string) error {
	ctx := context.Background()
	statement, err := s.prepare(ctx, word)
	if err != nil {
		return err
	}
	_, err = statement.ExecContext(ctx)
	return err
}

func (s *session) drop() {
	for _, statement := range s.statements {
		statement.Close()
	}
	clear(s.statements)
}

func (s *session) close() error {
	s.drop()
	return s.conn.Close()
}

// readers are the sessions that read, up to a number of them.
type readers struct {
	db   *sql.DB
	free chan *session // nil stands for one that is not open yet

	mu     sync.Mutex
	closed bool
}

func newReaders(db *sql.DB, limit int) *readers {
	r := &readers{db: db, free: make(chan *session, limit)}
	for range limit {
		r.free <- nil
	}
	return r
}

// read runs fn in a transaction that is always undone.
func (r *readers) read(ctx context.Context, fn func(s *session) error) error {
	var s *session
	select {
	case s = <-r.free:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { r.release(s) }()
	if s == nil {
		var err error
		if s, err = newSession(ctx, r.db); err != nil {
			return err
		}
	}
	if err := s.run("BEGIN"); err != nil {
		return err
	}
	defer s.run("ROLLBACK")
	return fn(s)
}

func (r *readers) release(s *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed && s != nil {
		s.close()
		return
	}
	r.free <- s
}

// close closes the sessions that are free now; the others close when their
// reader is done.
func (r *readers) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for {
		select {
		case s := <-r.free:
			if s != nil {
				s.close()
			}
		default:
			return r.db.Close()
		}
	}
}
