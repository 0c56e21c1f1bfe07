package data

import (
	"context"
	"math"
	"strconv"

	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/data/profile"
)

// Difference is what lies between two versions of an asset.
type Difference struct {
	From  Version          `json:"from"`
	To    Version          `json:"to"`
	Files *FilesDifference `json:"files,omitempty" doc:"Absent where a version is a reference: what it was is not kept."`
	// Status is Ready once both profiles are; what follows is known then.
	Status  ProfileStatus      `json:"status" enum:"Queued,Ready,Failed"`
	Error   string             `json:"error,omitempty"`
	Rows    *[2]int64          `json:"rows,omitempty" doc:"Before and after."`
	Columns []ColumnDifference `json:"columns,omitempty"`
}

// FilesDifference lists what happened to files, the first thousand of each kind.
type FilesDifference struct {
	Added     []string `json:"added"`
	Removed   []string `json:"removed"`
	Changed   []string `json:"changed"`
	Unchanged int      `json:"unchanged"`
}

// ColumnDifference is what happened to one column.
type ColumnDifference struct {
	Name   string          `json:"name"`
	Change string          `json:"change" enum:"same,values,type,added,removed"`
	From   *profile.Column `json:"from,omitempty"`
	To     *profile.Column `json:"to,omitempty"`
	// Distance is from 0, the same distribution, to 1: of numbers the greatest
	// difference of the shares below any value (Kolmogorov and Smirnov's), of
	// words the half sum of the differences of their shares.
	Distance *float64 `json:"distance,omitempty"`
}

// Compare returns the difference between two versions.
func (s *Service) Compare(ctx context.Context, ws, name, from, to string) (d Difference, err error) {
	if d.From, err = s.Version(ctx, ws, name, from); err != nil {
		return d, err
	}
	if d.To, err = s.Version(ctx, ws, name, to); err != nil {
		return d, err
	}
	if d.From.Tree != "" && d.To.Tree != "" {
		before, err := blob.GetTree(ctx, s.blobs, ws, d.From.Tree)
		if err != nil {
			return d, err
		}
		after, err := blob.GetTree(ctx, s.blobs, ws, d.To.Tree)
		if err != nil {
			return d, err
		}
		d.Files = compareFiles(before.Files, after.Files)
	}
	before, err := s.Profile(ctx, ws, name, d.From.Version)
	if err != nil {
		return d, err
	}
	after, err := s.Profile(ctx, ws, name, d.To.Version)
	if err != nil {
		return d, err
	}
	switch {
	case before.Status == ProfileFailed:
		d.Status, d.Error = ProfileFailed, before.Error
	case after.Status == ProfileFailed:
		d.Status, d.Error = ProfileFailed, after.Error
	case before.Status != ProfileReady || after.Status != ProfileReady:
		d.Status = ProfileQueued
	default:
		d.Status, d.Rows = ProfileReady, &[2]int64{before.Profile.Rows, after.Profile.Rows}
		d.Columns = compareColumns(*before.Profile, *after.Profile)
	}
	return d, nil
}

const mostNames = 1000

func compareFiles(before, after []blob.File) *FilesDifference {
	d := &FilesDifference{Added: []string{}, Removed: []string{}, Changed: []string{}}
	add := func(list *[]string, name string) {
		if len(*list) < mostNames {
			*list = append(*list, name)
		}
	}
	old := map[string]blob.Hash{}
	for _, file := range before {
		old[file.Path] = file.Hash
	}
	for _, file := range after {
		hash, known := old[file.Path]
		delete(old, file.Path)
		switch {
		case !known:
			add(&d.Added, file.Path)
		case hash != file.Hash:
			add(&d.Changed, file.Path)
		default:
			d.Unchanged++
		}
	}
	for _, file := range before {
		if _, gone := old[file.Path]; gone {
			add(&d.Removed, file.Path)
		}
	}
	return d
}

// compareColumns goes through the columns of after, then those that are gone.
func compareColumns(before, after profile.Profile) []ColumnDifference {
	old := map[string]*profile.Column{}
	for i := range before.Columns {
		old[before.Columns[i].Name] = &before.Columns[i]
	}
	var all []ColumnDifference
	for i := range after.Columns {
		c := &after.Columns[i]
		d := ColumnDifference{Name: c.Name, From: old[c.Name], To: c, Change: "added"}
		delete(old, c.Name)
		if d.From != nil {
			d.Distance = distance(*d.From, *c, before.Rows, after.Rows)
			d.Change = change(*d.From, *c, d.Distance)
		}
		all = append(all, d)
	}
	for i := range before.Columns {
		if c := &before.Columns[i]; old[c.Name] != nil {
			all = append(all, ColumnDifference{Name: c.Name, From: c, Change: "removed"})
		}
	}
	return all
}

func change(from, to profile.Column, distance *float64) string {
	switch {
	case from.Type != to.Type:
		return "type"
	case from.Missing != to.Missing || from.Distinct != to.Distinct || from.Min != to.Min || from.Max != to.Max || distance != nil && *distance > 0:
		return "values"
	}
	return "same"
}

// distance is how far two distributions are apart, nil where it is not known.
func distance(from, to profile.Column, fromRows, toRows int64) *float64 {
	switch {
	case len(from.Quantiles) > 0 && len(to.Quantiles) > 0:
		return numberDistance(curve(from), curve(to))
	case int(from.Distinct) == len(from.Top) && int(to.Distinct) == len(to.Top) && from.Distinct > 0 && to.Distinct > 0:
		return wordDistance(from, to, fromRows, toRows)
	}
	return nil
}

// curve is a column's distribution: values, and the share that lies below each.
func curve(c profile.Column) []profile.Quantile {
	least, err1 := strconv.ParseFloat(c.Min, 64)
	most, err2 := strconv.ParseFloat(c.Max, 64)
	if err1 != nil || err2 != nil {
		return c.Quantiles
	}
	all := append([]profile.Quantile{{Q: 0, Value: least}}, c.Quantiles...)
	return append(all, profile.Quantile{Q: 1, Value: most})
}

// below is the share of a distribution below value, on straight lines between
// the points that are known.
func below(points []profile.Quantile, value float64) float64 {
	if value < points[0].Value {
		return 0
	}
	share := 1.0
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		if value < b.Value {
			return a.Q + (b.Q-a.Q)*(value-a.Value)/(b.Value-a.Value)
		}
		share = b.Q
	}
	return share
}

func numberDistance(a, b []profile.Quantile) *float64 {
	most := 0.0
	for _, points := range [][]profile.Quantile{a, b} {
		for _, p := range points {
			most = max(most, math.Abs(below(a, p.Value)-below(b, p.Value)))
		}
	}
	return &most
}

func wordDistance(from, to profile.Column, fromRows, toRows int64) *float64 {
	shares := map[string]float64{}
	for _, c := range from.Top {
		shares[c.Value] += float64(c.Count) / float64(max(fromRows-from.Missing, 1))
	}
	for _, c := range to.Top {
		shares[c.Value] -= float64(c.Count) / float64(max(toRows-to.Missing, 1))
	}
	sum := 0.0
	for _, share := range shares {
		sum += math.Abs(share) / 2
	}
	return &sum
}
