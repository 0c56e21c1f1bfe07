package runner_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/datastore"
	"github.com/atelier-ml/atelier/internal/job"
)

// shared makes a datastore of a folder of this machine.
func (w *world) shared(name string) (folder string) {
	w.t.Helper()
	folder = w.t.TempDir()
	_, err := w.stores.Create(w.user(), w.ws.ID, datastore.Create{Name: name, Type: datastore.Local, Location: datastore.Location{Path: folder}})
	w.must(err)
	return folder
}

func TestOutputsLieWhereTheirPathsLead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	folder := w.shared("lab")
	w.must(os.WriteFile(filepath.Join(folder, "score.txt"), []byte("old"), 0o600))
	j := w.submit(`mkdir ${{outputs.table}}/deep; echo 1 > ${{outputs.table}}/a.csv; echo 2 > ${{outputs.table}}/deep/b.csv
echo 0.5 > ${{outputs.score}}; echo ${{outputs.itself}}; echo own > ${{outputs.own}}/x`, func(spec *job.Spec) {
		spec.Name = "writer"
		spec.Outputs = map[string]job.Output{
			"table":  {Path: "azureml://datastores/lab/paths/results/${{name}}/${{output_name}}", Name: "table"},
			"score":  {Type: "uri_file", Path: "azureml://datastores/lab/paths/score.txt"},
			"itself": {Path: "azureml://datastores/lab/paths/by-itself", Mode: "direct"},
			"own":    {Path: "azureml://datastores/${{default_datastore}}/paths/anywhere"},
		}
	})
	if len(j.Notices) != 1 || !strings.Contains(j.Notices[0], "The output own is kept with the run") {
		t.Errorf("notices %q", j.Notices)
	}
	w.finish(j.Name, job.Completed)
	for path, want := range map[string]string{"results/writer/table/a.csv": "1\n", "results/writer/table/deep/b.csv": "2\n", "score.txt": "0.5\n"} {
		if got, err := os.ReadFile(filepath.Join(folder, path)); string(got) != want {
			t.Errorf("%s has %q, %v", path, got, err)
		}
	}
	left, _ := filepath.Glob(filepath.Join(folder, "*"))
	kept := w.artifacts(j.Name)
	if len(left) != 2 || len(kept) != 2 || kept["named-outputs/own/x"] != "own\n" {
		t.Errorf("the datastore has %v, the run keeps %v", left, kept)
	}
	if got := w.log(j.Name, job.CommandLog); got != "azureml://datastores/lab/paths/by-itself\n" {
		t.Errorf("the command was given %q", got)
	}
	next := w.submit("cat ${{inputs.table}}/deep/b.csv ${{inputs.asset}}/a.csv ${{inputs.score}}", func(spec *job.Spec) {
		spec.Inputs = map[string]job.Input{"table": {Path: "azureml://jobs/writer/outputs/table"}, "asset": {Path: "azureml:table:1"},
			"score": {Type: "uri_file", Path: "azureml://jobs/writer/outputs/score"}}
	})
	w.finish(next.Name, job.Completed)
	if got := w.log(next.Name, job.CommandLog); got != "2\n1\n0.5\n" {
		t.Errorf("the next job read %q", got)
	}
}

func TestOutputsThatCanLieNowhereAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.shared("lab")
	for path, test := range map[string]struct {
		output job.Output
		code   atelier.Code
	}{
		"azureml://datastores/none/paths/x":               {job.Output{}, atelier.NotFound},
		"azureml://datastores/lab/paths/":                 {job.Output{}, atelier.Invalid},
		"azureml://datastores/lab/paths/../x":             {job.Output{}, atelier.Invalid},
		"azureml:table:1":                                 {job.Output{}, atelier.Invalid},
		"runs:/a/b":                                       {job.Output{}, atelier.Invalid},
		"s3://bucket/x":                                   {job.Output{}, atelier.NotFound},
		"azureml://datastores/lab/paths/m":                {job.Output{Type: "custom_model", Name: "m"}, atelier.Invalid},
		"azureml://datastores/workspaceblobstore/paths/m": {job.Output{Mode: "direct"}, atelier.Invalid},
		"": {job.Output{Mode: "direct"}, atelier.Invalid},
	} {
		test.output.Path = path
		_, err := w.jobs.Submit(w.user(), w.ws.ID, job.Spec{Command: "x", Outputs: map[string]job.Output{"o": test.output}})
		if public := atelier.Public(err); public.Code != test.code || !strings.HasPrefix(public.Field, "outputs.o") {
			t.Errorf("%q: %v at %q", path, err, public.Field)
		}
	}
}

func TestATableGivesItsFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	folder := w.shared("lab")
	w.must(os.WriteFile(filepath.Join(folder, "far.csv"), []byte("far\n"), 0o600))
	table := func(text string) string {
		tree := w.tree(map[string]string{"MLTable": text, "a.csv": "1\n", "b.csv": "2\n", "deep/c.csv": "3\n", "notes.txt": "x\n"})
		return "azureml://datastores/workspaceblobstore/paths/LocalUpload/" + string(tree.ID)
	}
	for name, test := range map[string]struct{ text, mode, want string }{
		"mounted whole":  {"type: mltable\npaths: [{file: ./a.csv}]\n", "", "MLTable a.csv b.csv deep/c.csv notes.txt"},
		"evaluated":      {"paths: [{pattern: ./*.csv}, {folder: deep}, {file: ./a.csv}]\ntransformations:\n- read_delimited: {header: all_files_same_headers}\n", "eval_mount", "a.csv b.csv deep/c.csv"},
		"with elsewhere": {"paths: [{file: b.csv}, {file: azureml://datastores/lab/paths/far.csv}]\n", "eval_download", "b.csv paths-1/far.csv"},
	} {
		j := w.submit("cd ${{inputs.t}}; echo $(find . -type f | sort | cut -c3-)", func(spec *job.Spec) {
			spec.Inputs = map[string]job.Input{"t": {Type: "mltable", Path: table(test.text), Mode: test.mode}}
		})
		w.finish(j.Name, job.Completed)
		if got := w.log(j.Name, job.CommandLog); got != test.want+"\n" {
			t.Errorf("%s: the command saw %q", name, got)
		}
	}
	for text, want := range map[string]string{
		"paths: [{file: none.csv}]\n":                                "leads to no file beside it",
		"paths: [{pattern: '*.parquet'}]\n":                          "leads to no file beside it",
		"paths: [{file: ../a.csv}]\n":                                "does not lie beside it",
		"paths: [{folder: /etc}]\n":                                  "does not lie beside it",
		"paths: [{file: a.csv, folder: deep}]\n":                     "one of file, folder and pattern",
		"paths: [{pattern: '[a'}]\n":                                 "does not lie beside it",
		"transformations: []\n":                                      "names no paths",
		"paths: [\n":                                                 "cannot be read",
		"paths: [{file: azureml://datastores/lab/paths/none.csv}]\n": "There is nothing at",
		"paths: [{pattern: azureml://datastores/lab/paths/*.csv}]\n": "only looked for beside the table",
	} {
		_, err := w.jobs.Submit(w.user(), w.ws.ID, job.Spec{Command: "x", Inputs: map[string]job.Input{"t": {Type: "mltable", Path: table(text)}}})
		if public := atelier.Public(err); err == nil || !strings.Contains(public.Message, want) || public.Field != "inputs.t" {
			t.Errorf("%q: %v at %q", text, err, public.Field)
		}
	}
}

// What lay in a datastore when a job was submitted may be gone when it runs.
func TestAnInputThatWentAwayFailsTheJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	folder := w.shared("lab")
	w.must(os.WriteFile(filepath.Join(folder, "a.csv"), []byte("1"), 0o600))
	capacity, err := w.driver.Describe(t.Context())
	w.must(err)
	holder := w.submit("sleep 600", func(spec *job.Spec) { spec.Resources.CPUs = capacity.CPUs })
	waiting := w.submit("cat ${{inputs.table}}", func(spec *job.Spec) {
		spec.Inputs = map[string]job.Input{"table": {Type: "uri_file", Path: "azureml://datastores/lab/paths/a.csv"}}
	})
	w.must(os.Remove(filepath.Join(folder, "a.csv")))
	w.finishCanceled(holder.Name)
	j := w.finish(waiting.Name, job.Failed)
	if j.Error == nil || j.Error.Code != "PreparationError" || !strings.Contains(j.Error.Message, "table") || !strings.Contains(j.Error.Message, "is not there any more") {
		t.Errorf("error %+v", j.Error)
	}
}
