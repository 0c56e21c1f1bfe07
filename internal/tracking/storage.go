package tracking

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sweep"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// StorageUse is how much room something takes, deleted runs included. Equal
// content is stored once: UniqueBytes and SharedBytes count it so, Bytes does not.
type StorageUse struct {
	Runs        int   `json:"runs"`
	Files       int64 `json:"files" doc:"Artifacts of the runs and of their logged models."`
	Bytes       int64 `json:"bytes" doc:"The sum of the files' sizes."`
	UniqueBytes int64 `json:"unique_bytes" doc:"What is stored for these files alone, and can be freed when they are removed for good."`
	SharedBytes int64 `json:"shared_bytes" doc:"What other runs, registered versions, deployments or assets need, too."`
	MetricBytes int64 `json:"metric_bytes" doc:"The points of all metrics, compressed."`
}

// move counts bytes as unique that were counted as shared.
func (u *StorageUse) move(bytes int64) {
	u.UniqueBytes += bytes
	u.SharedBytes -= bytes
}

// ExperimentStorage is the room that an experiment takes.
type ExperimentStorage struct {
	ID             string `json:"id"`
	Name           string `json:"name"`
	LifecycleStage string `json:"lifecycle_stage" enum:"active,deleted"`
	StorageUse
}

// RunStorage is the room that a run takes.
type RunStorage struct {
	ID             string `json:"id"`
	Name           string `json:"name"`
	ExperimentID   string `json:"experiment_id"`
	LifecycleStage string `json:"lifecycle_stage" enum:"active,deleted"`
	StorageUse
}

// Storage is the room that a workspace, or one experiment of it, takes.
type Storage struct {
	StorageUse
	MadeAt      time.Time           `json:"made_at" doc:"When it was summed up. What takes long to sum up is remembered, and made anew in the background."`
	Experiments []ExperimentStorage `json:"experiments" doc:"The largest first."`
	LargestRuns []RunStorage        `json:"largest_runs"`
}

// maxLargest bounds the list of the largest runs.
const maxLargest = 100

// HeldBy adds what refers to objects beside runs, before the service is used: an
// object that one of these needs does not become free with the runs that have it.
func (s *Service) HeldBy(references ...sweep.References) {
	s.holders = append(s.holders, references...)
}

// needed calls found with every object that something else than runs refers to.
func (s *Service) needed(ctx context.Context, ws string, found func(blob.Hash)) error {
	return sweep.Needed(ctx, s.db, s.blobs, ws, append(slices.Clone(s.holders), datasetReferences), found)
}

// StorageOf returns the room that a workspace takes, or with an id the
// experiment, and the largest runs, as many as are asked for. It is exact, unless
// that took long the last time: then it is what was found then.
func (s *Service) StorageOf(ctx context.Context, ws, experiment string, largest int) (Storage, error) {
	if largest < 0 || largest > maxLargest {
		return Storage{}, atelier.Errorf(atelier.Invalid, "Invalid value %d for parameter 'largest' supplied: it must be from 0 to %d.", largest, maxLargest).At("largest")
	}
	out, err := s.storageOf(ctx, summarised{ws, experiment})
	out.LargestRuns = out.LargestRuns[:min(largest, len(out.LargestRuns))]
	return out, err
}

// sumUp looks at every file and chunk.
func (s *Service) sumUp(ctx context.Context, ws, experiment string) (Storage, error) {
	out := Storage{Experiments: []ExperimentStorage{}, LargestRuns: []RunStorage{}}
	held := map[blob.Hash]bool{}
	if err := s.needed(ctx, ws, func(h blob.Hash) { held[h] = true }); err != nil {
		return out, err
	}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, err := experimentStorage(ctx, tx, ws, experiment, held)
		if err != nil {
			return err
		}
		if out.Experiments = append(out.Experiments, all...); experiment == "" {
			out.StorageUse, err = workspaceStorage(ctx, tx, ws, all, held)
		} else if len(all) == 1 {
			out.StorageUse = all[0].StorageUse
		}
		if err != nil {
			return err
		}
		out.MadeAt = tx.Now()
		runs, err := largestRuns(ctx, tx, ws, experiment, maxLargest)
		for _, id := range runs {
			use, err := runStorage(ctx, tx, ws, id, held)
			if isNotFound(err) {
				continue // logged models whose run is gone
			}
			if err != nil {
				return err
			}
			out.LargestRuns = append(out.LargestRuns, use)
		}
		return err
	})
	return out, err
}

// RunStorage returns the room that a run takes.
func (s *Service) RunStorage(ctx context.Context, ws, id string) (out RunStorage, err error) {
	held := map[blob.Hash]bool{}
	if err := s.needed(ctx, ws, func(h blob.Hash) { held[h] = true }); err != nil {
		return out, err
	}
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		out, err = runStorage(ctx, tx, ws, id, held)
		return err
	})
	return out, err
}

// experimentStorage returns the room that each experiment takes, or the one with
// an id.
func experimentStorage(ctx context.Context, tx *sqldb.Tx, ws, experiment string, held map[blob.Hash]bool) ([]ExperimentStorage, error) {
	all, err := selectExperimentStorage(ctx, tx, ws, experiment)
	if err != nil {
		return nil, err
	}
	metrics, err := series.BytesByExperiment(ctx, tx, ws, experiment)
	if err != nil {
		return nil, err
	}
	at := map[string]*ExperimentStorage{}
	for i := range all {
		all[i].MetricBytes = metrics[all[i].ID]
		at[all[i].ID] = &all[i]
	}
	err = selectSoleOwners(ctx, tx, ws, textsOf(held), func(experiment string, size int64) {
		if e := at[experiment]; e != nil {
			e.move(-size)
		}
	})
	slices.SortFunc(all, func(a, b ExperimentStorage) int {
		return cmp.Or(cmp.Compare(b.Bytes+b.MetricBytes, a.Bytes+a.MetricBytes), cmp.Compare(a.Name, b.Name))
	})
	return all, err
}

