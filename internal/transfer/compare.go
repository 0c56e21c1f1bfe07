package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// held is a run as our server holds it.
type held struct {
	tracking.Run
	contents tracking.RunContents
	files    map[string]map[string]tracking.Artifact // by logged model ("" for the run), then path
}

// held asks the server for a run; nil when it is not there.
func (i *Import) held(ctx context.Context, id string) (*held, error) {
	run, err := i.api.GetRun(ctx, id)
	if atelier.CodeOf(err) == atelier.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	h := &held{Run: run, files: map[string]map[string]tracking.Artifact{"": {}}}
	if h.contents, err = i.api.RunContents(ctx, id); err != nil {
		return nil, err
	}
	for _, file := range h.contents.Files {
		h.files[""][file.Path] = file
	}
	for _, model := range h.contents.Models {
		h.files[model.ID] = map[string]tracking.Artifact{}
		for _, file := range model.Files {
			h.files[model.ID][file.Path] = file
		}
	}
	return h, nil
}

func (h *held) file(model, path string) tracking.Artifact {
	if h == nil {
		return tracking.Artifact{}
	}
	return h.files[model][path]
}

// count adds what h holds.
func (h *held) count(c *Counts) {
	c.Runs++
	c.Params += len(h.Params)
	c.Tags += len(h.Tags)
	c.Datasets += h.contents.Datasets
	for n := range maps.Values(h.contents.Points) {
		c.Points += int64(n)
	}
	for _, files := range h.files {
		for _, file := range files {
			c.Files++
			c.Bytes += file.Size
		}
	}
}

// compare returns every difference between a run and its copy, in words. refused
// says why, where the server said so.
func (i *Import) compare(ctx context.Context, o *original, h held, refused map[string]string) ([]string, error) {
	var found []string
	differ := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	if why := refused[""]; why != "" {
		differ("it could not be brought up to date (%s)", why)
	}
	if h.ExperimentID != o.ExperimentID {
		differ("it is in another experiment here, %q", h.ExperimentName)
	}
	stage := tracking.Active
	if o.Deleted {
		stage = tracking.Deleted
	}
	for _, fact := range [][3]string{{"name", o.Name, h.Name}, {"status", string(o.Status), string(h.Status)}, {"lifecycle stage", stage, h.LifecycleStage},
		{"start", instant(&o.StartedAt), instant(&h.StartedAt)}, {"end", instant(o.EndedAt), instant(h.EndedAt)}} {
		if fact[1] != fact[2] {
			differ("its %s is %q at the source and %q here", fact[0], atelier.Clip(fact[1], 60), atelier.Clip(fact[2], 60))
		}
	}
	found = append(found, diffText("param", o.Params, h.Params)...)
	found = append(found, diffText("tag", o.Tags, h.Tags)...)
	found = append(found, diffPoints(o, h, refused)...)
	if n := len(o.Inputs); n != h.contents.Datasets {
		differ("it has %d datasets at the source and %d here%s", n, h.contents.Datasets, because(refused["datasets"]))
	}
	files, err := i.diffFiles(ctx, o, h, refused)
	return append(found, files...), err
}

func instant(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return " (" + why + ")"
}

// diffText compares params or tags.
func diffText(kind string, source, here map[string]string) []string {
	var found []string
	for _, key := range slices.Sorted(maps.Keys(source)) {
		switch value, ok := here[key]; {
		case !ok:
			found = append(found, fmt.Sprintf("the %s %q is not here", kind, atelier.Clip(key, 80)))
		case value != source[key]:
			found = append(found, fmt.Sprintf("the %s %q is %q at the source and %q here", kind, atelier.Clip(key, 80), atelier.Clip(source[key], 60), atelier.Clip(value, 60)))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(here)) {
		if !hasKey(source, key) {
			found = append(found, fmt.Sprintf("the %s %q is here only", kind, atelier.Clip(key, 80)))
		}
	}
	return found
}

func diffPoints(o *original, h held, refused map[string]string) []string {
	var found []string
	for _, key := range slices.Sorted(maps.Keys(o.points)) {
		switch {
		case o.points[key] != h.contents.Points[key]:
			found = append(found, fmt.Sprintf("the metric %q has %d points at the source and %d here%s", atelier.Clip(key, 80), o.points[key], h.contents.Points[key], because(refused["metric "+key])))
		case !samePoint(o.latest[key], h.Metrics[key]):
			found = append(found, fmt.Sprintf("the latest value of the metric %q is %s at the source and %s here", atelier.Clip(key, 80), o.latest[key].Value, h.Metrics[key].Value))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(h.contents.Points)) {
		if !hasKey(o.points, key) {
			found = append(found, fmt.Sprintf("the metric %q is here only", atelier.Clip(key, 80)))
		}
	}
	return found
}

// samePoint compares two latest points. Of several points at the same step and
// time the sides may show another one when a value is not a number.
func samePoint(a, b series.Point) bool {
	same := a.Value == b.Value || a.Value.IsNaN() || b.Value.IsNaN() || math.IsInf(float64(a.Value), 0)
	return a.Step == b.Step && a.Timestamp == b.Timestamp && same
}

func (i *Import) diffFiles(ctx context.Context, o *original, h held, refused map[string]string) ([]string, error) {
	var found []string
	for _, owner := range o.owners() {
		seen := map[string]bool{}
		for _, file := range o.files[owner.Model] {
			seen[file.Path] = true
			known := h.file(owner.Model, file.Path)
			same, err := i.sameFile(ctx, owner, file, known)
			if err != nil {
				return nil, err
			}
			if why := refused[owner.Model+"/"+file.Path]; !same && known.Path == "" {
				found = append(found, fmt.Sprintf("the artifact %q is not here%s", file.Path, because(why)))
			} else if !same {
				found = append(found, fmt.Sprintf("the artifact %q has other content here%s", file.Path, because(why)))
			}
		}
		for _, path := range slices.Sorted(maps.Keys(h.files[owner.Model])) {
			if !seen[path] {
				found = append(found, fmt.Sprintf("the artifact %q is here only", path))
			}
		}
	}
	return found, nil
}

// sameFile compares a file with what is here: by size, and by content when that
// needs no download.
func (i *Import) sameFile(ctx context.Context, owner Owner, file File, known tracking.Artifact) (bool, error) {
	if known.Path == "" || known.Size != file.Size {
		return false, nil
	}
	if file.Far {
		return true, nil
	}
	content, err := i.source.Open(ctx, owner, file.Path)
	if err != nil {
		return false, err
	}
	defer content.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, content); err != nil {
		return false, err
	}
	return known.Hash == blob.Hash(hex.EncodeToString(hash.Sum(nil))), nil
}
