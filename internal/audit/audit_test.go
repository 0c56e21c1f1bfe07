package audit_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/atelier-ml/atelier/internal/audit"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
)

func TestLog(t *testing.T) {
	clk := clock.NewFake(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	sqldbtest.EachAt(t, clk, func(t *testing.T, db *sqldb.DB) {
		log := audit.New(db)
		ctx, done := log.Along(t.Context(), audit.Entry{WorkspaceID: "w", Actor: "a", Action: "jobs/write", Resource: "/x_y%", Outcome: audit.Done})
		if err := db.Write(ctx, func(tx *sqldb.Tx) error { return errors.New("no") }); err == nil || done() {
			t.Fatal(err)
		}
		for range 2 {
			if err := db.Write(ctx, func(tx *sqldb.Tx) error { return nil }); err != nil || !done() {
				t.Fatal(err)
			}
		}
		for range 5 {
			if err := log.EnterRefusal(t.Context(), audit.Entry{Action: "b", Address: "1", Code: "forbidden"}); err != nil {
				t.Fatal(err)
			}
		}
		clk.Advance(time.Minute)
		if err := log.EnterRefusal(t.Context(), audit.Entry{Action: "b", Address: "1", Code: "forbidden"}); err != nil {
			t.Fatal(err)
		}
		count := func(f audit.Filter) (n, times int) {
			if err := log.Each(context.Background(), f, func(e audit.Entry) error { n++; times += e.Times; return nil }); err != nil {
				t.Fatal(err)
			}
			return n, times
		}
		if n, times := count(audit.Filter{}); n != 3 || times != 7 {
			t.Errorf("%d %d", n, times)
		}
		if n, _ := count(audit.Filter{Resource: "_y%", Action: "JOBS/*"}); n != 1 {
			t.Errorf("%d", n)
		}
		if n, _ := count(audit.Filter{Resource: "_z"}); n != 0 {
			t.Errorf("%d", n)
		}
		if err := log.Prune(t.Context(), 30*time.Second); err != nil {
			t.Fatal(err)
		}
		if n, _ := count(audit.Filter{}); n != 1 {
			t.Errorf("after pruning %d", n)
		}
	})
}
