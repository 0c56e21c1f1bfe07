package series

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier/internal/sqldb"
)

// The levels of chunks: as they were logged, and merged.
const (
	smallLevel = 0
	fullLevel  = 1
)

// manySmall is after how many small chunks a series should be compacted.
const manySmall = 64

// Owner is the run that points belong to, and its experiment.
type Owner struct {
	Workspace, Experiment, Run string
}

// Remove deletes all that a run measured; the chunks go with their series.
func Remove(ctx context.Context, tx *sqldb.Tx, ws, run string) error {
	_, err := tx.Exec(ctx, `DELETE FROM latest_metrics WHERE workspace_id = $1 AND run_id = $2`, ws, run)
	return err
}

// Key names a series.
type Key struct {
	Workspace, Run, Name string
}

// Log is a batch and the run that logged it.
type Log struct {
	Owner Owner
	Batch Batch
}

// Append stores batches, in their order. A point that is already there changes
// nothing, so that a client may send a batch twice. It returns the series that have
// so many small chunks by now that the caller should have them compacted.
func Append(ctx context.Context, tx *sqldb.Tx, logs ...Log) ([]Key, error) {
	var all []addition
	for i := range logs {
		owner := &logs[i].Owner
		for j := range logs[i].Batch.parts {
			p := &logs[i].Batch.parts[j]
			all = append(all, addition{key: Key{owner.Workspace, owner.Run, p.key}, experiment: owner.Experiment, latest: p.latest, header: p.header, data: p.data})
		}
	}
	var due []Key
	for rest := all; len(rest) > 0; {
		n := distinct(rest, maxUpserts)
		if err := upsertLatest(ctx, tx, rest[:n], &due); err != nil {
			return nil, err
		}
		rest = rest[n:]
	}
	return due, insertChunks(ctx, tx, len(all), func(i int) (string, header, []byte) {
		return all[i].key.Workspace, all[i].header, all[i].data
	})
}

// addition is a chunk to be added to a series.
type addition struct {
	key        Key
	experiment string
	latest     Point
	header     header // numbered by upsertLatest
	data       []byte
}

// distinct returns how many of all, up to most, are of different series: PostgreSQL
// does not let one statement change a row twice.
func distinct(all []addition, most int) int {
	seen := make(map[Key]bool, min(len(all), most))
	for i := range all[:min(len(all), most)] {
		if seen[all[i].key] {
			return i
		}
		seen[all[i].key] = true
	}
	return min(len(all), most)
}

// How many rows one statement takes, whose parameters are 200 at the most.
const (
	upsertColumns = 8
	maxUpserts    = 200 / upsertColumns
	chunkColumns  = 13
	maxChunks     = 200 / chunkColumns
)

// upsertLatest counts the new chunks, whose numbers it finds, and keeps the greater
// of the two latest points of each series. It adds to due what has many small chunks.
func upsertLatest(ctx context.Context, tx *sqldb.Tx, all []addition, due *[]Key) error {
	args := make([]any, 0, len(all)*upsertColumns)
	for i := range all {
		a := &all[i]
		value, isNaN := a.latest.stored()
		args = append(args, a.key.Workspace, a.key.Run, a.key.Name, a.experiment, int64(a.latest.Timestamp), a.latest.Step, value, isNaN)
	}
	next := 0
	return tx.Query(ctx, func(rows *sqldb.Rows) error {
		var key Key
		var series, number, small int64
		if err := rows.Scan(&series, &number, &small, &key.Workspace, &key.Run, &key.Name); err != nil {
			return err
		}
		for tried := 0; all[next].key != key; tried++ { // as a rule they come in order
			if next = (next + 1) % len(all); tried > len(all) {
				return fmt.Errorf("the series %q of run %s was not asked for", key.Name, key.Run)
			}
		}
		all[next].header.series, all[next].header.number = series, number
		next = (next + 1) % len(all)
		if small >= manySmall {
			*due = append(*due, key)
		}
		return nil
	}, upserts(len(all)), args...)
}

