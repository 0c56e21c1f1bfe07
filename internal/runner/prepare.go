package runner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/environment"
)

// place is where a task's command runs: its folders and its environment.
type place struct {
	code    string            // the working folder, with the snapshot in it
	inputs  map[string]string // the path, or the literal, of every input
	outputs map[string]string // the path of every output
	model   string            // the model's folder, of what scores with one
	ready   *environment.Ready
	relay   *relay
}

// failure is an error that says which part of the preparation it broke.
type failure struct {
	code string
	err  error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func failureOf(err error) *compute.Failure {
	if f := (*failure)(nil); errors.As(err, &f) {
		return &compute.Failure{Code: f.code, Message: f.err.Error()}
	}
	return &compute.Failure{Code: compute.PreparationError, Message: err.Error()}
}

// prepare makes the place: everything at the same time, for nothing of it
// depends on another part.
func (r *runner) prepare(ctx context.Context) (*place, error) {
	p := &place{code: r.workPath("code"), inputs: map[string]string{}, outputs: map[string]string{}}
	if !r.resumes {
		// An earlier runner may have left half of it.
		if err := os.RemoveAll(r.workPath()); err != nil {
			return nil, err
		}
	}
	for _, dir := range []string{p.code, r.workPath("inputs"), r.workPath("outputs"), r.workPath(journalsFolder)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	if err := r.makeOutputs(p); err != nil {
		return nil, err
	}
	if err := r.fetchSecrets(ctx); err != nil { // before anything that says a word
		return nil, err
	}
	steps := []step{
		func(ctx context.Context) error { return r.fetchCode(ctx, p) },
		func(ctx context.Context) error { return r.fetchModel(ctx, p) },
		func(ctx context.Context) error { return r.makeEnvironment(ctx, p) },
		func(context.Context) error { return r.openRelay(p) },
	}
	paths := make(map[string]*string, len(r.task.Inputs))
	for _, name := range slices.Sorted(maps.Keys(r.task.Inputs)) {
		path := new(string)
		paths[name] = path
		steps = append(steps, func(ctx context.Context) (err error) {
			*path, err = r.fetchInput(ctx, name, r.task.Inputs[name])
			return err
		})
	}
	if err := inParallel(ctx, steps...); err != nil {
		return nil, err
	}
	for name, path := range paths {
		p.inputs[name] = *path
	}
	return p, nil
}

// openRelay opens the way to the server for the task's own processes. A scoring
// worker has none: it needs nothing from the server.
func (r *runner) openRelay(p *place) (err error) {
	if r.task.Kind == compute.Service {
		return nil
	}
	p.relay, err = startRelay(r.server, r.queue, r.dir)
	return err
}

// workPath is a path under the folder that users see.
func (r *runner) workPath(elements ...string) string {
	return filepath.Join(append([]string{r.plainDir, "work"}, elements...)...)
}

// plainPath returns dir, or a link to it where its name holds what a shell
// would take apart: the paths of inputs and outputs stand in commands unquoted.
// The link's own folder is to be removed in the end; it is empty without one.
func plainPath(dir string) (plain, remove string, err error) {
	if safePath(dir) == dir {
		return dir, "", nil
	}
	if remove, err = os.MkdirTemp("", "atelier-task-"); err != nil {
		return "", "", err
	}
	plain = filepath.Join(remove, "task")
	return plain, remove, os.Symlink(dir, plain)
}

func safePath(dir string) string {
	elements := strings.Split(filepath.ToSlash(dir), "/")
	for i := range elements {
		elements[i] = safeName(elements[i])
	}
	return filepath.FromSlash(strings.Join(elements, "/"))
}

func (r *runner) fetchCode(ctx context.Context, p *place) error {
	if r.task.CodeTree != "" && !r.resumes {
		if err := r.fetchTree(ctx, r.task.CodeTree, "", p.code, false); err != nil {
			return fmt.Errorf("fetch the code: %w", err)
		}
	}
	if r.task.Kind != compute.Command {
		return nil
	}
	for _, name := range []string{outputsFolder, logsFolder} {
		if err := os.MkdirAll(filepath.Join(p.code, name), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// fetchInput returns what stands for the input in the command: the literal, the
// folder, or the file in it.
func (r *runner) fetchInput(ctx context.Context, name string, input compute.Input) (string, error) {
	if input.Value != nil {
		return *input.Value, nil
	}
	dir := r.workPath("inputs", name)
	if !r.resumes {
		if err := r.fetchData(ctx, input, dir); err != nil {
			return "", fmt.Errorf("fetch the input %s: %w", name, err)
		}
	}
	if !strings.HasSuffix(input.Type, "_file") {
		return dir, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	if len(entries) != 1 || entries[0].IsDir() {
		return "", atelier.Errorf(atelier.Invalid, "The input %s should be one file, but it is a folder.", name).
			WithHint("Give it the type uri_folder.")
	}
	// The path stands in the command unquoted.
	plain := filepath.Join(dir, safeName(entries[0].Name()))
	return plain, os.Rename(filepath.Join(dir, entries[0].Name()), plain)
}

// fetchData writes the files of an input into dir.
func (r *runner) fetchData(ctx context.Context, input compute.Input, dir string) error {
	readOnly := input.Mode != "download" && input.Mode != "eval_download"
	for _, part := range input.Parts {
		part.Mode = input.Mode
		if err := r.fetchData(ctx, part, filepath.Join(dir, part.Folder)); err != nil {
			return err
		}
	}
	switch {
	case input.Tree == "" && len(input.Parts) > 0:
		return nil // all of it lies in parts
	case input.URL != "":
		return r.fetchAddress(ctx, input.URL, dir, readOnly)
	case input.Datastore != "":
		return r.fetchObjects(ctx, input.Datastore, input.Path, dir, readOnly)
	}
	return r.fetchTree(ctx, input.Tree, input.Path, dir, readOnly)
}

func (r *runner) makeOutputs(p *place) error {
	for name, output := range r.task.Outputs {
		if output.Address != "" {
			p.outputs[name] = output.Address
			continue
		}
		dir := r.workPath("outputs", name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		p.outputs[name] = dir
		if output.Type == "uri_file" {
			p.outputs[name] = filepath.Join(dir, name)
		}
	}
	return nil
}

func (r *runner) makeEnvironment(ctx context.Context, p *place) error {
	if r.task.Environment == nil || r.task.Environment.IsZero() {
		return nil
	}
	definition := *r.task.Environment
	if err := r.build(ctx); err != nil {
		return &failure{compute.EnvironmentError, err}
	}
	if p.ready = r.ready; environment.Installs(r.task.Command) {
		own, err := r.ready.Copy(ctx, environment.BuildOptions{Root: r.workPath("environment"), Tools: r.task.ToolsDir, Definition: definition, Log: r.streams.environment})
		if err != nil {
			return &failure{compute.EnvironmentError, err}
		}
		own.Release() // nobody tidies up in the task's own folder
		p.ready = &own
	}
	return r.journal.append(compute.Record{Type: compute.EnvironmentRecord, Environment: &compute.EnvironmentInfo{
		Name: definition.Name, Version: definition.Version, Hash: r.ready.Hash, Python: r.ready.PythonVersion, Packages: r.ready.Packages, Lock: r.ready.Lock}})
}

// build builds the task's environment, or finds it.
func (r *runner) build(ctx context.Context) error {
	ready, err := environment.Build(ctx, environment.BuildOptions{
		Root: r.task.EnvironmentsDir, Tools: r.task.ToolsDir, Definition: *r.task.Environment, Log: r.streams.environment})
	if err != nil {
		return err
	}
	r.ready = &ready
	return nil
}
