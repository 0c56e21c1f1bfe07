package series

import (
	"cmp"
	"context"
	"slices"

	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Axis is what a chart goes along.
type Axis string

const (
	BySteps Axis = "step"
	ByTimes Axis = "time" // in milliseconds since 1970
)

// Range is a part of a series, both ends included. A nil end is the series' own.
type Range struct {
	Axis     Axis
	From, To *int64
}

// Bucket sums up the points from From to To, both included.
type Bucket struct {
	From, To int64
	Summary
}

func (a Axis) of(p Point) int64 {
	if a == ByTimes {
		return int64(p.Timestamp)
	}
	return p.Step
}

// ends are the least and greatest place of a chunk's points.
func (a Axis) ends(h header) (int64, int64) {
	if a == ByTimes {
		return h.firstTime, h.lastTime
	}
	return h.minStep, h.maxStep
}

// grid cuts a range into buckets of one width.
type grid struct {
	axis     Axis
	from, to int64
	width    uint64
	buckets  []Bucket
}

func newGrid(r Range, headers []header, n int) *grid {
	g := &grid{axis: r.Axis}
	for i, h := range headers {
		low, high := r.Axis.ends(h)
		if i == 0 {
			g.from, g.to = low, high
		}
		g.from, g.to = min(g.from, low), max(g.to, high)
	}
	if r.From != nil {
		g.from = *r.From
	}
	if r.To != nil {
		g.to = *r.To
	}
	if g.to < g.from || n < 1 {
		return g
	}
	span := uint64(g.to - g.from)
	g.width = max(span/uint64(n)+1, span/uint64(n)) // the first may wrap around
	g.buckets = make([]Bucket, min(uint64(n), span/g.width+1))
	for i := range g.buckets {
		g.buckets[i].From = g.from + int64(uint64(i)*g.width)
		g.buckets[i].To = g.to
		if i > 0 {
			g.buckets[i-1].To = g.buckets[i].From - 1
		}
	}
	return g
}

func (g *grid) holds(at int64) bool { return at >= g.from && at <= g.to }

func (g *grid) bucket(at int64) *Bucket {
	return &g.buckets[min(uint64(at-g.from)/g.width, uint64(len(g.buckets)-1))]
}

func (g *grid) add(points []Point) {
	for _, p := range points {
		if at := g.axis.of(p); g.holds(at) {
			g.bucket(at).Add(p)
		}
	}
}

// Buckets sums up a range of a series in at most n buckets of one width; empty
// ones are left out. Chunks within one bucket are not read: their summaries do.
func Buckets(ctx context.Context, tx *sqldb.Tx, key Key, r Range, n int) ([]Bucket, error) {
	headers, err := selectHeaders(ctx, tx, key)
	if err != nil {
		return nil, err
	}
	g := newGrid(r, headers, n)
	headers = slices.DeleteFunc(headers, func(h header) bool {
		low, high := r.Axis.ends(h)
		return len(g.buckets) == 0 || high < g.from || low > g.to
	})
	load := loader(ctx, tx, key)
	w := walker{load: load, visit: func(p piece) error {
		if p.chunk == nil {
			g.add(p.points)
			return nil
		}
		low, high := r.Axis.ends(*p.chunk)
		if len(p.chunk.summary) > 0 && g.holds(low) && g.holds(high) && g.bucket(low) == g.bucket(high) {
			summary, err := decodeSummary(p.chunk.summary)
			g.bucket(low).Merge(summary)
			return err
		}
		points, err := load(*p.chunk)
		g.add(points)
		return err
	}}
	err = w.walk(headers)
	return slices.DeleteFunc(g.buckets, func(b Bucket) bool { return b.Count == 0 }), err
}

// exactChart is up to how many points are read one by one for a chart.
const exactChart = 16 << 10

// Chart returns a series in at most limit points that keep its extremes, and how
// many points there are. A long series is summed up chunk by chunk, in parts of
// about the same number of points.
func Chart(ctx context.Context, tx *sqldb.Tx, key Key, limit int) ([]Point, int, error) {
	headers, err := selectHeaders(ctx, tx, key)
	if err != nil {
		return nil, 0, err
	}
	total := 0
	for _, h := range headers {
		total += h.points
	}
	load := loader(ctx, tx, key)
	if total <= max(limit, exactChart) {
		points, err := window(headers, load, Window{})
		chosen, _ := Downsample(points, limit)
		return chosen, len(points), err
	}
	t := thinner{each: total/max(limit/perBucket-1, 1) + 1}
	w := walker{load: load, visit: func(p piece) error { return t.visit(p, load) }}
	if err := w.walk(headers); err != nil {
		return nil, 0, err
	}
	t.flush()
	slices.SortStableFunc(t.kept, byStep)
	if limit < perBucket {
		t.kept = t.kept[len(t.kept)-1:]
	}
	return t.kept, t.count, nil
}

func byStep(a, b Point) int {
	return cmp.Or(cmp.Compare(a.Step, b.Step), cmp.Compare(a.Timestamp, b.Timestamp))
}

// thinner keeps the corners of every so many points.
type thinner struct {
	each  int
	part  Summary
	count int
	kept  []Point
}

func (t *thinner) visit(p piece, load func(header) ([]Point, error)) error {
	points := p.points
	if p.chunk != nil {
		if p.chunk.points <= t.each && len(p.chunk.summary) > 0 {
			summary, err := decodeSummary(p.chunk.summary)
			t.add(summary)
			return err
		}
		var err error
		if points, err = load(*p.chunk); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(points, min(t.each, 64)) {
		t.add(summarise(part))
	}
	return nil
}

func (t *thinner) add(s Summary) {
	t.part.Merge(s)
	t.count += s.Count
	if t.part.Count >= t.each {
		t.flush()
	}
}

func (t *thinner) flush() {
	if t.part.Count == 0 {
		return
	}
	chosen := []Point{t.part.First, t.part.Last}
	if t.part.NaNs < t.part.Count {
		chosen = append(chosen, t.part.Low, t.part.High)
	}
	slices.SortFunc(chosen, Point.compare)
	t.kept = append(t.kept, slices.CompactFunc(chosen, func(a, b Point) bool { return a.compare(b) == 0 })...)
	t.part = Summary{}
}
