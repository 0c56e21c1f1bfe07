package series

import (
	"context"
	"slices"

	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Bounds of one compaction, and so of how long it keeps writers waiting.
const (
	maxMerged = 2 * manySmall // small chunks
	maxBeside = 16            // full chunks that they may overlap
)

// Compact merges small chunks of a series into full ones, each of at least half
// of fullChunk points; fewer points become one small chunk. Full chunks that
// overlap them, of those written last, are merged with them. It is one
// transaction: whatever ends it early leaves the series as it was. Writers of
// the same series wait for it, those of others only on SQLite.
func Compact(ctx context.Context, tx *sqldb.Tx, key Key) error {
	series, last, ok, err := lockSeries(ctx, tx, key)
	if err != nil || !ok {
		return err
	}
	small, err := selectChunks(ctx, tx, series, smallLevel, "ASC", maxMerged)
	if err != nil || len(small) == 0 {
		return err
	}
	full, err := selectChunks(ctx, tx, series, fullLevel, "DESC", maxBeside)
	if err != nil {
		return err
	}
	full = overlapping(full, small)
	points, err := decodeAll(key, slices.Concat(small, full))
	if err != nil {
		return err
	}
	if len(small) == 1 && len(points) < fullChunk/2 {
		return nil // as it should be
	}
	rows := chunkRows(key.Workspace, series, points, &last)
	if err := replaceChunks(ctx, tx, small, full, rows); err != nil {
		return err
	}
	return updateCounts(ctx, tx, series, last)
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

// chunkRows cuts points into chunks of about the same length, numbered from
// *last on.
func chunkRows(ws string, series int64, points []Point, last *int64) [][]any {
	level := int64(fullLevel)
	if len(points) < fullChunk/2 {
		level = smallLevel
	}
	parts := (len(points) + fullChunk - 1) / fullChunk
	rows := make([][]any, parts)
	e := &encoder{}
	for i := range parts {
		part := points[i*len(points)/parts : (i+1)*len(points)/parts]
		*last++
		h := headerOf(level, *last, part)
		h.series = series
		rows[i] = chunkRow(ws, h, e.encode(part))
	}
	return rows
}
