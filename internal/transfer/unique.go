package transfer

import (
	"bufio"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"slices"

	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// unique sorts the points of one metric and drops those that are there twice, in
// memory that does not grow with them: what is too much at a time goes to files
// without a name, which are merged at the end.
type unique struct {
	points []series.Point
	spills []*os.File
}

// atOnce is how many points are in memory, 24 bytes each.
const atOnce = 1 << 18

func comparePoints(a, b series.Point) int {
	return cmp.Or(cmp.Compare(a.Timestamp, b.Timestamp), cmp.Compare(a.Step, b.Step), cmp.Compare(a.Value, b.Value))
}

func (u *unique) add(p series.Point) error {
	if u.points = append(u.points, p); len(u.points) < atOnce {
		return nil
	}
	return u.spill()
}

// sorted returns what is in memory, in order and each once.
func (u *unique) sorted() []series.Point {
	slices.SortFunc(u.points, comparePoints)
	return slices.CompactFunc(u.points, func(a, b series.Point) bool { return comparePoints(a, b) == 0 })
}

func (u *unique) spill() error {
	file, err := os.CreateTemp("", "atelier-import-*")
	if err != nil {
		return err
	}
	u.spills = append(u.spills, file)
	if err := os.Remove(file.Name()); err != nil {
		return err
	}
	w := bufio.NewWriterSize(file, 1<<16)
	var raw [24]byte
	for _, p := range u.sorted() {
		binary.LittleEndian.PutUint64(raw[:], uint64(p.Timestamp))
		binary.LittleEndian.PutUint64(raw[8:], uint64(p.Step))
		binary.LittleEndian.PutUint64(raw[16:], math.Float64bits(float64(p.Value)))
		if _, err := w.Write(raw[:]); err != nil {
			return err
		}
	}
	u.points = u.points[:0]
	if err := w.Flush(); err != nil {
		return err
	}
	_, err = file.Seek(0, io.SeekStart)
	return err
}

func (u *unique) close() {
	for _, file := range u.spills {
		file.Close()
	}
}

// each calls found with every point once, in order of time.
func (u *unique) each(found func(series.Point) error) error {
	if len(u.spills) == 0 {
		for _, p := range u.sorted() {
			if err := found(p); err != nil {
				return err
			}
		}
		return nil
	}
	if err := u.spill(); err != nil {
		return err
	}
	u.points = nil
	heads := &spilled{}
	for _, file := range u.spills {
		if err := heads.advance(&spill{r: bufio.NewReaderSize(file, 1<<16)}); err != nil {
			return err
		}
	}
	var last *series.Point
	for heads.Len() > 0 {
		next := heap.Pop(heads).(*spill)
		p := next.head
		if last == nil || comparePoints(*last, p) != 0 {
			if err := found(p); err != nil {
				return err
			}
			last = &p
		}
		if err := heads.advance(next); err != nil {
			return err
		}
	}
	return nil
}

// spill is a file with the next of its points.
type spill struct {
	r    *bufio.Reader
	head series.Point
}

// spilled is a heap of files that have a next point, the least first.
type spilled []*spill

func (s spilled) Len() int           { return len(s) }
func (s spilled) Less(i, j int) bool { return comparePoints(s[i].head, s[j].head) < 0 }
func (s spilled) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *spilled) Push(x any)        { *s = append(*s, x.(*spill)) }

// Pop is for container/heap.
func (s *spilled) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}

// advance reads the next point of a file, and puts the file back unless it has
// none.
func (s *spilled) advance(file *spill) error {
	var raw [24]byte
	if _, err := io.ReadFull(file.r, raw[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
	file.head = series.Point{Timestamp: series.Timestamp(binary.LittleEndian.Uint64(raw[:])), Step: int64(binary.LittleEndian.Uint64(raw[8:])),
		Value: series.Value(math.Float64frombits(binary.LittleEndian.Uint64(raw[16:])))}
	heap.Push(s, file)
	return nil
}