// upserts is the statement of upsertLatest for so many rows.
var upserts = forRows(maxUpserts, upsertColumns, `INSERT INTO latest_metrics AS m
	(workspace_id, run_id, key, experiment_id, timestamp_ms, step, value, is_nan, last_chunk, small_chunks) VALUES `, `, 1, 1`, `
	ON CONFLICT (workspace_id, run_id, key) DO UPDATE SET
		last_chunk = m.last_chunk + 1, small_chunks = m.small_chunks + 1,
		timestamp_ms = CASE WHEN (excluded.step, excluded.timestamp_ms, excluded.value) > (m.step, m.timestamp_ms, m.value)
			THEN excluded.timestamp_ms ELSE m.timestamp_ms END,
		value = CASE WHEN (excluded.step, excluded.timestamp_ms, excluded.value) > (m.step, m.timestamp_ms, m.value)
			THEN excluded.value ELSE m.value END,
		is_nan = CASE WHEN (excluded.step, excluded.timestamp_ms, excluded.value) > (m.step, m.timestamp_ms, m.value)
			THEN excluded.is_nan ELSE m.is_nan END,
		step = CASE WHEN (excluded.step, excluded.timestamp_ms, excluded.value) > (m.step, m.timestamp_ms, m.value)
			THEN excluded.step ELSE m.step END
	RETURNING series_id, last_chunk, small_chunks, workspace_id, run_id, key`)

// insertChunks stores n chunks, the i-th of which is what chunk returns.
func insertChunks(ctx context.Context, tx *sqldb.Tx, n int, chunk func(i int) (ws string, h header, data []byte)) error {
	for first := 0; first < n; first += maxChunks {
		many := min(n-first, maxChunks)
		args := make([]any, 0, many*chunkColumns)
		for i := range many {
			args = append(args, chunkRow(chunk(first+i))...)
		}
		if _, err := tx.Exec(ctx, chunkInserts(many), args...); err != nil {
			return err
		}
	}
	return nil
}

var chunkInserts = forRows(maxChunks, chunkColumns, `INSERT INTO metric_chunks (workspace_id, series_id, level, number, points, first_time, first_step,
	last_time, last_step, min_step, max_step, summary, data) VALUES `, ``, ``)

// forRows returns a function that returns the statement for 1 to most rows, of so
// many parameters each: between before and after, a list of rows that each end with
// constants. The texts are made once, as prepared statements are found by them.
func forRows(most, columns int, before, constants, after string) func(rows int) string {
	texts := make([]string, most+1)
	list := ""
	for row := range most {
		marks := make([]string, columns)
		for i := range marks {
			marks[i] = fmt.Sprintf("$%d", row*columns+i+1)
		}
		list += "(" + strings.Join(marks, ", ") + constants + ")"
		texts[row+1] = before + list + after
		list += ", "
	}
	return func(rows int) string { return texts[rows] }
}

func chunkRow(ws string, h header, data []byte) []any {
	summary := h.summary
	if summary == nil {
		summary = []byte{}
	}
	return []any{ws, h.series, h.level, h.number, h.points, h.firstTime, h.firstStep,
		h.lastTime, h.lastStep, h.minStep, h.maxStep, summary, data}
}

const headerColumns = `SELECT c.series_id, c.level, c.number, c.points, c.first_time, c.first_step,
	c.last_time, c.last_step, c.min_step, c.max_step, c.summary`

const ofSeries = ` FROM latest_metrics m JOIN metric_chunks c ON c.series_id = m.series_id
	WHERE m.workspace_id = $1 AND m.run_id = $2 AND m.key = $3`

func (h *header) scan(rows *sqldb.Rows, after ...any) error {
	return rows.Scan(append([]any{&h.series, &h.level, &h.number, &h.points, &h.firstTime, &h.firstStep,
		&h.lastTime, &h.lastStep, &h.minStep, &h.maxStep, &h.summary}, after...)...)
}

// selectHeaders returns the headers of all chunks of a series.
func selectHeaders(ctx context.Context, tx *sqldb.Tx, key Key) ([]header, error) {
	var headers []header
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		headers = append(headers, header{})
		return headers[len(headers)-1].scan(rows)
	}, headerColumns+ofSeries, key.Workspace, key.Run, key.Name)
	return headers, err
}

// loader returns a function that reads the points of a chunk.
func loader(ctx context.Context, tx *sqldb.Tx, key Key) func(header) ([]Point, error) {
	return func(h header) ([]Point, error) {
		var data []byte
		err := tx.QueryRow(ctx, `SELECT data FROM metric_chunks WHERE series_id = $1 AND level = $2 AND number = $3`,
			h.series, h.level, h.number).Scan(&data)
		if err != nil {
			return nil, err
		}
		return decodeOf(key, h, data)
	}
}

