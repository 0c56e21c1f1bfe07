package lineage_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/lineage"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
)

const (
	rawTree   = "1111111111111111111111111111111111111111111111111111111111111111"
	cleanTree = "2222222222222222222222222222222222222222222222222222222222222222"
	modelTree = "3333333333333333333333333333333333333333333333333333333333333333"
)

// history is what a small team did: raw data in a bucket, cleaned by one job,
// trained on by another in the environment sklearn, registered, deployed, and
// read by a third job that scores with the model.
var history = []string{
	`INSERT INTO experiments (workspace_id, id, name, lifecycle_stage, artifact_location, created_at, updated_at) VALUES ('one', '1', 'triage', 'active', '', 0, 0)`,
	run("clean"), run("train"), run("score"), run("unrelated"),
	`INSERT INTO data_assets (workspace_id, name, archived, last_number, last_serial, created_by, created_at, updated_at)
		VALUES ('one', 'raw', FALSE, 1, 1, '', 0, 0), ('one', 'cleaned', FALSE, 1, 1, '', 0, 0)`,
	version("raw", "", "", `{"datastore":"lake","path":"patients"}`), version("cleaned", cleanTree, "clean", ""),
	`INSERT INTO datastores (workspace_id, name, type, location, description, tags, credentials_type, credentials, trusted, created_by, created_at, updated_at)
		VALUES ('one', 'lake', 'aws_s3', '{}', '', '{}', '', '', FALSE, '', 5, 5)`,
	use("clean", "input", "table", "uri_folder", "azureml:raw:1", "raw", "1", "", ""),
	use("clean", "input", "rules", "uri_file", "azureml://datastores/workspaceblobstore/paths/LocalUpload/x/rules", "", "", "", rawTree),
	use("clean", "output", "out", "uri_folder", "", "cleaned", "1", "clean", cleanTree),
	use("train", "input", "table", "uri_folder", "azureml:cleaned@latest", "cleaned", "1", "clean", cleanTree),
	use("score", "input", "model", "mlflow_model", "azureml:triage@latest", "", "", "train", modelTree),
	job("train", `{"name":"sklearn","version":"1","hash":"abc","packages":[]}`), job("unrelated", `{"name":"sklearn","version":"10","hash":"abd"}`),
	`INSERT INTO environments (workspace_id, name, version, description, tags, image, conda_file, python_version, requirements, options, source, hash, created_by, created_at, archived)
		VALUES ('one', 'sklearn', '1', '', '{}', '', '', '3.11', '[]', '[]', '', 'abc', '', 0, FALSE)`,
	`INSERT INTO registered_models (workspace_id, name, description, created_by, created_at, updated_at, last_version) VALUES ('one', 'triage', '', '', 0, 0, 1)`,
	`INSERT INTO model_versions (workspace_id, name, version, type, path, tree, size, flavors, description, properties, stage, run_id, run_link, logged_model_id, created_by, created_at, updated_at)
		VALUES ('one', 'triage', 1, 'mlflow_model', 'runs:/train/model', '` + modelTree + `', 9, '{}', '', '{}', 'None', 'train', '', '', '', 7, 7)`,
	`INSERT INTO endpoints (workspace_id, name, description, tags, properties, auth_mode, traffic, mirror_traffic, keys, state, error, created_by, created_at, updated_at)
		VALUES ('one', 'live', '', '{}', '{}', 'key', '{}', '{}', '', 'Succeeded', '', '', 0, 0)`,
	`INSERT INTO deployments (workspace_id, endpoint, name, settings, source, revision, state, error, created_by, user_id, last_ended, created_at, updated_at)
		VALUES ('one', 'live', 'blue', '{}', '{"model":{"name":"triage","version":"1"},"environment":{"name":"sklearn","version":"1"}}', 1, 'Succeeded', '', '', '', '', 8, 8)`,
}

func run(id string) string {
	return `INSERT INTO runs (workspace_id, id, experiment_id, name, status, lifecycle_stage, user_name, claimed_user, artifact_uri, is_job, owner_job, started_at)
		VALUES ('one', '` + id + `', '1', 'to ` + id + `', 'FINISHED', 'active', '', '', '', FALSE, '', 3)`
}

func version(name, tree, run, reference string) string {
	return `INSERT INTO data_versions (workspace_id, name, version, serial, type, path, tree, size, files, description, tags, properties, archived, run_id, created_by, created_at, updated_at, reference)
		VALUES ('one', '` + name + `', '1', 1, 'uri_folder', '', '` + tree + `', 4, 1, '', '{}', '{}', FALSE, '` + run + `', '', 2, 2, '` + reference + `')`
}

func use(words ...string) string {
	return `INSERT INTO data_uses (workspace_id, run_id, direction, name, type, path, data_name, data_version, source_run, tree, used_at)
		VALUES ('one', '` + strings.Join(words, "', '") + `', 4)`
}

func job(name, info string) string {
	return `INSERT INTO jobs (workspace_id, name, experiment_name, spec, task, cpus, status, phase, notices, created_by, user_id, created_at, handle, token_at, last_record, version, environment_info)
		VALUES ('one', '` + name + `', 'triage', '{}', '{}', 1, 'Completed', '', '[]', '', '', 1, '', 0, 0, 1, '` + info + `')`
}

