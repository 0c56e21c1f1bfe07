package job

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/data"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/workspace"
)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Submit checks spec, resolves everything it refers to, and queues the job with
// its run. Nothing is kept of a spec that is refused.
func (s *Service) Submit(ctx context.Context, ws string, spec Spec) (Job, error) {
	if spec.Type == BatchType {
		return Job{}, atelier.Errorf(atelier.Invalid, "Jobs of type %q are not submitted: a batch endpoint makes them.", BatchType).At("type").
			WithHint("Use `atelier batch-endpoint invoke`.")
	}
	j, err := newJob(ctx, ws, spec)
	if err != nil {
		return Job{}, err
	}
	if err := s.noteBounds(ctx, &j); err != nil {
		return Job{}, err
	}
	definition, err := s.resolve(ctx, &j)
	if err != nil {
		return Job{}, err
	}
	return s.enter(ctx, j, definition)
}

// enter queues a job whose task is written, with its run.
func (s *Service) enter(ctx context.Context, j Job, definition environment.Definition) (Job, error) {
	ws := j.workspace
	err := s.DB.Write(ctx, func(tx *sqldb.Tx) error {
		j.CreatedAt, j.tokenAt = tx.Now(), tx.Now()
		if j.pool != LocalCompute {
			if err := holdCompute(ctx, tx, ws, j.pool); err != nil {
				return err
			}
		}
		if err := s.Environments.Keep(ctx, tx, ws, definition); err != nil {
			return err
		}
		run, err := tracking.CreateRun(ctx, tx, ws, tracking.NewRun{ID: j.Name, Experiment: j.ExperimentName, Name: j.DisplayName,
			Status: tracking.Scheduled, User: j.CreatedBy, Tags: runTags(j), Job: true, OwnerJob: j.Name})
		if err == nil {
			maps.Copy(j.task.EnvironmentVariables, ownVariables(j, run))
			err = insertJob(ctx, tx, j)
		}
		if err == nil {
			err = data.Record(ctx, tx, ws, j.uses)
		}
		if atelier.CodeOf(err) == atelier.Conflict || sqldb.IsDuplicate(err) {
			return atelier.Errorf(atelier.Conflict, "The name %q is taken by another job or run.", j.Name).At("name").
				WithHint("Choose another name, or leave it out to have one made up.")
		}
		return err
	})
	if err != nil {
		return Job{}, err
	}
	s.Bus.Publish(event.Notice{Workspace: ws, Topic: event.Job, ID: j.Name})
	s.Bus.Publish(event.Notice{Workspace: ws, Topic: event.Run, ID: j.Name})
	s.wakeUp()
	return j, nil
}

// newJob is a job of whoever asks, as yet without a task.
func newJob(ctx context.Context, ws string, spec Spec) (Job, error) {
	actor, _ := atelier.ActorFrom(ctx)
	j := Job{Spec: spec, Status: Queued, Notices: []string{}, CreatedBy: actor.Name, workspace: ws, userID: actor.ID}
	return j, j.complete()
}

// complete checks what can be checked without looking anywhere, and fills in
// what was left out.
func (j *Job) complete() error {
	if j.Type == "" {
		j.Type = CommandType
	}
	if j.Type != CommandType && j.Type != BatchType {
		return atelier.Errorf(atelier.NotImplemented, "Jobs of type %q are not offered yet.", atelier.Clip(j.Type, 40)).At("type").
			WithHint("The type that is offered is \"command\".")
	}
	if j.Name == "" {
		j.Name = newName()
	}
	if err := atelier.CheckJobName(j.Name); err != nil {
		return err
	}
	if j.DisplayName == "" {
		j.DisplayName = j.Name
	}
	if j.ExperimentName == "" {
		j.ExperimentName = "Default"
	}
	if strings.TrimSpace(j.Command) == "" && j.Type == CommandType {
		return atelier.Errorf(atelier.Invalid, "The job has no command.").At("command")
	}
	for _, fill := range []*map[string]string{&j.Tags, &j.Properties, &j.EnvironmentVariables} {
		if *fill == nil {
			*fill = map[string]string{}
		}
	}
	if j.Inputs == nil {
		j.Inputs = map[string]Input{}
	}
	outputs := map[string]Output{} // a copy: the caller's map is the caller's
	for name, output := range j.Outputs {
		if output.Type == "" {
			output.Type = "uri_folder"
		}
		outputs[name] = output
	}
	j.Outputs = outputs
	if err := j.completeResources(); err != nil {
		return err
	}
	return j.check()
}