func decodeOf(key Key, h header, data []byte) ([]Point, error) {
	points, err := decode(data)
	if err == nil && len(points) != h.points {
		err = errDamaged
	}
	if err != nil {
		return nil, fmt.Errorf("read chunk %d of the metric %q of run %s: %w", h.number, key.Name, key.Run, err)
	}
	return points, nil
}

// Window is a part of a series: Limit points from the Offset-th on. A Limit of 0
// means all the rest.
type Window struct {
	Offset, Limit int
}

// History returns the points of a series in the window, by time, step and value.
func History(ctx context.Context, tx *sqldb.Tx, key Key, w Window) ([]Point, error) {
	headers, err := selectHeaders(ctx, tx, key)
	if err != nil {
		return nil, err
	}
	return window(headers, loader(ctx, tx, key), w)
}

// window reads the chunks that have points of w, and no others.
func window(headers []header, load func(header) ([]Point, error), w Window) ([]Point, error) {
	var found []Point
	skip, limit := w.Offset, w.Limit
	if limit == 0 {
		limit = math.MaxInt
	}
	walk := walker{load: load, visit: func(p piece) error {
		points := p.points
		if p.chunk != nil {
			if p.chunk.points <= skip {
				skip -= p.chunk.points
				return nil
			}
			var err error
			if points, err = load(*p.chunk); err != nil {
				return err
			}
		}
		skipped := min(skip, len(points))
		points, skip = points[skipped:], skip-skipped
		found = append(found, points[:min(len(points), limit-len(found))]...)
		if len(found) == limit {
			return errEnough
		}
		return nil
	}}
	return found, walk.walk(headers)
}

// Steps are those from First to Last, both included.
type Steps struct {
	First, Last int64
}

// Scan calls visit with the points of a series that have some steps, in pieces, in
// the order of history. It holds few chunks at a time.
func Scan(ctx context.Context, tx *sqldb.Tx, key Key, steps Steps, visit func(points []Point) error) error {
	headers, err := selectHeaders(ctx, tx, key)
	if err != nil {
		return err
	}
	headers = slices.DeleteFunc(headers, func(h header) bool { return h.maxStep < steps.First || h.minStep > steps.Last })
	load := loader(ctx, tx, key)
	w := walker{load: load, visit: func(p piece) error {
		points := p.points
		if p.chunk != nil {
			var err error
			if points, err = load(*p.chunk); err != nil {
				return err
			}
		}
		points = slices.DeleteFunc(points, func(q Point) bool { return q.Step < steps.First || q.Step > steps.Last })
		return visit(points)
	}}
	return w.walk(headers)
}

// Count returns how many points a series has.
func Count(ctx context.Context, tx *sqldb.Tx, key Key) (int, error) {
	headers, err := selectHeaders(ctx, tx, key)
	count := 0
	w := walker{load: loader(ctx, tx, key), visit: func(p piece) error {
		count += len(p.points)
		if p.chunk != nil {
			count += p.chunk.points
		}
		return nil
	}}
	return count, cmp.Or(err, w.walk(headers))
}

// Latest returns the latest point of every series of runs: run id, then key.
// runs has at most 150 elements.
func Latest(ctx context.Context, tx *sqldb.Tx, ws string, runs []string) (map[string]map[string]Point, error) {
	latest := map[string]map[string]Point{}
	args := []any{ws}
	marks := make([]string, len(runs))
	for i, run := range runs {
		args = append(args, run)
		marks[i] = fmt.Sprintf("$%d", i+2)
	}
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var run, key string
		var point Point
		var value float64
		var isNaN bool
		err := rows.Scan(&run, &key, &point.Timestamp, &point.Step, &value, &isNaN)
		point.Value = fromStored(value, isNaN)
		if latest[run] == nil {
			latest[run] = map[string]Point{}
		}
		latest[run][key] = point
		return err
	}, `SELECT run_id, key, timestamp_ms, step, value, is_nan FROM latest_metrics
		WHERE workspace_id = $1 AND run_id IN (`+strings.Join(marks, ", ")+`)`, args...)
	return latest, err
}

