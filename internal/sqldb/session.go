package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"sync"

	"modernc.org/sqlite"
)

// maxStatements bounds how many prepared statements a session keeps. Searches
// write statements of many shapes; when there are too many, all are dropped.
const maxStatements = 250

// session is one connection to SQLite with the statements that were prepared on
// it: preparing costs more than running most of them. It speaks to the driver
// itself, as database/sql would cost more than many a statement, and is used by
// one transaction at a time.
type session struct {
	conn       driver.Conn
	statements map[string]*statement
	args       []driver.NamedValue // working memory of bind
}

// statement is a prepared statement. One that is busy has rows still to be read,
// and must neither be closed nor run again meanwhile.
type statement struct {
	driver.Stmt
	busy bool
	kept bool // by its session, which closes it
}

func newSession(ctx context.Context, source string) (*session, error) {
	connector, err := sqlite.NewConnector(source)
	if err != nil {
		return nil, err
	}
	conn, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &session{conn: conn, statements: map[string]*statement{}}, nil
}

// prepare returns the statement of query, which the caller gives to release.
func (s *session) prepare(ctx context.Context, query string) (*statement, error) {
	known := s.statements[query]
	if known != nil && !known.busy {
		known.busy = true
		return known, nil
	}
	if known == nil && len(s.statements) >= maxStatements {
		s.drop()
	}
	raw, err := s.conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	made := &statement{Stmt: raw, busy: true, kept: known == nil}
	if made.kept {
		s.statements[query] = made
	}
	return made, nil
}

// release lets st be used again.
func (s *session) release(st *statement) {
	st.busy = false
	if !st.kept {
		st.Close()
	}
}

// drop closes the statements that are not in use.
func (s *session) drop() {
	for query, st := range s.statements {
		if !st.busy {
			st.Close()
			delete(s.statements, query)
		}
	}
}

// bind returns args as the driver takes them, until it is called again.
func (s *session) bind(args []any) ([]driver.NamedValue, error) {
	s.args = s.args[:0]
	for i, arg := range args {
		value, err := bindable(arg)
		if err != nil {
			return nil, err
		}
		s.args = append(s.args, driver.NamedValue{Ordinal: i + 1, Value: value})
	}
	return s.args, nil
}

func bindable(arg any) (driver.Value, error) {
	switch v := arg.(type) {
	case nil, string, int64, float64, bool, []byte:
		return v, nil
	case int:
		return int64(v), nil
	}
	return driver.DefaultParameterConverter.ConvertValue(arg)
}

// exec runs st and returns how many rows it changed.
func (s *session) exec(ctx context.Context, st *statement, args []any) (int64, error) {
	bound, err := s.bind(args)
	if err != nil {
		return 0, err
	}
	result, err := st.Stmt.(driver.StmtExecContext).ExecContext(ctx, bound)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (s *session) query(ctx context.Context, st *statement, args []any) (driver.Rows, error) {
	bound, err := s.bind(args)
	if err != nil {
		return nil, err
	}
	return st.Stmt.(driver.StmtQueryContext).QueryContext(ctx, bound)
}

// queryEach calls scan for every row that st finds.
func (s *session) queryEach(ctx context.Context, st *statement, scan func(rows *Rows) error, args []any) (err error) {
	found, err := s.query(ctx, st, args)
	if err != nil {
		return err
	}
	defer func() {
		if closing := found.Close(); err == nil {
			err = closing
		}
	}()
	rows := &Rows{values: make([]driver.Value, len(found.Columns()))}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		switch err := found.Next(rows.values); err {
		case nil:
		case io.EOF:
			return nil
		default:
			return err
		}
		if err := scan(rows); err != nil {
			return err
		}
	}
}

// queryOne returns the first row that st finds.
func (s *session) queryOne(ctx context.Context, st *statement, args []any) *Row {
	found, err := s.query(ctx, st, args)
	if err != nil {
		return &Row{err: err}
	}
	values := make([]driver.Value, len(found.Columns()))
	if err = found.Next(values); err == io.EOF {
		err = ErrNoRows
	}
	if closing := found.Close(); err == nil {
		err = closing
	}
	return &Row{values: values, err: err}
}

// run executes one of the words that begin and end transactions. They must not
// be cut short by whoever asked for the transaction.
func (s *session) run(word string) error {
	ctx := context.Background()
	st, err := s.prepare(ctx, word)
	if err != nil {
		return err
	}
	defer s.release(st)
	_, err = s.exec(ctx, st, nil)
	return err
}

func (s *session) close() error {
	s.drop()
	return s.conn.Close()
}

// readers are the sessions that read, up to a number of them.
type readers struct {
	source string
	slots  chan struct{} // as many as may read at once

	mu     sync.Mutex
	free   []*session
	closed bool
}

func newReaders(source string, limit int) *readers {
	return &readers{source: source, slots: make(chan struct{}, limit)}
}

// read runs fn in a transaction that is always undone.
func (r *readers) read(ctx context.Context, fn func(s *session) error) error {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	s, err := r.take(ctx)
	if err != nil {
		return err
	}
	if err := s.run("BEGIN"); err != nil {
		return errors.Join(err, s.close())
	}
	defer func() {
		// One that cannot leave its transaction is of no more use.
		r.giveBack(s, s.run("ROLLBACK") == nil)
	}()
	return fn(s)
}

func (r *readers) take(ctx context.Context) (*session, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, sql.ErrConnDone
	}
	if last := len(r.free) - 1; last >= 0 {
		s := r.free[last]
		r.free = r.free[:last]
		return s, nil
	}
	return newSession(ctx, r.source)
}

func (r *readers) giveBack(s *session, usable bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || !usable {
		s.close()
		return
	}
	r.free = append(r.free, s)
}

// close closes the sessions that are free now; the others close when their
// reader is done.
func (r *readers) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	var failed []error
	for _, s := range r.free {
		failed = append(failed, s.close())
	}
	r.free = nil
	return errors.Join(failed...)
}