// workspaceStorage sums up: what several experiments share is counted once.
func workspaceStorage(ctx context.Context, tx *sqldb.Tx, ws string, all []ExperimentStorage, held map[blob.Hash]bool) (StorageUse, error) {
	var use StorageUse
	for _, e := range all {
		use.Runs += e.Runs
		use.Files += e.Files
		use.Bytes += e.Bytes
		use.MetricBytes += e.MetricBytes
	}
	var err error
	if use.UniqueBytes, err = selectStoredBytes(ctx, tx, ws); err != nil {
		return use, err
	}
	use.SharedBytes, err = selectSizes(ctx, tx, ws, textsOf(held))
	use.UniqueBytes -= use.SharedBytes
	return use, err
}

func textsOf(hashes map[blob.Hash]bool) []string {
	texts := make([]string, 0, len(hashes))
	for h := range hashes {
		texts = append(texts, string(h))
	}
	return texts
}

// largestRuns returns the runs whose files and points take most room.
func largestRuns(ctx context.Context, tx *sqldb.Tx, ws, experiment string, n int) ([]string, error) {
	bytes, err := selectRunBytes(ctx, tx, ws, experiment)
	if err != nil {
		return nil, err
	}
	if err := series.BytesByRun(ctx, tx, ws, experiment, func(run string, n int64) { bytes[run] += n }); err != nil {
		return nil, err
	}
	ids := slices.SortedFunc(maps.Keys(bytes), func(a, b string) int { return cmp.Or(cmp.Compare(bytes[b], bytes[a]), cmp.Compare(a, b)) })
	return ids[:min(n, len(ids))], nil
}

func runStorage(ctx context.Context, tx *sqldb.Tx, ws, id string, held map[blob.Hash]bool) (RunStorage, error) {
	run, err := selectRun(ctx, tx, ws, id)
	if err != nil {
		return RunStorage{}, err
	}
	out := RunStorage{ID: id, Name: run.Name, ExperimentID: run.ExperimentID, LifecycleStage: run.LifecycleStage, StorageUse: StorageUse{Runs: 1}}
	models, err := selectRunModels(ctx, tx, ws, id)
	if err != nil {
		return out, err
	}
	ids := make([]string, len(models))
	for i, model := range models {
		ids[i] = model.ID
	}
	var files tally
	if out.MetricBytes, files, err = weighRun(ctx, tx, ws, id, ids); err != nil {
		return out, err
	}
	others, err := files.others(ctx, tx, ws, true)
	if err != nil {
		return out, err
	}
	for hash, object := range files {
		out.Files += object.files
		out.Bytes += object.files * object.size
		if others[hash] || held[hash] {
			out.SharedBytes += object.size
		} else {
			out.UniqueBytes += object.size
		}
	}
	return out, nil
}

// tally counts files by their content.
type tally map[blob.Hash]counted

type counted struct{ size, files int64 }

func (t tally) add(other tally) {
	for hash, object := range other {
		t[hash] = counted{object.size, t[hash].files + object.files}
	}
}

// others returns which of the contents other artifacts have, too. With there,
// the files of the tally are still among the artifacts themselves.
func (t tally) others(ctx context.Context, tx *sqldb.Tx, ws string, there bool) (map[blob.Hash]bool, error) {
	shared := map[blob.Hash]bool{}
	own := func(hash blob.Hash) int64 {
		if !there {
			return 0
		}
		return t[hash].files
	}
	err := countArtifacts(ctx, tx, ws, slices.Collect(maps.Keys(t)), own, func(hash blob.Hash, n int64) { shared[hash] = n > own(hash) })
	return shared, err
}

// weighRun returns how much a run's points take, and its files with those of the
// logged models.
func weighRun(ctx context.Context, tx *sqldb.Tx, ws, run string, models []string) (metrics int64, files tally, err error) {
	files = tally{}
	if err := loadTally(ctx, tx, ws, Owner{RunArtifact, run}, files); err != nil {
		return 0, nil, err
	}
	for _, id := range models {
		if err := loadTally(ctx, tx, ws, Owner{LoggedModelArtifact, id}, files); err != nil {
			return 0, nil, err
		}
	}
	metrics, err = series.Bytes(ctx, tx, ws, run)
	return metrics, files, err
}

// weigh finds out how much of what a purge removed nothing else refers to.
func (p *purging) weigh(ctx context.Context) error {
	unused := map[blob.Hash]int64{}
	err := p.db.Read(ctx, func(tx *sqldb.Tx) error {
		others, err := p.freed.others(ctx, tx, p.ws, p.policy.DryRun)
		for hash, object := range p.freed {
			if !others[hash] {
				unused[hash] = object.size
			}
		}
		return err
	})
	if err != nil || len(unused) == 0 {
		return err
	}
	if err := p.needed(ctx, p.ws, func(h blob.Hash) { delete(unused, h) }); err != nil {
		return err
	}
	for _, size := range unused {
		p.done.Objects++
		p.done.Bytes += size
	}
	return nil
}
