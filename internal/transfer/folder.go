package transfer

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// folder is MLflow's file store: one folder for each experiment, in it one for
// each run, in that one file for each param, tag and metric. All names are read
// below one os.Root, so that none, and no link, leads out of it.
type folder struct {
	faults
	root        *os.Root
	places      places
	experiments map[string]string // folders by id
	models      map[string][]loggedModelFile
}

// reserved are the folders of an experiment that are no runs.
var reserved = []string{"tags", "datasets", "traces", "models"}

const trash = ".trash"

// openFolder opens the folder at dir, or the mlruns folder in it.
func openFolder(dir string, artifacts *os.Root) (Source, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	if inner, err := root.OpenRoot("mlruns"); err == nil {
		root.Close()
		root = inner
	}
	f := &folder{root: root, experiments: map[string]string{}, models: map[string][]loggedModelFile{}}
	f.places = places{given: artifacts, faults: &f.faults}
	if err := f.findExperiments(); err != nil {
		root.Close()
		return nil, err
	}
	if len(f.experiments) == 0 {
		root.Close()
		return nil, atelier.Errorf(atelier.Invalid, "%s is not a folder of MLflow's file store: no folder in it has a meta.yaml.", dir).
			WithHint("Give the folder called mlruns, a database or the address of a server.")
	}
	return f, nil
}

func (f *folder) Close() error {
	if f.places.given != nil {
		f.places.given.Close()
	}
	return f.root.Close()
}

func (f *folder) findExperiments() error {
	for _, parent := range []string{".", trash} {
		entries, err := f.entries(parent)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			dir := path.Join(parent, entry)
			if entry == trash || parent == "." && entry == "models" {
				continue
			}
			if _, err := f.root.Stat(path.Join(dir, "meta.yaml")); err == nil {
				f.experiments[entry] = dir
			} else if runs, _ := fs.Glob(f.root.FS(), path.Join(dir, "*", "meta.yaml")); len(runs) > 0 {
				f.add("%s: the experiment is left out, with its %d runs: it has no meta.yaml", dir, len(runs))
			}
		}
	}
	return nil
}