// Uncompacted returns the series of a run that have more than one small chunk.
func Uncompacted(ctx context.Context, tx *sqldb.Tx, ws, run string) ([]Key, error) {
	var keys []Key
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		key := Key{Workspace: ws, Run: run}
		err := rows.Scan(&key.Name)
		keys = append(keys, key)
		return err
	}, `SELECT key FROM latest_metrics WHERE workspace_id = $1 AND run_id = $2 AND small_chunks > 1 ORDER BY key`, ws, run)
	return keys, err
}

// UncompactedRuns returns up to limit runs, of all workspaces, that come after
// the given one and have series with more than one small chunk.
func UncompactedRuns(ctx context.Context, tx *sqldb.Tx, after Key, limit int) ([]Key, error) {
	var runs []Key
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var run Key
		err := rows.Scan(&run.Workspace, &run.Run)
		runs = append(runs, run)
		return err
	}, `SELECT DISTINCT workspace_id, run_id FROM latest_metrics
		WHERE (workspace_id, run_id) > ($1, $2) AND small_chunks > 1 ORDER BY workspace_id, run_id LIMIT $3`,
		after.Workspace, after.Run, limit)
	return runs, err
}

// lockSeries keeps other writers of a series out until the transaction ends. It
// returns its id and the number of its last chunk; ok is false when it is not
// there.
func lockSeries(ctx context.Context, tx *sqldb.Tx, key Key) (id, last int64, ok bool, err error) {
	err = tx.QueryRow(ctx, `UPDATE latest_metrics SET small_chunks = small_chunks
		WHERE workspace_id = $1 AND run_id = $2 AND key = $3 RETURNING series_id, last_chunk`,
		key.Workspace, key.Run, key.Name).Scan(&id, &last)
	if errors.Is(err, sqldb.ErrNoRows) {
		return 0, 0, false, nil
	}
	return id, last, err == nil, err
}

// storedChunk is a chunk with its bytes.
type storedChunk struct {
	header
	data []byte
}

// selectChunks returns up to limit chunks of a level in the given order of
// numbers, "ASC" or "DESC".
func selectChunks(ctx context.Context, tx *sqldb.Tx, key Key, level int64, order string, limit int) ([]storedChunk, error) {
	var chunks []storedChunk
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		var c storedChunk
		err := c.scan(rows, &c.data)
		chunks = append(chunks, c)
		return err
	}, headerColumns+`, c.data`+ofSeries+` AND c.level = $4 ORDER BY c.number `+order+` LIMIT $5`,
		key.Workspace, key.Run, key.Name, level, limit)
	return chunks, err
}

// deleteChunks deletes chunks of a series, of which small are all small ones up
// to the last of them. It returns errChanged when they are not what they were:
// numbers are not used twice, but those of another series of the same name may be
// the same, and so the bytes of one chunk are compared.
func deleteChunks(ctx context.Context, tx *sqldb.Tx, series int64, small, full []storedChunk) error {
	last := small[len(small)-1]
	gone, err := tx.Exec(ctx, `DELETE FROM metric_chunks WHERE series_id = $1 AND level = $2 AND number = $3 AND data = $4`,
		series, smallLevel, last.number, last.data)
	if err != nil {
		return err
	}
	others, err := tx.Exec(ctx, `DELETE FROM metric_chunks WHERE series_id = $1 AND level = $2 AND number < $3`,
		series, smallLevel, last.number)
	if err != nil {
		return err
	}
	gone += others
	for _, c := range full {
		one, err := tx.Exec(ctx, `DELETE FROM metric_chunks WHERE series_id = $1 AND level = $2 AND number = $3`,
			series, fullLevel, c.number)
		if err != nil {
			return err
		}
		gone += one
	}
	if gone != int64(len(small)+len(full)) {
		return errChanged
	}
	return nil
}

func updateCounts(ctx context.Context, tx *sqldb.Tx, series, last int64) error {
	_, err := tx.Exec(ctx, `UPDATE latest_metrics SET last_chunk = $2,
		small_chunks = (SELECT COUNT(*) FROM metric_chunks c WHERE c.series_id = $1 AND c.level = $3)
		WHERE series_id = $1`, series, last, smallLevel)
	return err
}
