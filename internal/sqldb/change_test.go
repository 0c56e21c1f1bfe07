package sqldb_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
)

// Who watches is told when a write has ended, and before its caller is.
func TestWatchersAreToldOfChanges(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		var told []string
		db.Watch(func(c sqldb.Change) { told = append(told, c.Kind+"/"+c.Workspace+"/"+c.ID) })
		write := func(id string, result error) {
			err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
				tx.Changed(sqldb.Change{Kind: "run", Workspace: "w", ID: id})
				if len(told) > 0 && told[len(told)-1] == "run/w/"+id {
					t.Errorf("told of %s before it was written", id)
				}
				return result
			})
			if !errors.Is(err, result) {
				t.Error(err)
			}
		}
		write("1", nil)
		write("2", errors.New("no"))
		write("", nil)
		if diff := cmp.Diff([]string{"run/w/1", "run/w/2", "run/w/"}, told); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWhatWasChangedIsKnownInTheTransaction(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
			if tx.HasChanged("run", "row") {
				t.Error("a new transaction has changed something")
			}
			tx.Changed(sqldb.Change{Kind: "row", Workspace: "w", ID: "1"})
			if !tx.HasChanged("run", "row") || tx.HasChanged("run") {
				t.Error("what was changed is not known")
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