// entries returns the names of the folders in dir, in order; none when dir is
// not there.
func (f *folder) entries(dir string) ([]string, error) {
	list, err := fs.ReadDir(f.root.FS(), dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, entry := range list {
		if entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names, err
}

type experimentFile struct {
	Name    scalar `yaml:"name"`
	Stage   scalar `yaml:"lifecycle_stage"`
	Created scalar `yaml:"creation_time"`
	Updated scalar `yaml:"last_update_time"`
}

func (f *folder) Experiments(context.Context) ([]Experiment, error) {
	var all []Experiment
	for _, id := range slices.Sorted(maps.Keys(f.experiments)) {
		dir := f.experiments[id]
		var file experimentFile
		if err := f.readYAML(path.Join(dir, "meta.yaml"), &file); err != nil {
			f.add("%v", err)
			continue
		}
		tags, err := f.values(path.Join(dir, "tags"))
		if err != nil {
			return nil, err
		}
		all = append(all, Experiment{ID: id, Name: string(file.Name), Deleted: file.Stage == tracking.Deleted || path.Dir(dir) == trash, Tags: tags,
			CreatedAt: file.Created.timeOrNil(), UpdatedAt: file.Updated.timeOrNil()})
	}
	return all, nil
}

func (f *folder) Runs(_ context.Context, experiment Experiment) ([]string, error) {
	dir := f.experiments[experiment.ID]
	names, err := f.entries(dir)
	return slices.DeleteFunc(names, func(name string) bool {
		if slices.Contains(reserved, name) {
			return true
		}
		_, missing := f.root.Stat(path.Join(dir, name, "meta.yaml"))
		if missing != nil {
			f.add("%s: the run is left out: it has no meta.yaml", path.Join(dir, name))
		}
		return missing != nil
	}), err
}

type runFile struct {
	ID          scalar `yaml:"run_id"`
	Name        scalar `yaml:"run_name"`
	OldName     scalar `yaml:"name"`
	User        scalar `yaml:"user_id"`
	Status      scalar `yaml:"status"`
	Stage       scalar `yaml:"lifecycle_stage"`
	Start       scalar `yaml:"start_time"`
	End         scalar `yaml:"end_time"`
	ArtifactURI scalar `yaml:"artifact_uri"`
}

func (f *folder) Run(_ context.Context, experiment Experiment, id string) (Run, error) {
	dir := path.Join(f.experiments[experiment.ID], id)
	run := Run{ImportRun: tracking.ImportRun{ID: id, Status: tracking.Running}, ModelURIs: map[string]string{}}
	var file runFile
	if err := f.readYAML(path.Join(dir, "meta.yaml"), &file); err != nil {
		f.add("%v", err)
	}
	run.Name, run.User = string(cmp.Or(file.Name, file.OldName)), string(file.User)
	run.StartedAt, run.EndedAt = file.Start.time(), file.End.timeOrNil()
	run.Status = numbered(string(file.Status), tracking.RunStatuses(), tracking.Running)
	run.Deleted, run.ArtifactURI = file.Stage == tracking.Deleted, string(file.ArtifactURI)
	var err error
	if run.Params, err = f.values(path.Join(dir, "params")); err != nil {
		return run, err
	}
	if run.Tags, err = f.values(path.Join(dir, "tags")); err != nil {
		return run, err
	}
	if err := f.links(experiment, dir, &run); err != nil {
		return run, err
	}
	return run, f.loggedModels(experiment, &run)
}

// numbered returns the member of names that text means: its name, or its number
// counted from 1.
func numbered[T ~string](text string, names []T, fallback T) T {
	if slices.Contains(names, T(text)) {
		return T(text)
	}
	if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(names) {
		return names[n-1]
	}
	return fallback
}

// values reads a folder with one file for each key, whose name may be a path.
func (f *folder) values(dir string) (map[string]string, error) {
	values := map[string]string{}
	err := f.walk(dir, func(key string) error {
		text, err := f.read(path.Join(dir, key), maxValue)
		if err != nil {
			f.add("%v", err)
			return nil
		}
		values[key] = string(text)
		return nil
	})
	return values, err
}

// walk calls each for every file below dir, by its path relative to dir. A dir
// that is not there has none.
func (f *folder) walk(dir string, each func(name string) error) error {
	return fs.WalkDir(f.root.FS(), dir, func(name string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || entry.IsDir() {
			return err
		}
		if !entry.Type().IsRegular() {
			f.add("%s: it is left out: it is a link or no file", name)
			return nil
		}
		return each(strings.TrimPrefix(name, dir+"/"))
	})
}

func (f *folder) Points(_ context.Context, run Run, each func(tracking.Metric) error) error {
	dir := f.runFolder(run)
	err := f.walk(path.Join(dir, "metrics"), func(key string) error {
		return f.metricFile(path.Join(dir, "metrics", key), key, "", "", each)
	})
	if err != nil {
		return err
	}
	for _, model := range f.measured(run) {
		dir := path.Join(model.dir, "metrics")
		err := f.walk(dir, func(key string) error {
			return f.metricFile(path.Join(dir, key), key, model.id, run.ID, each)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// exact is a point as a map's key, in which NaN equals itself.
type exact struct {
	step, timestamp int64
	value           string
}

func exactly(m tracking.Metric) exact {
	return exact{m.Step, int64(m.Point.Timestamp), m.Value.String()}
}

// metricFile reads the points of one metric: lines of time, value, step, and for
// a logged model the run, then perhaps a dataset's name and digest. With model,
// only the points of the run are given.
func (f *folder) metricFile(name, key, model, run string, each func(tracking.Metric) error) error {
	file, err := f.root.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	points := &unique{} // the file store keeps what was logged twice; nobody else does
	defer points.close()
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 64<<10), 1<<20)
	for number := 1; lines.Scan(); number++ {
		parts := strings.Fields(lines.Text())
		if len(parts) == 0 {
			continue
		}
		metric, err := parsePoint(parts)
		if err != nil {
			f.add("%s: line %d is not a point: %v", name, number, err)
			continue
		}
		if model == "" {
			err = points.add(metric.Point)
		} else if len(parts) > 3 && parts[3] == run {
			metric.Key, metric.ModelID = key, model
			if len(parts) == 6 {
				metric.DatasetName, metric.DatasetDigest = parts[4], parts[5]
			}
			err = each(metric)
		}
		if err != nil {
			return err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		f.add("%s: a line is longer than a point can be, so the rest of the file is left out", name)
	} else if lines.Err() != nil {
		return lines.Err()
	}
	return points.each(func(p series.Point) error { return each(tracking.Metric{Sample: series.Sample{Key: key, Point: p}}) })
}

func parsePoint(parts []string) (tracking.Metric, error) {
	var metric tracking.Metric
	if len(parts) < 2 {
		return metric, errors.New("it has no value")
	}
	timestamp, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil {
		return metric, err
	}
	value, err := strconv.ParseFloat(parts[1], 64)
	if err != nil {
		return metric, err
	}
	if len(parts) > 2 {
		if metric.Step, err = strconv.ParseInt(parts[2], 10, 64); err != nil {
			return metric, err
		}
	}
	metric.Point.Timestamp, metric.Point.Value = series.Timestamp(timestamp), series.Value(value+0) // not a negative zero
	return metric, nil
}

func (f *folder) runFolder(run Run) string { return path.Join(f.experiments[run.Experiment], run.ID) }

func (f *folder) Files(_ context.Context, owner Owner) ([]File, error) {
	return f.places.files(owner, f.root, f.experiments[owner.Experiment])
}

func (f *folder) Open(_ context.Context, owner Owner, name string) (io.ReadCloser, error) {
	return f.places.open(owner, name, f.root, f.experiments[owner.Experiment])
}

func (f *folder) Traces(_ context.Context, experiment Experiment) (int, error) {
	names, err := f.entries(path.Join(f.experiments[experiment.ID], "traces"))
	return len(names), err
}