func each(t *testing.T, test func(t *testing.T, of func(ask lineage.Ask) (lineage.Graph, error))) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
			for _, ws := range []string{"one", "two"} {
				if _, err := tx.Exec(t.Context(), `INSERT INTO workspaces (id, name, display_name, description, tags, created_by, created_at, updated_at)
					VALUES ($1, $1, '', '', '{}', '', 0, 0)`, ws); err != nil {
					return err
				}
			}
			for _, statement := range history {
				if _, err := tx.Exec(t.Context(), statement); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		service := lineage.New(db, environment.New(db))
		test(t, func(ask lineage.Ask) (lineage.Graph, error) {
			if ask.May == nil {
				ask.May = func(lineage.Kind) bool { return true }
			}
			return service.Of(context.Background(), "one", ask)
		})
	})
}

// written is a graph's edges as words, in order.
func written(graph lineage.Graph) []string {
	var all []string
	for _, e := range graph.Edges {
		all = append(all, e.From+" "+string(e.Relation)+" "+e.To+strings.TrimRight(" "+e.Name, " "))
	}
	slices.Sort(all)
	return all
}

func TestAModelLeadsDownToTheBytes(t *testing.T) {
	each(t, func(t *testing.T, of func(ask lineage.Ask) (lineage.Graph, error)) {
		graph, err := of(lineage.Ask{Of: "model:triage", Direction: lineage.Sources})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{
			"data:cleaned:1 read by run:train table",
			"data:raw:1 read by run:clean table",
			"datastore:lake holds data:raw:1 patients",
			"environment:sklearn:1 used by run:train",
			"files:" + rawTree + " read by run:clean rules",
			"run:clean made data:cleaned:1",
			"run:train registered as model:triage:1",
		}
		if diff := cmp.Diff(want, written(graph)); diff != "" {
			t.Error(diff)
		}
		if graph.Of != "model:triage:1" {
			t.Errorf("of %q", graph.Of)
		}
		for _, n := range graph.Nodes {
			if n.ID == "data:cleaned:1" && (string(n.Tree) != cleanTree || n.Level != -2 || n.Size != 4) {
				t.Errorf("%+v", n)
			}
			if n.ID == "run:train" && (n.Title != "to train" || n.Status != "Completed" || n.Experiment != "triage") {
				t.Errorf("%+v", n)
			}
		}
	})
}

func TestDataLeadsUpToTheDeployment(t *testing.T) {
	each(t, func(t *testing.T, of func(ask lineage.Ask) (lineage.Graph, error)) {
		want := []string{
			"data:cleaned:1 read by run:train table",
			"data:raw:1 read by run:clean table",
			"model:triage:1 read by run:score model",
			"model:triage:1 served by deployment:live/blue",
			"run:clean made data:cleaned:1",
			"run:train registered as model:triage:1",
		}
		graph, err := of(lineage.Ask{Of: "data:raw:latest", Direction: lineage.Uses, Depth: 10})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, written(graph)); diff != "" {
			t.Error(diff)
		}
		graph, err = of(lineage.Ask{Of: "run:score", Direction: lineage.Sources, Depth: 1})
		if diff := cmp.Diff([]string{"model:triage:1 read by run:score model"}, written(graph)); err != nil || diff != "" {
			t.Error(diff, err)
		}
	})
}

func TestDeploymentsAndEnvironmentsHaveALineage(t *testing.T) {
	each(t, func(t *testing.T, of func(ask lineage.Ask) (lineage.Graph, error)) {
		graph, err := of(lineage.Ask{Of: "deployment:live/blue", Direction: lineage.Sources, Depth: 1})
		want := []string{"environment:sklearn:1 used by deployment:live/blue", "model:triage:1 served by deployment:live/blue"}
		if diff := cmp.Diff(want, written(graph)); err != nil || diff != "" {
			t.Error(diff, err)
		}
		graph, err = of(lineage.Ask{Of: "environment:sklearn:1", Depth: 1})
		want = []string{"environment:sklearn:1 used by deployment:live/blue", "environment:sklearn:1 used by run:train"}
		if diff := cmp.Diff(want, written(graph)); err != nil || diff != "" {
			t.Error(diff, err)
		}
	})
}

func TestWhatMayNotBeSeenIsLeftOut(t *testing.T) {
	each(t, func(t *testing.T, of func(ask lineage.Ask) (lineage.Graph, error)) {
		without := func(kinds ...lineage.Kind) func(lineage.Kind) bool {
			return func(k lineage.Kind) bool { return !slices.Contains(kinds, k) }
		}
		graph, err := of(lineage.Ask{Of: "data:raw:1", May: without(lineage.Datastore, lineage.Model)})
		want := []string{"data:cleaned:1 read by run:train table", "data:raw:1 read by run:clean table", "run:clean made data:cleaned:1"}
		if diff := cmp.Diff(want, written(graph)); err != nil || diff != "" {
			t.Error(diff, err)
		}
		if _, err := of(lineage.Ask{Of: "model:triage:1", May: without(lineage.Model)}); atelier.CodeOf(err) != atelier.Forbidden {
			t.Errorf("error %v; want forbidden", err)
		}
	})
}

func TestWhatIsNotThere(t *testing.T) {
	each(t, func(t *testing.T, of func(ask lineage.Ask) (lineage.Graph, error)) {
		for _, id := range []string{"data:none:1", "data:none", "data:raw:2", "model:triage:2", "model:triage:x", "model:none", "run:none",
			"environment:none:1", "deployment:live/green"} {
			if graph, err := of(lineage.Ask{Of: id}); atelier.CodeOf(err) != atelier.NotFound {
				t.Errorf("%s: %v, error %v; want not found", id, graph.Nodes, err)
			}
		}
		if _, err := of(lineage.Ask{Of: "run:train", Depth: 21}); atelier.CodeOf(err) != atelier.Invalid {
			t.Errorf("error %v; want invalid", err)
		}
	})
}