func (j *Job) check() error {
	if err := tracking.CheckText("command", j.Command); err != nil {
		return err
	}
	if j.Limits.Timeout < 0 {
		return atelier.Errorf(atelier.Invalid, "limits.timeout is a number of seconds and cannot be %d.", j.Limits.Timeout).At("limits.timeout")
	}
	j.findCompute()
	if err := j.checkIdentity(); err != nil {
		return err
	}
	for key := range j.Tags { // they become the run's
		if !tracking.FitsTag(key) {
			return atelier.Errorf(atelier.Invalid, "%q cannot name a tag.", atelier.Clip(key, 60)).At("tags").
				WithHint("Use up to 250 letters, digits, '_', '-', '.', ':', '/' or blanks.")
		}
	}
	for name, value := range j.EnvironmentVariables {
		if !variableName.MatchString(name) || strings.ContainsRune(value, 0) {
			return atelier.Errorf(atelier.Invalid, "%q cannot be an environment variable.", atelier.Clip(name, 60)).At("environment_variables")
		}
	}
	if err := j.checkModes(); err != nil {
		return err
	}
	return j.checkParameters()
}

// SystemEnvironment names the machine's own programs: nothing is built for a job
// that asks for it.
const SystemEnvironment = "system"

// resolve finds everything that j refers to and writes its task.
func (s *Service) resolve(ctx context.Context, j *Job) (environment.Definition, error) {
	var definition environment.Definition
	var resolved environment.Resolved
	var err error
	if j.Environment.Reference != SystemEnvironment {
		if definition, resolved, err = s.Environments.Resolve(ctx, j.workspace, j.Environment); err != nil {
			return definition, err
		}
	}
	if resolved.Hint != "" {
		j.Notices = append(j.Notices, resolved.Hint)
	}
	if j.Environment.IsZero() && resolved.Name != "" {
		j.Environment.Reference = "azureml:" + resolved.Name + ":" + resolved.Version
	}
	j.begin(ctx, definition)
	if j.task.Distribution, err = j.distribute(); err != nil {
		return definition, err
	}
	if j.task.Services, err = j.services(); err != nil {
		return definition, err
	}
	if j.task.CodeTree, err = s.findCode(ctx, j.workspace, j.Code); err != nil {
		return definition, err
	}
	return definition, s.fill(ctx, j)
}

// begin starts to write the task of j, which runs in an environment.
func (j *Job) begin(ctx context.Context, definition environment.Definition) {
	j.task = compute.Task{ID: j.Name, Kind: compute.Command, Workspace: workspace.From(ctx).Name, TimeoutSeconds: j.Limits.Timeout,
		Inputs: map[string]compute.Input{}, Outputs: map[string]compute.Output{}}
	if !definition.IsZero() {
		j.task.Environment = &definition
	}
}

// fill finds the parameters, secrets, inputs and outputs of a task that was begun.
func (s *Service) fill(ctx context.Context, j *Job) error {
	if err := j.expand(); err != nil {
		return err
	}
	if err := s.findSecrets(ctx, j); err != nil {
		return err
	}
	if err := s.checkFree(ctx, j); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(j.Inputs)) {
		found, use, err := s.findInput(ctx, j.workspace, j.Inputs[name])
		if err != nil {
			return located(err, "inputs."+name)
		}
		j.task.Inputs[name] = found
		if use != nil {
			if use.Changed {
				j.Notices = append(j.Notices, "What "+use.Path+" refers to has changed since it was registered; the job reads it as it is.")
			}
			use.RunID, use.Direction, use.Name = j.Name, data.Input, name
			j.uses = append(j.uses, *use)
		}
	}
	return s.placeOutputs(ctx, j)
}

