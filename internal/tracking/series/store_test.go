package series

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
)

// shelf is the series of one run in a real database.
type shelf struct {
	t   *testing.T
	db  *sqldb.DB
	key Key
}

func eachShelf(t *testing.T, test func(s shelf)) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		test(newShelf(t, db))
	})
}

func newShelf(t *testing.T, db *sqldb.DB) shelf {
	s := shelf{t, db, Key{"w", "r", "m"}}
	s.write(func(tx *sqldb.Tx) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO workspaces (id, name, display_name, description, tags, created_by, created_at, updated_at)
			VALUES ('w', 'w', '', '', '{}', '', 0, 0)`)
		return err
	})
	return s
}

func (s shelf) write(write func(tx *sqldb.Tx) error) {
	s.t.Helper()
	if err := s.db.Write(s.t.Context(), write); err != nil {
		s.t.Fatal(err)
	}
}

func (s shelf) append(points []Point) {
	s.t.Helper()
	samples := make([]Sample, len(points))
	for i, p := range points {
		samples[i] = Sample{s.key.Name, p}
	}
	s.write(func(tx *sqldb.Tx) error {
		_, err := Append(s.t.Context(), tx, Log{Owner{s.key.Workspace, "e", s.key.Run}, NewBatch(slices.Values(samples))})
		return err
	})
}

func (s shelf) compact(ctx context.Context) error {
	return Compact(ctx, s.db, s.key)
}

func (s shelf) read(read func(tx *sqldb.Tx) error) {
	s.t.Helper()
	if err := s.db.Read(s.t.Context(), read); err != nil {
		s.t.Fatal(err)
	}
}

func (s shelf) history(w Window) (points []Point) {
	s.t.Helper()
	s.read(func(tx *sqldb.Tx) (err error) {
		points, err = History(s.t.Context(), tx, s.key, w)
		return err
	})
	return points
}

func (s shelf) headers() (headers []header) {
	s.read(func(tx *sqldb.Tx) (err error) {
		headers, err = selectHeaders(s.t.Context(), tx, s.key)
		return err
	})
	return headers
}

func (s shelf) holds(want []Point) {
	s.t.Helper()
	if diff := cmp.Diff(want, s.history(Window{}), samePoints); diff != "" {
		s.t.Fatal(diff)
	}
}

// training is n points as a training logs them.
func training(n int, seed uint64) []Point {
	random := rand.New(rand.NewPCG(seed, 0))
	points := make([]Point, n)
	for i := range points {
		points[i] = Point{Step: int64(i), Timestamp: Timestamp(1_700_000_000_000 + 100*i), Value: Value(float32(random.NormFloat64()))}
	}
	return points
}

// Whatever comes in whatever order, again and again, with compaction at any
// time: the history is what a sorted set would hold, and so is every window.
func TestHistoryIsASortedSet(t *testing.T) {
	eachShelf(t, func(s shelf) {
		random := rand.New(rand.NewPCG(5, 6))
		var all []Point
		var before [][]Point
		for round := range 60 {
			var batch []Point
			for range 1 + random.IntN(150) {
				p := Point{Step: random.Int64N(40), Timestamp: Timestamp(random.IntN(50) + round*random.IntN(30)), Value: Value(random.IntN(3))}
				if random.IntN(9) == 0 {
					p.Value = Value(math.NaN())
				}
				batch = append(batch, p)
			}
			if len(before) > 0 && random.IntN(4) == 0 {
				batch = before[random.IntN(len(before))]
			}
			before = append(before, batch)
			all = ordered(append(all, batch...))
			s.append(slices.Clone(batch))
			if random.IntN(5) == 0 {
				if err := s.compact(t.Context()); err != nil {
					t.Fatal(err)
				}
				s.holds(all)
			}
		}
		s.holds(all)
		s.read(func(tx *sqldb.Tx) error {
			if count, err := Count(t.Context(), tx, s.key); count != len(all) || err != nil {
				t.Errorf("%d points are counted, %v; want %d", count, err, len(all))
			}
			for first := range int64(40) {
				steps := Steps{first, first + random.Int64N(5)}
				want := slices.DeleteFunc(slices.Clone(all), func(p Point) bool { return p.Step < steps.First || p.Step > steps.Last })
				var found []Point
				err := Scan(t.Context(), tx, s.key, steps, func(points []Point) error {
					found = append(found, points...)
					return nil
				})
				if diff := cmp.Diff(want, found, samePoints); diff != "" || err != nil {
					t.Fatalf("%+v: %v %s", steps, err, diff)
				}
			}
			return nil
		})
		for range 100 {
			w := Window{Offset: random.IntN(len(all) + 10), Limit: random.IntN(len(all))}
			want := all[min(w.Offset, len(all)):]
			if w.Limit > 0 {
				want = want[:min(len(want), w.Limit)]
			}
			if diff := cmp.Diff(want, s.history(w), samePoints); diff != "" {
				t.Fatalf("%+v: %s", w, diff)
			}
		}
	})
}

func TestCompactionMakesFullChunks(t *testing.T) {
	eachShelf(t, func(s shelf) {
		points := training(9*fullChunk/2, 1)
		for batch := range slices.Chunk(points, 250) {
			s.append(slices.Clone(batch))
		}
		for range 3 { // the second finds nothing to do
			if err := s.compact(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for _, h := range s.headers() {
			if h.level != fullLevel || h.points < fullChunk/2 || h.points > fullChunk {
				t.Errorf("a chunk of %d points at level %d", h.points, h.level)
			}
		}
		s.append(slices.Clone(points[4500:4600])) // again
		if err := s.compact(t.Context()); err != nil {
			t.Fatal(err)
		}
		stored := 0
		for _, h := range s.headers() {
			stored += h.points
		}
		if stored != len(points) {
			t.Errorf("%d points are stored, want %d", stored, len(points))
		}
		s.holds(points)
	})
}

// dying is a context that ends at its n-th question whether it has.
type dying struct {
	context.Context
	left *int
}

func (d dying) Err() error {
	if *d.left--; *d.left < 0 {
		return errors.New("killed")
	}
	return d.Context.Err()
}

// Compaction is killed before each of its statements in turn; the series is
// whole each time, and at last it is compacted.
func TestCompactionKilledAtEveryStep(t *testing.T) {
	eachShelf(t, func(s shelf) {
		points := training(3*fullChunk/2, 2)
		for batch := range slices.Chunk(points, 300) {
			s.append(slices.Clone(batch))
		}
		before := s.headers()
		for step := 0; ; step++ {
			left := step
			err := s.compact(dying{t.Context(), &left})
			s.holds(points)
			if err == nil {
				if step < 8 {
					t.Errorf("only %d steps", step)
				}
				break
			}
			if diff := cmp.Diff(before, s.headers(), cmp.AllowUnexported(header{})); diff != "" {
				t.Fatalf("killed at step %d (%v): %s", step, err, diff)
			}
		}
		if after := s.headers(); len(after) != 2 {
			t.Errorf("%d chunks after compaction", len(after))
		}
	})
}

// watched is a context that calls seen at each question whether it has ended.
type watched struct {
	context.Context
	seen func()
}

func (w watched) Err() error {
	w.seen()
	return w.Context.Err()
}

// What a server that dies during a compaction leaves on the disk, whichever step
// it was at, is the whole series, which can be compacted then.
func TestCompactionOfAServerThatDies(t *testing.T) {
	folder := t.TempDir()
	db, err := sqldb.Open(t.Context(), filepath.Join(folder, "atelier.db"), clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s := newShelf(t, db)
	points := training(3*fullChunk/2, 8)
	for batch := range slices.Chunk(points, 1200) {
		s.append(slices.Clone(batch))
	}
	var left []string
	err = s.compact(watched{t.Context(), func() {
		image := filepath.Join(t.TempDir(), fmt.Sprint(len(left)))
		left = append(left, image)
		if err := os.CopyFS(image, os.DirFS(folder)); err != nil {
			t.Error(err)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(left) < 8 {
		t.Errorf("only %d steps", len(left))
	}
	for _, image := range left {
		found, err := sqldb.Open(t.Context(), filepath.Join(image, "atelier.db"), clock.System{})
		if err != nil {
			t.Fatal(err)
		}
		again := shelf{t, found, s.key}
		again.holds(points)
		if err := again.compact(t.Context()); err != nil {
			t.Error(err)
		}
		again.holds(points)
		if after := again.headers(); len(after) != 2 {
			t.Errorf("%d chunks after compaction", len(after))
		}
		found.Close()
	}
}

// A merge that was made of what is no longer there is not stored.
func TestMergeOfWhatHasChanged(t *testing.T) {
	eachShelf(t, func(s shelf) {
		points := training(900, 9)
		for batch := range slices.Chunk(points[:600], 20) {
			s.append(slices.Clone(batch))
		}
		selected := func() (m *Merge) {
			s.read(func(tx *sqldb.Tx) (err error) {
				m, err = SelectMerge(t.Context(), tx, s.key)
				return err
			})
			if some, err := m.Prepare(); err != nil || !some {
				t.Fatal(some, err)
			}
			return m
		}
		store := func(m *Merge) error {
			return s.db.Write(t.Context(), func(tx *sqldb.Tx) error { return m.Store(t.Context(), tx) })
		}
		first, second := selected(), selected()
		for batch := range slices.Chunk(points[600:], 20) {
			s.append(slices.Clone(batch))
		}
		if err := store(first); err != nil {
			t.Fatal(err)
		}
		s.holds(points)
		before := s.headers()
		if err := store(second); !errors.Is(err, errChanged) {
			t.Errorf("the same again: %v", err)
		}
		if diff := cmp.Diff(before, s.headers(), cmp.AllowUnexported(header{})); diff != "" {
			t.Error(diff)
		}
		third := selected()
		s.write(func(tx *sqldb.Tx) error { return Remove(t.Context(), tx, s.key.Workspace, s.key.Run) })
		if err := store(third); err != nil || len(s.headers()) > 0 {
			t.Errorf("of a series that was removed: %v, %d chunks", err, len(s.headers()))
		}
		others := training(600, 10)
		for batch := range slices.Chunk(others, 20) {
			s.append(slices.Clone(batch))
		}
		if err := store(first); !errors.Is(err, errChanged) {
			t.Errorf("of another series of that name: %v", err)
		}
		s.holds(others)
	})
}

func TestWritersAndCompactionTogether(t *testing.T) {
	eachShelf(t, func(s shelf) {
		points := training(4000, 3)
		done := make(chan error, 1)
		stop := make(chan struct{})
		go func() {
			for {
				select {
				case <-stop:
					done <- nil
					return
				default:
					if err := s.compact(t.Context()); err != nil {
						done <- err
						return
					}
				}
			}
		}()
		for batch := range slices.Chunk(points, 20) {
			s.append(slices.Clone(batch))
		}
		close(stop)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		s.holds(points)
	})
}

func TestLongChartKeepsExtremes(t *testing.T) {
	eachShelf(t, func(s shelf) {
		points := training(40_000, 4)
		points[12_345].Value, points[33_333].Value, points[20_000].Value = 1e9, -1e9, Value(math.NaN())
		for batch := range slices.Chunk(points, 1000) {
			s.append(slices.Clone(batch))
		}
		s.append(slices.Clone(points[7000:8000])) // overlaps, and is not counted twice
		for _, compacted := range []bool{false, true} {
			if compacted {
				if err := s.compact(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			for _, limit := range []int{1, 4, 8, 100, 2000} {
				var chart []Point
				var count int
				s.read(func(tx *sqldb.Tx) (err error) {
					chart, count, err = Chart(t.Context(), tx, s.key, limit)
					return err
				})
				name := fmt.Sprintf("limit %d, compacted %v", limit, compacted)
				if count != len(points) || len(chart) > limit || len(chart) < limit/8 {
					t.Errorf("%s: %d points of %d", name, len(chart), count)
				}
				if chart[len(chart)-1] != points[len(points)-1] {
					t.Errorf("%s: the end is missing", name)
				}
				if low, high := extremes(chart); limit >= perBucket && (low != -1e9 || high != 1e9 || chart[0] != points[0]) {
					t.Errorf("%s: extremes %v to %v", name, low, high)
				}
				if !slices.IsSortedFunc(chart, byStep) {
					t.Errorf("%s: out of order", name)
				}
			}
		}
	})
}

func TestBucketsAreWhatTheirPointsSay(t *testing.T) {
	eachShelf(t, func(s shelf) {
		points := training(9000, 5)
		points[100].Value = Value(math.NaN())
		for batch := range slices.Chunk(points, 500) {
			s.append(slices.Clone(batch))
		}
		s.append(slices.Clone(points[4000:4100]))
		if err := s.compact(t.Context()); err != nil {
			t.Fatal(err)
		}
		at := func(v int64) *int64 { return &v }
		for _, r := range []Range{{Axis: BySteps}, {Axis: ByTimes}, {BySteps, at(1234), at(5678)}, {ByTimes, at(1_700_000_100_000), nil},
			{BySteps, at(8990), at(20_000)}, {BySteps, at(10_000), nil}, {BySteps, at(5), at(4)}, {BySteps, at(math.MinInt64), at(math.MaxInt64)}} {
			for _, n := range []int{1, 7, 300} {
				var buckets []Bucket
				s.read(func(tx *sqldb.Tx) (err error) {
					buckets, err = Buckets(t.Context(), tx, s.key, r, n)
					return err
				})
				checkBuckets(t, points, r, n, buckets)
			}
		}
	})
}

func checkBuckets(t *testing.T, points []Point, r Range, n int, buckets []Bucket) {
	t.Helper()
	inside := 0
	for _, p := range points {
		if place := r.Axis.of(p); (r.From == nil || place >= *r.From) && (r.To == nil || place <= *r.To) {
			inside++
		}
	}
	for _, b := range buckets {
		var want Summary
		for _, p := range points {
			if place := r.Axis.of(p); place >= b.From && place <= b.To {
				want.Add(p)
			}
		}
		if math.Abs(want.Sum-b.Sum) > 1e-6 {
			t.Errorf("%+v, %d: sum %v, want %v", r, n, b.Sum, want.Sum)
		}
		want.Sum = b.Sum // added in another order
		if diff := cmp.Diff(want, b.Summary, samePoints); diff != "" {
			t.Fatalf("%+v, %d, bucket %d to %d: %s", r, n, b.From, b.To, diff)
		}
		inside -= b.Count
	}
	if inside != 0 || len(buckets) > n {
		t.Errorf("%+v: %d points are missing from %d buckets", r, inside, len(buckets))
	}
}

func TestDamageInTheDatabaseIsAnError(t *testing.T) {
	eachShelf(t, func(s shelf) {
		s.append(training(10, 6))
		err := s.db.Write(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE metric_chunks SET data = $1 WHERE workspace_id = 'w'`, []byte("other bytes"))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		err = s.db.Read(t.Context(), func(tx *sqldb.Tx) error {
			_, err := History(t.Context(), tx, s.key, Window{})
			return err
		})
		if !errors.Is(err, errDamaged) {
			t.Errorf("error %v", err)
		}
	})
}

