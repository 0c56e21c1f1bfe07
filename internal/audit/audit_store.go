package audit

import (
	"context"
	"strconv"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

const columns = `id, at, workspace_id, workspace, actor_kind, actor_id, actor, action, method, resource, outcome, code, address, request_id, times`

func insert(ctx context.Context, tx *sqldb.Tx, e Entry) error {
	_, err := tx.Exec(ctx, `INSERT INTO audit (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		atelier.NewID(tx.Now()), sqldb.Micros(tx.Now()), e.WorkspaceID, e.Workspace, e.ActorKind, e.ActorID, e.Actor, e.Action, e.Method,
		atelier.Clip(e.Resource, 1000), e.Outcome, e.Code, e.Address, e.RequestID, max(e.Times, 1))
	return err
}

// selectEntries returns the newest entries before a place; without one, from the end.
func selectEntries(ctx context.Context, tx *sqldb.Tx, f Filter, before place, limit int) ([]Entry, error) {
	query, args := `SELECT `+columns+` FROM audit WHERE 1 = 1`, []any{}
	where := func(condition string, value any) {
		args = append(args, value)
		query += " AND " + condition + "$" + strconv.Itoa(len(args))
	}
	if f.WorkspaceID != "" {
		where("workspace_id = ", f.WorkspaceID)
	}
	if f.Actor != "" {
		where("actor = ", f.Actor)
	}
	if f.Action != "" {
		where("LOWER(action) LIKE ", like(f.Action))
		query += ` ESCAPE '\'`
	}
	if f.Resource != "" {
		where("LOWER(resource) LIKE ", "%"+like(f.Resource)+"%")
		query += ` ESCAPE '\'`
	}
	if f.Outcome != "" {
		where("outcome = ", f.Outcome)
	}
	if !f.Since.IsZero() {
		where("at >= ", sqldb.Micros(f.Since))
	}
	if !f.Until.IsZero() {
		where("at < ", sqldb.Micros(f.Until))
	}
	if before.ID != "" {
		args = append(args, before.At, before.ID)
		at, id := "$"+strconv.Itoa(len(args)-1), "$"+strconv.Itoa(len(args))
		query += " AND (at < " + at + " OR at = " + at + " AND id < " + id + ")"
	}
	args = append(args, limit)
	entries := []Entry{}
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var e Entry
		var at int64
		err := rows.Scan(&e.ID, &at, &e.WorkspaceID, &e.Workspace, &e.ActorKind, &e.ActorID, &e.Actor, &e.Action, &e.Method,
			&e.Resource, &e.Outcome, &e.Code, &e.Address, &e.RequestID, &e.Times)
		e.At = sqldb.Time(at)
		entries = append(entries, e)
		return err
	}, query+" ORDER BY at DESC, id DESC LIMIT $"+strconv.Itoa(len(args)), args...)
	return entries, err
}

func deleteBefore(ctx context.Context, tx *sqldb.Tx, when time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM audit WHERE at < $1`, sqldb.Micros(when))
	return err
}