// expand fills in the references of the command and of the environment's
// variables.
func (j *Job) expand() (err error) {
	if j.task.Command, err = expand(j.Command, "command", j.Inputs, j.Outputs); err != nil {
		return err
	}
	j.task.EnvironmentVariables = map[string]string{}
	for name, value := range j.EnvironmentVariables {
		where := "environment_variables." + name
		if j.task.EnvironmentVariables[name], err = expand(value, where, j.Inputs, j.Outputs); err != nil {
			return err
		}
	}
	return nil
}

// located names the place of a fault that has none yet.
func located(err error, field string) error {
	public := atelier.Public(err)
	if public.Code == atelier.Internal || strings.HasPrefix(public.Field, field) {
		return err
	}
	return public.At(field)
}

// findCode returns the snapshot that code names.
func (s *Service) findCode(ctx context.Context, ws, code string) (blob.Hash, error) {
	if code == "" {
		return "", nil
	}
	parsed, err := atelier.ParsePath(code)
	if err == nil && parsed.Kind != atelier.AssetPath {
		err = atelier.Errorf(atelier.Invalid, "%q is not an uploaded snapshot.", atelier.Clip(code, 120)).
			WithHint("Upload the folder and pass azureml:TREE:1; the command line and the Python client do it.")
	}
	if err != nil {
		return "", located(err, "code")
	}
	tree, err := s.findTree(ctx, ws, parsed.Name)
	if err != nil {
		return "", located(err, "code")
	}
	return tree.ID, nil
}

func (s *Service) findTree(ctx context.Context, ws, id string) (blob.Tree, error) {
	hash, err := blob.ParseHash(id)
	if err != nil {
		return blob.Tree{}, atelier.Errorf(atelier.Invalid, "%q is not the id of an uploaded folder.", atelier.Clip(id, 80))
	}
	tree, err := blob.Hold(ctx, s.Blobs, ws, hash)
	if atelier.CodeOf(err) == atelier.NotFound {
		return tree, atelier.Errorf(atelier.Invalid, "No folder with the id %s was uploaded to this workspace.", id)
	}
	return tree, err
}

// findInput returns the literal, or what an input's path means. Data that the run
// will have read is returned as a use of it, too.
func (s *Service) findInput(ctx context.Context, ws string, input Input) (compute.Input, *data.Use, error) {
	if input.Value != nil {
		value := text(input.Value)
		return compute.Input{Value: &value}, nil, nil
	}
	found := compute.Input{Type: input.Type, Mode: input.Mode}
	if found.Type == "" {
		found.Type = string(data.Folder)
	}
	parsed, err := atelier.ParsePath(input.Path)
	if err != nil {
		return found, nil, err
	}
	if isModel(found.Type) && keepsModels(parsed) {
		content, err := s.Models.Resolve(ctx, ws, input.Path, found.Type)
		use := &data.Use{Type: found.Type, Path: input.Path, SourceRun: content.RunID, Tree: content.Tree.ID}
		if found.Mode == "direct" {
			return compute.Input{Value: &input.Path}, use, err
		}
		found.Tree = content.Tree.ID
		return found, use, err
	}
	content, err := s.Data.Resolve(ctx, ws, input.Path)
	if err == nil {
		err = content.Check(data.Type(found.Type))
	}
	use := &data.Use{Type: found.Type, Path: input.Path, Asset: content.Asset, Version: content.Version,
		SourceRun: content.RunID, Tree: content.Tree.ID, Reference: content.Reference, Changed: content.Changed}
	if found.Mode == "direct" { // the command gets the address, and reads it as it likes
		return compute.Input{Value: &input.Path}, use, err
	}
	found.Tree = content.Tree.ID
	if r := content.Reference; r != nil {
		found.Datastore, found.Path, found.URL = r.Datastore, r.Path, r.URL
	}
	if err == nil && found.Type == string(data.MLTable) {
		err = s.table(ctx, ws, &found, content)
	}
	return found, use, err
}

