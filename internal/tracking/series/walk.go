package series

import (
	"cmp"
	"errors"
	"slices"
	"sort"
)

// header is what the database tells of a chunk beside its bytes. Points within
// are from (firstTime, firstStep) to (lastTime, lastStep), by time, then step.
type header struct {
	series              int64
	level, number       int64
	points              int
	firstTime, lastTime int64
	firstStep, lastStep int64
	minStep, maxStep    int64
	summary             []byte // none for small chunks
}

// headerOf describes the chunk of points, which are ordered.
func headerOf(level, number int64, points []Point) header {
	first, last := points[0], points[len(points)-1]
	h := header{level: level, number: number, points: len(points),
		firstTime: int64(first.Timestamp), firstStep: first.Step, lastTime: int64(last.Timestamp), lastStep: last.Step,
		minStep: first.Step, maxStep: first.Step}
	for _, p := range points {
		h.minStep, h.maxStep = min(h.minStep, p.Step), max(h.maxStep, p.Step)
	}
	if level == fullLevel {
		h.summary = summarise(points).encode()
	}
	return h
}

// endsBefore reports whether no point of h can be equal to, or come after, a
// point of g.
func (h header) endsBefore(g header) bool {
	return h.lastTime < g.firstTime || h.lastTime == g.firstTime && h.lastStep < g.firstStep
}

func sortHeaders(headers []header) {
	slices.SortFunc(headers, func(a, b header) int {
		return cmp.Or(cmp.Compare(a.firstTime, b.firstTime), cmp.Compare(a.firstStep, b.firstStep), cmp.Compare(a.number, b.number))
	})
}

// piece is a part of a history: a chunk that shares no point with any other, not
// yet read, or else points.
type piece struct {
	chunk  *header
	points []Point
}

// errEnough ends a walk early.
var errEnough = errors.New("enough")

// walker goes through the chunks of a series in the order of history. Chunks may
// overlap and may hold the same point twice, as a repeated batch leaves them;
// what it gives out is in order, each point once. It holds no more points than
// overlap at any one place.
type walker struct {
	load  func(header) ([]Point, error)
	visit func(piece) error

	held   *header // may still turn out to share no point with the next
	buffer []Point // read and merged, but the next chunk may come in between
}

func (w *walker) walk(headers []header) error {
	sortHeaders(headers)
	for i := range headers {
		if err := w.next(&headers[i]); err != nil {
			return ended(err)
		}
	}
	if w.held != nil {
		return ended(w.visit(piece{chunk: w.held}))
	}
	if len(w.buffer) > 0 {
		return ended(w.visit(piece{points: w.buffer}))
	}
	return nil
}

func ended(err error) error {
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

func (w *walker) next(h *header) error {
	if held := w.held; held != nil {
		w.held = nil
		if held.endsBefore(*h) {
			if err := w.visit(piece{chunk: held}); err != nil {
				return err
			}
		} else {
			points, err := w.load(*held)
			if err != nil {
				return err
			}
			w.buffer = points
		}
	}
	if err := w.release(h); err != nil {
		return err
	}
	if len(w.buffer) == 0 {
		w.held = h
		return nil
	}
	points, err := w.load(*h)
	w.buffer = merge(w.buffer, points)
	return err
}

// release gives out the points of the buffer that come before all of h.
func (w *walker) release(h *header) error {
	n := sort.Search(len(w.buffer), func(i int) bool {
		p := w.buffer[i]
		return int64(p.Timestamp) > h.firstTime || int64(p.Timestamp) == h.firstTime && p.Step >= h.firstStep
	})
	done := w.buffer[:n:n]
	w.buffer = w.buffer[n:]
	if n == 0 {
		return nil
	}
	return w.visit(piece{points: done})
}

// merge returns the points of a and b, both ordered, each once.
func merge(a, b []Point) []Point {
	if len(a) == 0 || len(b) == 0 || a[len(a)-1].compare(b[0]) < 0 {
		return append(a, b...)
	}
	out := make([]Point, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch order := a[0].compare(b[0]); {
		case order < 0:
			out, a = append(out, a[0]), a[1:]
		case order > 0:
			out, b = append(out, b[0]), b[1:]
		default:
			a = a[1:]
		}
	}
	return append(append(out, a...), b...)
}
