package tracking

import (
	"strings"
	"testing"
	"time"

	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
)

// What took long to sum up is shown as it was, with its time, and is found anew for
// the next who asks; what is fast again is exact again.
func TestSlowSummariesAreRemembered(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		blobs, err := blob.OpenDir(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer blobs.Close()
		s := New(db, blobs, event.NewBus())
		experiment := fewRuns(t, db, s)
		runs, err := s.SearchRuns(t.Context(), "one", Search{Experiments: []string{experiment}, MaxResults: 1})
		if err != nil {
			t.Fatal(err)
		}
		upload := func(name string) {
			t.Helper()
			if err := s.Upload(t.Context(), "one", Owner{RunArtifact, runs.Items[0].ID}, name, strings.NewReader(name)); err != nil {
				t.Fatal(err)
			}
		}
		shown := func(experiment string, want int64) {
			t.Helper()
			use, err := s.StorageOf(t.Context(), "one", experiment, 1)
			if err != nil || use.Files != want || use.MadeAt.IsZero() || len(use.LargestRuns) != 1 || len(use.Experiments) == 0 {
				t.Errorf("%d files at %s (%v), want %d: %+v", use.Files, use.MadeAt, err, want, use)
			}
		}
		again := func() {
			t.Helper()
			err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
				_, err := tx.Exec(t.Context(), `UPDATE storage_summaries SET took = 0`) // so that they are too old
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		upload("a")
		shown("", 1)
		upload("b")
		shown("", 2) // it is fast
		s.slowSummary = 0
		shown("", 2)
		upload("c")
		shown(experiment, 3) // which nobody asked for
		again()
		shown("", 2)
		for range 2 { // who asked twice waits for one
			if err := s.sumUpAgain(t.Context(), summarised{"one", ""}); err != nil {
				t.Fatal(err)
			}
		}
		if at := <-s.stale; at != (summarised{"one", ""}) {
			t.Errorf("%v is to be summed up", at)
		}
		shown("", 3)
		upload("d")
		s.slowSummary = time.Hour
		again()
		shown("", 3)
		if err := s.sumUpAgain(t.Context(), <-s.stale); err != nil {
			t.Fatal(err)
		}
		shown("", 4)
		upload("e")
		shown("", 5)
	})
}