// isModel reports whether a type of input or output is one of models.
func isModel(kind string) bool { return strings.HasSuffix(kind, "_model") }

// keepsModels reports whether a path leads to where the workspace keeps models: its
// registry, what runs left, and what was uploaded.
func keepsModels(p atelier.Path) bool {
	switch p.Kind {
	case atelier.AssetPath, atelier.RunPath, atelier.JobOutputPath:
		return true
	}
	return p.Kind == atelier.DatastorePath && p.Datastore == atelier.DefaultDatastore
}

// runTags are what MLflow's clients and Azure's read on a job's run.
func runTags(j Job) map[string]string {
	tags := maps.Clone(j.Tags)
	for key, value := range j.Properties {
		if strings.HasPrefix(key, "mlflow.") || strings.HasPrefix(key, "azureml.") {
			tags[key] = value
		}
	}
	tags[tracking.TagUser] = j.CreatedBy
	tags["mlflow.source.type"] = "JOB"
	tags["mlflow.source.name"] = j.Command
	if j.Batch != nil {
		tags["mlflow.source.name"] = "batch endpoint " + j.Batch.Endpoint + ", deployment " + j.Batch.Deployment
	}
	if commit := j.Properties["mlflow.source.git.commit"]; commit != "" {
		tags["mlflow.source.git.commit"] = commit
	}
	if first := j.Properties[RerunOf]; first != "" {
		tags[RerunOf] = first
	}
	if j.Description != "" {
		tags[tracking.TagNote] = j.Description
	}
	return tags
}

// ownVariables is what every job is told about itself.
func ownVariables(j Job, run tracking.Run) map[string]string {
	return map[string]string{
		"AZUREML_RUN_ID":           j.Name,
		"AZUREML_EXPERIMENT_ID":    run.ExperimentID,
		"AZUREML_ARM_PROJECT_NAME": run.ExperimentName,
		"MLFLOW_RUN_ID":            j.Name,
		"MLFLOW_EXPERIMENT_ID":     run.ExperimentID,
		"MLFLOW_EXPERIMENT_NAME":   run.ExperimentName,
		"ATELIER_JOB_NAME":         j.Name,
	}
}

// Words for the names of jobs: adjective_noun_ and ten random characters, as
// Azure Machine Learning makes them.
const (
	adjectives = "amber brave bright calm clever cool crisp eager early fair fine firm fresh gentle golden good green happy " +
		"helpful honest jolly keen kind lively lucky mellow merry modest neat nice noble patient plain polite proud quick " +
		"quiet rapid ready red royal sharp silent silver simple sleepy smart smooth soft solid steady strong sunny swift " +
		"tender tidy true upbeat warm wise witty young"
	nouns = "acorn anchor apple arch badger basin bean berry birch bird bolt book bread bridge brook cactus camel carrot " +
		"cedar cherry cloud clover coral cup daisy deer door drum eagle egg elm engine fern field finch flower forest fox " +
		"garden gate glass grape hill ink island jewel kettle kite lake lamp leaf lemon lily lion map maple meadow melon " +
		"moon moss nest night oak oasis olive onion orange owl paper peach pear pen pine plum pond quill rain reef rice " +
		"river road rose sail seed shell sky snow soup spade star stone sun tree tulip wave wheel wind yam"
	letters = "abcdefghijklmnopqrstuvwxyz0123456789"
)

func newName() string {
	suffix := make([]byte, 10)
	for i := range suffix {
		suffix[i] = letters[random(len(letters))]
	}
	return fmt.Sprintf("%s_%s_%s", pick(adjectives), pick(nouns), suffix)
}

func pick(words string) string {
	all := strings.Fields(words)
	return all[random(len(all))]
}

func random(n int) int {
	number, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		panic("job: the system gives no random numbers: " + err.Error())
	}
	return int(number.Int64())
}
