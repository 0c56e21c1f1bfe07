package series

import (
	"context"
	"errors"
	"slices"

	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Bounds of one compaction.
const (
	maxMerged = 2 * manySmall // small chunks
	maxBeside = 16            // full chunks that they may overlap
)

// Merge is one compaction of a series: chunks, and what is to take their place.
// It is made while others write, and only stored, in few statements, while they
// wait.
type Merge struct {
	key         Key
	small, full []storedChunk
	merged      []storedChunk // without numbers
}

// errChanged undoes a compaction whose chunks are no longer there.
var errChanged = errors.New("the series was changed meanwhile")

// SelectMerge reads what there is to merge in a series: its oldest small chunks,
// and of the full chunks written last those that overlap them.
func SelectMerge(ctx context.Context, tx *sqldb.Tx, key Key) (*Merge, error) {
	small, err := selectChunks(ctx, tx, key, smallLevel, "ASC", maxMerged)
	if err != nil || len(small) == 0 {
		return &Merge{key: key}, err
	}
	full, err := selectChunks(ctx, tx, key, fullLevel, "DESC", maxBeside)
	return &Merge{key: key, small: small, full: overlapping(full, small)}, err
}

// Prepare makes full chunks, each of at least half of fullChunk points; fewer
// points become one small chunk. It reports false when all is as it should be.
func (m *Merge) Prepare() (bool, error) {
	points, err := decodeAll(m.key, slices.Concat(m.small, m.full))
	if err != nil || len(m.small) == 0 || len(m.small) == 1 && len(points) < fullChunk/2 {
		return false, err
	}
	m.merged = cut(points)
	return true, nil
}

// Store puts the merged chunks in the place of the others. All of it is stored,
// or nothing. Where another has compacted the series meanwhile, or removed it,
// there is nothing to do.
func (m *Merge) Store(ctx context.Context, tx *sqldb.Tx) error {
	series, last, ok, err := lockSeries(ctx, tx, m.key)
	if err != nil || !ok {
		return err
	}
	if err := deleteChunks(ctx, tx, series, m.small, m.full); err != nil {
		return err
	}
	err = insertChunks(ctx, tx, len(m.merged), func(i int) (string, header, []byte) {
		c := m.merged[i]
		last++
		c.series, c.number = series, last
		return m.key.Workspace, c.header, c.data
	})
	if err != nil {
		return err
	}
	return updateCounts(ctx, tx, series, last)
}

// Compact merges small chunks of a series into full ones. It is one transaction:
// whatever ends it early leaves the series as it was.
func Compact(ctx context.Context, db *sqldb.DB, key Key) error {
	var m *Merge
	err := db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		m, err = SelectMerge(ctx, tx, key)
		return err
	})
	if err != nil {
		return err
	}
	if some, err := m.Prepare(); err != nil || !some {
		return err
	}
	err = db.Write(ctx, func(tx *sqldb.Tx) error { return m.Store(ctx, tx) })
	if errors.Is(err, errChanged) {
		return nil // who changed it leaves it to be compacted again
	}
	return err
}

// overlapping returns those of full that may share points with one of small.
func overlapping(full, small []storedChunk) []storedChunk {
	return slices.DeleteFunc(full, func(f storedChunk) bool {
		return !slices.ContainsFunc(small, func(s storedChunk) bool {
			return !f.endsBefore(s.header) && !s.endsBefore(f.header)
		})
	})
}

func decodeAll(key Key, chunks []storedChunk) ([]Point, error) {
	var all []Point
	for _, c := range chunks {
		points, err := decodeOf(key, c.header, c.data)
		if err != nil {
			return nil, err
		}
		all = append(all, points...)
	}
	return ordered(all), nil
}

// cut makes chunks of about the same length of points.
func cut(points []Point) []storedChunk {
	level := int64(fullLevel)
	if len(points) < fullChunk/2 {
		level = smallLevel
	}
	parts := (len(points) + fullChunk - 1) / fullChunk
	chunks := make([]storedChunk, parts)
	e := &encoder{}
	for i := range parts {
		part := points[i*len(points)/parts : (i+1)*len(points)/parts]
		chunks[i] = storedChunk{headerOf(level, 0, part), e.encode(part)}
	}
	return chunks
}
