package series

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Logs of several runs are stored by statements of many rows, in which a series may
// come again: its points are all there, and its latest is the latest.
func TestManyLogsAtOnce(t *testing.T) {
	eachShelf(t, func(s shelf) {
		const keys, times = 2*maxUpserts + 3, 3
		want := map[string]map[string]Point{}
		var logs []Log
		for time := range int64(times) {
			for _, run := range []string{"r", "q"} {
				if want[run] == nil {
					want[run] = map[string]Point{}
				}
				var samples []Sample
				for k := range keys {
					key := fmt.Sprint("m", k)
					p := Point{Step: time, Timestamp: Timestamp(10*time + 1), Value: Value(k)}
					samples = append(samples, Sample{key, p})
					want[run][key] = p
				}
				logs = append(logs, Log{Owner{"w", "e", run}, NewBatch(slices.Values(samples))})
			}
		}
		logs = append(logs, logs[0], logs[0]) // as a client does that heard no answer
		var due []Key
		for range manySmall/times + 1 {
			s.write(func(tx *sqldb.Tx) (err error) {
				due, err = Append(t.Context(), tx, logs...)
				return err
			})
		}
		s.read(func(tx *sqldb.Tx) error {
			got, err := Latest(t.Context(), tx, "w", []string{"r", "q"})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			return err
		})
		for _, run := range []string{"r", "q"} {
			for k := range keys {
				s.key = Key{"w", run, fmt.Sprint("m", k)}
				if points := s.history(Window{}); len(points) != times || points[times-1] != want[run][s.key.Name] {
					t.Errorf("the points of %v are %v", s.key, points)
				}
				if !slices.Contains(due, s.key) {
					t.Errorf("%v is not to be compacted", s.key)
				}
			}
		}
	})
}