// BenchmarkLongSeries reads a series of ten million points.
func BenchmarkLongSeries(b *testing.B) {
	db := sqldbtest.SQLite(b, clock.System{})
	key := Key{"w", "r", "m"}
	fillLong(b, db, key, 10_000_000)
	read := func(name string, fn func(tx *sqldb.Tx) error) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := db.Read(b.Context(), fn); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	read("chart", func(tx *sqldb.Tx) error {
		_, _, err := Chart(b.Context(), tx, key, 2000)
		return err
	})
	read("500 buckets", func(tx *sqldb.Tx) error {
		_, err := Buckets(b.Context(), tx, key, Range{Axis: BySteps}, 500)
		return err
	})
	read("100000 points", func(tx *sqldb.Tx) error {
		_, err := History(b.Context(), tx, key, Window{Offset: 5_000_000, Limit: 100_000})
		return err
	})
}

func fillLong(b *testing.B, db *sqldb.DB, key Key, n int) {
	points := training(n, 7)
	err := db.Write(b.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(b.Context(), `INSERT INTO workspaces (id, name, display_name, description, tags, created_by, created_at, updated_at)
			VALUES ('w', 'w', '', '', '{}', '', 0, 0)`)
		if err != nil {
			return err
		}
		if _, err := Append(b.Context(), tx, Log{Owner{key.Workspace, "e", key.Run}, NewBatch(slices.Values([]Sample{{key.Name, points[0]}}))}); err != nil {
			return err
		}
		id, last, _, err := lockSeries(b.Context(), tx, key)
		if err != nil {
			return err
		}
		for _, c := range cut(points) {
			last++
			c.series, c.number = id, last
			if _, err := tx.Exec(b.Context(), chunkInserts(1), chunkRow(key.Workspace, c.header, c.data)...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}
