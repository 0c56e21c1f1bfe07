package series

import "slices"

// perBucket is how many points of a bucket are kept at most.
const perBucket = 4

// Downsample returns at most limit of points, in order of step, such that a
// chart of them shows the same extremes: the steps are cut into equal buckets,
// and each bucket gives its first, smallest, greatest and last point. The second
// value is false when nothing had to be left out.
func Downsample(points []Point, limit int) ([]Point, bool) {
	points = slices.Clone(points)
	slices.SortStableFunc(points, byStep)
	if limit <= 0 || len(points) <= limit {
		return points, false
	}
	if limit < perBucket {
		return []Point{points[len(points)-1]}, true
	}
	buckets := limit / perBucket
	kept := make([]Point, 0, limit)
	for bucket := range buckets {
		from, to := bucket*len(points)/buckets, (bucket+1)*len(points)/buckets
		kept = append(kept, corners(points[from:to])...)
	}
	return kept, true
}

// corners returns the first, smallest, greatest and last of points without
// repetition, in order. A NaN is neither small nor great.
func corners(points []Point) []Point {
	low, high := -1, -1
	for i, point := range points {
		if point.Value.IsNaN() {
			continue
		}
		if low < 0 || point.Value < points[low].Value {
			low = i
		}
		if high < 0 || point.Value > points[high].Value {
			high = i
		}
	}
	chosen := []int{0, len(points) - 1}
	if low >= 0 {
		chosen = append(chosen, low, high)
	}
	slices.Sort(chosen)
	var kept []Point
	for _, at := range slices.Compact(chosen) {
		kept = append(kept, points[at])
	}
	return kept
}
