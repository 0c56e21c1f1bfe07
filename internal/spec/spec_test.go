package spec

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/endpoint"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/job"
	"github.com/atelier-ml/atelier/internal/model"
)

const conda = "channels: [conda-forge]\ndependencies:\n- python=3.11\n- pip:\n  - mlflow==3.16.0\n"

// files makes a folder with the files that the examples name.
func files(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"src/train.py": "", "src/score.py": "", "data/a.csv": "1\n", "conda.yml": conda, "broken.yml": "dependencies:\n- numpy\n- r-base=4\n",
		"requirements.txt": "numpy\n-r other.txt\n", "env.yml": "name: e\nconda_file: conda.yml\n", "bad_env.yml": "name: e\nconda: conda.yml\n", "model/MLmodel": ""} {
		place := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(place, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestJob(t *testing.T) {
	dir := files(t)
	d, err := parse("job.yml", dir, []byte(`$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json
type: command
command: >-
  python train.py --data ${{inputs.data}} --rate ${{ inputs.rate }}
  --out ${{outputs.model}}
code: ./src
environment:
  image: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04
  conda_file: ./conda.yml
environment_variables:
  VERSION: 1.10
  FLAG: true
  EMPTY:
compute: azureml:cpu
display_name: first try
experiment_name: diabetes
description: 2024
tags: {team: a, round: 1}
limits: {timeout: 300}
identity: {type: managed, client_id: c}
services: {board: {type: tensor_board, log_dir: "${{outputs.model}}"}, older: {job_service_type: tensor_board, properties: {logDir: a}, nodes: all}}
distribution: {type: pytorch, process_count_per_instance: 2}
resources: {instance_count: 2, instance_type: local}
inputs:
  data: {type: uri_file, path: data/a.csv}
  folder: {path: file:data}
  registered: {type: uri_folder, path: azureml:diabetes:1, mode: download}
  rate: 0.10
  epochs: 5
  big: 1_000
  shuffle: true
  word: "5"
  derived: run-${{inputs.word}}
outputs:
  model:
  table: {type: uri_file, path: "azureml://datastores/workspaceblobstore/paths/${{name}}/x"}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Job()
	if err != nil {
		t.Fatal(err)
	}
	want := job.Spec{
		Type: "command", Command: "python train.py --data ${{inputs.data}} --rate ${{ inputs.rate }} --out ${{outputs.model}}",
		Code: filepath.Join(dir, "src"), Compute: "azureml:cpu", DisplayName: "first try", ExperimentName: "diabetes", Description: "2024",
		Environment:          environment.Spec{Image: "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04", CondaFile: conda, CondaFileName: "conda.yml"},
		EnvironmentVariables: map[string]string{"VERSION": "1.10", "FLAG": "true", "EMPTY": ""},
		Tags:                 map[string]string{"team": "a", "round": "1"},
		Limits:               job.Limits{Timeout: 300},
		Resources:            job.Resources{InstanceCount: 2, InstanceType: "local"},
		Identity:             &job.Identity{Type: "managed", ClientID: "c"},
		Services: map[string]job.SideService{"board": {Type: "tensor_board", LogDir: "${{outputs.model}}"},
			"older": {Type: "tensor_board", LogDir: "a", Nodes: "all"}},
		Distribution: &job.Distribution{Type: "pytorch", ProcessCountPerInstance: 2},
		Inputs: map[string]job.Input{
			"data": {Type: "uri_file", Path: filepath.Join(dir, "data/a.csv")}, "folder": {Type: "uri_folder", Path: filepath.Join(dir, "data")},
			"registered": {Type: "uri_folder", Path: "azureml:diabetes:1", Mode: "download"},
			"rate":       job.Literal(json.Number("0.10")), "epochs": job.Literal(json.Number("5")), "big": job.Literal("1_000"), "shuffle": job.Literal(true),
			"word": job.Literal("5"), "derived": job.Literal("run-${{inputs.word}}"),
		},
		Outputs: map[string]job.Output{"model": {Type: "uri_folder"}, "table": {Type: "uri_file", Path: "azureml://datastores/workspaceblobstore/paths/${{name}}/x"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestJobFaults(t *testing.T) {
	dir := files(t)
	for name, test := range map[string]struct{ text, place, message string }{
		"unknown key":      {"comand: x\ncommand: x\n", "job.yml:1:1", `Unknown key "comand"; did you mean "command"? Allowed here: type, `},
		"caret":            {"command: x\nlimits:\n  timout: 3\n", "job.yml:3:3", "   3 |   timout: 3\n     |   ^"},
		"turned text":      {"command: x\nco\u202ede: y\n", "job.yml:2:1", "   2 | co de: y\n"},
		"refused key":      {"command: x\nparent_job_name: p\n", "job.yml:2:1", `The key "parent_job_name" is not offered. Jobs inside jobs`},
		"distribution":     {"command: x\ndistribution: {type: torch}\n", "job.yml:2:22", "Allowed: pytorch, mpi, tensorflow"},
		"no distribution":  {"command: x\ndistribution: {process_count_per_instance: 2}\n", "job.yml:2:15", `"distribution.type" is missing`},
		"ray":              {"command: x\ndistribution: {type: ray}\n", "job.yml:2:22", "Clusters of Ray"},
		"ray's key":        {"command: x\ndistribution: {type: mpi, port: 1}\n", "job.yml:2:27", "It belongs to Ray"},
		"other's key":      {"command: x\ndistribution: {type: mpi, worker_count: 2}\n", "job.yml:2:27", "of the type mpi has no worker_count. It has: process_count_per_instance"},
		"processes":        {"command: x\ndistribution: {type: mpi, process_count_per_instance: 1000}\n", "job.yml:2:55", "from 1 to 256"},
		"wrong type":       {"command: [a]\n", "job.yml:1:10", `"command" must be text, and is a list`},
		"not a number":     {"command: x\nlimits: {timeout: 5m}\n", "job.yml:2:19", `"limits.timeout" must be a whole number, and is the text "5m"`},
		"out of range":     {"command: x\nlimits: {timeout: -1}\n", "job.yml:2:19", "must be from 1 to"},
		"octal":            {"command: x\nlimits: {timeout: 010}\n", "job.yml:2:19", "must be a whole number"},
		"missing command":  {"code: src\n", "job.yml:1:1", `The key "command" is missing`},
		"empty file":       {"", "job.yml:1:1", `The key "command" is missing`},
		"duplicate":        {"command: x\ncommand: y\n", "job.yml:2:1", "given twice"},
		"missing folder":   {"command: x\ncode: ./srcc\n", "job.yml:2:7", `"code" leads nowhere`},
		"file for folder":  {"command: x\ncode: conda.yml\n", "job.yml:2:7", "must be a folder"},
		"folder for file":  {"command: x\ninputs:\n  d: {type: uri_file, path: data}\n", "job.yml:3:29", "must be a file"},
		"missing input":    {"command: |\n  python a.py\n  echo ${{inputs.dta}}\ninputs: {data: 1}\n", "job.yml:3:8", `${{inputs.dta}} refers to nothing. Did you mean "data"?`},
		"missing output":   {"command: echo ${{outputs.x}}\n", "job.yml:1:15", "the job has no outputs"},
		"unclosed":         {"command: echo ${{inputs.x}\ninputs: {x: 1}\n", "job.yml:1:15", "not closed"},
		"circle":           {"command: x\ninputs:\n  a: ${{inputs.b}}\n  b: ${{inputs.a}}\n", "job.yml:3:6", "circle: a -> b -> a"},
		"sweep expression": {"command: echo ${{search_space.x}}\n", "job.yml:1:15", "sweep"},
		"bad variable":     {"command: x\nenvironment_variables: {A: '${{inputs.q}}'}\n", "job.yml:2:29", "the job has no inputs"},
		"tag name":         {"command: x\ntags: {a: 1, <b>: 2}\n", "job.yml:2:14", `"<b>" cannot name a tag`},
		"variable name":    {"command: x\nenvironment_variables: {A-B: x}\n", "job.yml:2:25", "cannot be an environment variable"},
		"reserved":         {"command: x\ninputs: {path: 1}\n", "job.yml:2:10", "cannot name an input"},
		"output asset":     {"command: x\noutputs: {m: {name: a b}}\n", "job.yml:2:21", "cannot name a data asset"},
		"pipeline":         {"type: pipeline\njobs: {}\n", "job.yml:1:7", "Pipeline jobs are not there yet"},
		"bad mode":         {"command: x\ninputs: {d: {path: data, mode: rw}}\n", "job.yml:2:32", "An input has no mode \"rw\". Its modes are ro_mount, download, direct, eval_mount, eval_download."},
		"rw input":         {"command: x\ninputs: {d: {path: data, mode: rw_mount}}\n", "job.yml:2:32", "What a job reads does not change under it"},
		"upload input":     {"command: x\ninputs: {d: {path: data, mode: upload}}\n", "job.yml:2:32", "belongs to outputs"},
		"eval folder":      {"command: x\ninputs: {d: {path: data, mode: eval_mount}}\n", "job.yml:2:32", "must be mltable"},
		"output mode":      {"command: x\noutputs: {d: {mode: download}}\n", "job.yml:2:21", "Allowed: rw_mount, upload, direct"},
		"output model":     {"command: x\noutputs: {m: {type: mlflow_model, name: a/b}}\n", "job.yml:2:41", "Invalid model name"},
		"model version":    {"command: x\noutputs: {m: {type: mlflow_model, name: a, version: one}}\n", "job.yml:2:53", "must be an integer"},
		"ssh service":      {"command: x\nservices:\n  me:\n    type: ssh\n    ssh_public_keys: k\n", "job.yml:4:11", "A shell in a running job needs no service and no key"},
		"vs code":          {"command: x\nservices: {e: {job_service_type: vs_code}}\n", "job.yml:2:34", "No remote editor is started in jobs"},
		"unknown service":  {"command: x\nservices: {e: {type: emacs}}\n", "job.yml:2:22", "The types are tensor_board, jupyter_lab"},
		"no service type":  {"command: x\nservices: {e: {log_dir: x}}\n", "job.yml:2:15", `"services.e.type" is missing`},
		"service nodes":    {"command: x\nservices: {e: {type: tensor_board, nodes: 3}}\n", "job.yml:2:43", `can only be "all"`},
		"service port":     {"command: x\nservices: {e: {type: tensor_board, port: 3}}\n", "job.yml:2:36", "The runner finds a free port"},
		"service name":     {"command: x\nservices: {a/b: {type: tensor_board}}\n", "job.yml:2:12", "cannot name a service"},
		"service folder":   {"command: x\nservices: {e: {type: tensor_board, log_dir: '${{outputs.x}}'}}\n", "job.yml:2:46", "the job has no outputs"},
		"identity":         {"command: x\nidentity: {type: me}\n", "job.yml:2:18", "Allowed: user_identity, managed, managed_identity, aml_token"},
		"identity key":     {"command: x\nidentity: {type: managed, clientid: x}\n", "job.yml:2:27", "did you mean \"client_id\""},
		"null input":       {"command: x\ninputs:\n  d:\n", "job.yml:3:", "is empty"},
		"list input":       {"command: x\ninputs: {d: [1]}\n", "job.yml:2:13", "and is a list"},
		"input name":       {"command: x\ninputs: {a-b: 1}\n", "job.yml:2:10", "cannot name an input"},
		"local output":     {"command: x\noutputs: {m: {path: ./out}}\n", "job.yml:2:21", "cannot be a local path"},
		"job name":         {"command: x\nname: a b\n", "job.yml:2:7", "cannot name a job"},
		"memory":           {"command: x\nresources: {memory: 4GB}\n", "job.yml:2:21", "amount of memory"},
		"priority":         {"command: x\nqueue_settings: {priority: 5}\n", "job.yml:2:28", "low, medium, high"},
		"two instances":    {"command: x\nresources: {instance_count: 2}\n", "job.yml:2:29", "one machine"},
		"build":            {"command: x\nenvironment: {build: {path: .}}\n", "job.yml:2:29", "there is no such file"},
		"conda fault":      {"command: x\nenvironment: {conda_file: broken.yml}\n", "broken.yml:3:3", "system package"},
		"inline conda":     {"command: x\nenvironment:\n  conda_file:\n    dependencies:\n    - r-base=4\n", "job.yml:5:7", "system package"},
		"requirements":     {"command: x\nenvironment: {pip_requirements: requirements.txt}\n", "requirements.txt:2", "another file"},
		"environment file": {"command: x\nenvironment: file:bad_env.yml\n", "bad_env.yml:2:1: ", "Unknown key \"conda\"; did you mean \"conda_file\"?"},
		"no packages":      {"command: x\nenvironment: {name: a}\n", "job.yml:2:14", "says nothing about its packages"},
		"bad reference":    {"command: x\ninputs: {d: {path: 'azureml://wrong'}}\n", "job.yml:2:20", "not a path that can be read"},
		"not yaml":         {"command: x\n  code: y\n", "job.yml:2:", "not YAML"},
		"tab":              {"command: x\ninputs:\n\ta: 1\n", "job.yml:3:", "not YAML"},
		"two documents":    {"command: x\n---\ncommand: y\n", "job.yml", "more than one document"},
		"not a mapping":    {"- a\n", "job.yml:1:1", "must be a mapping"},
		"merge":            {"a: &a [x]\ncommand: x\ntags:\n  <<: *a\n", "job.yml:4:3", "merges must be a mapping"},
		"complex key":      {"command: x\n? [a]\n: b\n", "job.yml:2:3", "A key must be plain text"},
		"self alias":       {"a: &a [*a]\ncommand: x\n", "job.yml:", ""},
		"NUL":              {"command: \"a\\0b\"\n", "job.yml:1:10", "NUL"},
		"git":              {"command: x\ncode: git+https://example.org/a\n", "job.yml:2:7", "git repository"},
		"python in two":    {"command: x\nenvironment: {conda_file: conda.yml, pip_requirements: requirements.txt}\n", "", "not both"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := parse("job.yml", dir, []byte(test.text), nil)
			if err == nil {
				_, err = d.Job()
			}
			if atelier.CodeOf(err) != atelier.Invalid {
				t.Fatalf("got %v", err)
			}
			if shown := err.Error(); !strings.HasPrefix(shown, test.place) && !strings.Contains(shown, "\n"+test.place) || !strings.Contains(shown, test.message) {
				t.Errorf("got\n%s\nwant %q at %q", shown, test.message, test.place)
			}
		})
	}
}

func TestAllFaultsAtOnceInOrder(t *testing.T) {
	text := "command: x\n"
	for i := range 30 {
		text += fmt.Sprintf("wrong%d: x\n", i)
	}
	d, err := parse("job.yml", t.TempDir(), []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Job()
	shown := err.Error()
	if !strings.HasPrefix(shown, "job.yml has 30 faults.\njob.yml:2:1: ") || !strings.HasSuffix(shown, "\nand 10 more.") || strings.Count(shown, "Unknown key") != maxFaults {
		t.Errorf("got\n%s", shown)
	}
}

func TestBombsAreRefused(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 8 {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", 'b'+i, 'b'+i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c, ", 'a'+i), 10), ", "))
	}
	for name, text := range map[string]string{"aliases": bomb, "depth": "command: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000)} {
		if _, err := parse("job.yml", t.TempDir(), []byte(text), nil); atelier.CodeOf(err) != atelier.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSets(t *testing.T) {
	dir := files(t)
	text := "command: x\ninputs:\n  rate: 0.1\n  data: {path: data/a.csv}\ntags: &t {a: b}\n"
	d, err := parse("job.yml", dir, []byte(text), []string{"inputs.rate=0.20", "limits.timeout=60", "tags.version=1.10", "display_name=a=b: c # d", "environment_variables={A: 1, B: x}", "description="})
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Job()
	if err != nil {
		t.Fatal(err)
	}
	if got.Inputs["rate"].Value != json.Number("0.20") || got.Limits.Timeout != 60 || got.Tags["version"] != "1.10" || got.Tags["a"] != "b" ||
		got.DisplayName != "a=b: c # d" || got.EnvironmentVariables["B"] != "x" {
		t.Errorf("got %+v", got)
	}
	for set, message := range map[string]string{
		"comand=x":              `--set comand=x: Unknown key "comand"; did you mean "command"?`,
		"limits.timeout=soon":   `"limits.timeout" must be a whole number`,
		"command.part=x":        `"command" is the text "x" here and has no part "part"`,
		"novalue":               "KEY=VALUE",
		"code=./nowhere":        `"code" leads nowhere`,
		"command=[a]":           "must be text, and is a list",
		"command=${{inputs.q}}": "refers to nothing",
	} {
		d, err := parse("job.yml", dir, []byte(text), []string{set})
		if err == nil {
			_, err = d.Job()
		}
		if atelier.CodeOf(err) != atelier.Invalid || !strings.Contains(err.Error(), message) || !strings.HasPrefix(err.Error(), "--set "+set) {
			t.Errorf("%s: got %v", set, err)
		}
	}
}

func TestSetChangesOneUseOfAnAnchor(t *testing.T) {
	d, err := parse("job.yml", t.TempDir(), []byte("command: x\ntags: &t {a: b}\nproperties: *t\n"), []string{"properties.a=c"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Job()
	if err != nil || got.Tags["a"] != "b" || got.Properties["a"] != "c" {
		t.Errorf("got %v, %v, %v", got.Tags, got.Properties, err)
	}
}

func TestMergedKeys(t *testing.T) {
	d, err := parse("job.yml", t.TempDir(), []byte(`command: x
tags: &first {a: 1, b: 1}
properties: &second
  <<: *first
  b: 2
  c: 2
environment_variables:
  <<: [*second, {c: 3, D: 3}]
  E: 4
`), []string{"tags.a=9"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Job()
	if err != nil {
		t.Fatal(err)
	}
	want := job.Spec{Tags: map[string]string{"a": "9", "b": "1"}, Properties: map[string]string{"a": "1", "b": "2", "c": "2"},
		EnvironmentVariables: map[string]string{"a": "1", "b": "2", "c": "2", "D": "3", "E": "4"}}
	if diff := cmp.Diff(want, job.Spec{Tags: got.Tags, Properties: got.Properties, EnvironmentVariables: got.EnvironmentVariables}); diff != "" {
		t.Error(diff)
	}
}

func TestAnEnvironmentOfPartsFromElsewhere(t *testing.T) {
	d, err := parse("job.yml", t.TempDir(), []byte("command: x\nproperties: {all: &p numpy}\nenvironment:\n  conda_file: {dependencies: [*p, {pip: [*p]}]}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Job()
	if err != nil {
		t.Fatal(err)
	}
	made, err := environment.TranslateConda(got.Environment.CondaFile, "x")
	if err != nil || len(made.Definition.Requirements) != 1 {
		t.Errorf("%q: %+v, %v", got.Environment.CondaFile, made, err)
	}
}

func TestLoadReadsTheFileOnce(t *testing.T) {
	dir := files(t)
	path := filepath.Join(dir, "job.yml")
	if err := os.WriteFile(path, []byte("command: x\ncode: src\nenvironment: env.yml\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Job()
	if err != nil || got.Code != filepath.Join(dir, "src") || got.Environment.CondaFile != conda || got.Environment.Name != "e" {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, bad := range []string{filepath.Join(dir, "none.yml"), dir, "/dev/zero"} {
		if _, err := Load(bad, nil); atelier.CodeOf(err) != atelier.Invalid || !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestEnvironment(t *testing.T) {
	d, err := parse("env.yml", files(t), []byte("name: vision\nversion: 1.10\nimage: python:3.11\nos_type: linux\nconda_file:\n  dependencies: [python=3.11, {pip: [numpy]}]\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Environment()
	if err != nil || got.Version != "1.10" || got.CondaFileName != "conda_file of env.yml" {
		t.Fatalf("got %+v, %v", got, err)
	}
	if again, err := environment.TranslateConda(got.CondaFile, "x"); err != nil || again.Definition.Requirements[0] != "numpy" {
		t.Errorf("the conda file in place was changed: %q, %v", got.CondaFile, err)
	}
	d, err = parse("env.yml", files(t), []byte("name: a\ndependencies: [numpy]\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = d.Environment(); err == nil || !strings.Contains(err.Error(), "name it in conda_file") {
		t.Errorf("a conda file given as an environment: %v", err)
	}
}

func TestModel(t *testing.T) {
	dir := files(t)
	d, err := parse("model.yml", dir, []byte("name: diabetes\npath: ./model\ntype: mlflow_model\ntags: {a: 1}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Model()
	want := model.Register{Name: "diabetes", Path: filepath.Join(dir, "model"), Type: "mlflow_model", Tags: map[string]string{"a": "1"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for text, message := range map[string]string{"name: a\n": `"path" is missing`, "path: runs:/x/model\n": `"name" is missing`, "name: a\npath: runs:/x/m\ntype: mlflow\n": `Did you mean "mlflow_model"?`,
		"name: a\npath: model\nflavors: {}\n": "read from the MLmodel file"} {
		d, err := parse("model.yml", dir, []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Model(); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestOnlineDeployment(t *testing.T) {
	dir := files(t)
	d, err := parse("blue.yml", dir, []byte(`name: blue
endpoint_name: diabetes
type: managed
model: azureml:diabetes:3
code_configuration: {code: src, scoring_script: score.py}
environment: azureml://registries/azureml/environments/sklearn-1.5/labels/latest
instance_type: Standard_DS3_v2
instance_count: 2
app_insights_enabled: false
request_settings: {request_timeout_ms: 3000}
liveness_probe: {initial_delay: 1}
scale_settings: {type: target_utilization, min_instances: 0, max_instances: 5, target_utilization_percentage: 60, polling_interval: 2}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.OnlineDeployment()
	want := endpoint.CreateDeployment{Name: "blue", Endpoint: "diabetes", Model: "azureml:diabetes:3", InstanceType: "Standard_DS3_v2", InstanceCount: 2,
		CodeConfiguration: &endpoint.CodeConfiguration{Code: filepath.Join(dir, "src"), ScoringScript: "score.py"},
		Environment:       environment.Spec{Reference: "azureml://registries/azureml/environments/sklearn-1.5/labels/latest"},
		RequestSettings:   &endpoint.RequestSettings{RequestTimeoutMS: 3000}, LivenessProbe: &endpoint.Probe{InitialDelay: 1},
		ScaleSettings: &endpoint.ScaleSettings{Type: endpoint.UtilizationScale, MinInstances: new(int), MaxInstances: 5, TargetUtilization: 60, PollingInterval: 2}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for text, message := range map[string]string{
		"name: blue\n": "neither a model nor a scoring script",
		"name: blue\nmodel: {path: model, type: x}\n":                                                                        `"model.type" cannot be "x"`,
		"name: blue\nmodel: ./none\n":                                                                                        `"model" leads nowhere`,
		"name: blue\ntype: kubernetes\nmodel: model\n":                                                                       "Kubernetes online deployments are not there yet",
		"name: b\nmodel: model\n":                                                                                            "cannot name a deployment",
		"name: blue\nmodel: model\ndata_collector: {}\n":                                                                     `"data_collector.collections" is missing`,
		"name: blue\nmodel: model\ndata_collector: {collections: {in: {enabled: perhaps}}}\n":                                `"data_collector.collections.in.enabled" must be true or false`,
		"name: blue\nmodel: model\ndata_collector: {collections: {a/b: {enabled: true}}}\n":                                  `"a/b" cannot name a collection`,
		"name: blue\nmodel: model\ndata_collector: {collections: {in: {client_id: 12}}}\n":                                   "names an identity of Azure",
		"name: blue\nmodel: model\ndata_collector: {collections: {in: {data: {datastore: lake}}}}\n":                         "Name it in the path",
		"name: blue\nmodel: model\ndata_collector: {collections: {in: {data: {path: azureml://datastores/lake/paths/x}}}}\n": "own datastore so far",
		"name: blue\nmodel: model\ndata_collector: {collections: {in: {}}, sampling_rate: 7}\n":                              "from 0 to 1",
		"name: blue\nmodel: model\ndata_collector: {collections: {in: {}}, rolling_rate: week}\n":                            `"data_collector.rolling_rate" cannot be "week"`,
		"name: blue\nmodel: model\ndata_collector: {collections: {in: {}}, request_logging: {headers: [a]}}\n":               `Unknown key "data_collector.request_logging.headers"`,
		"name: blue\nmodel: model\nscale_settings: {type: moon}\n":                                                           `"scale_settings.type" cannot be "moon"`,
		"name: blue\nmodel: model\nscale_settings: {max_instances: 3}\n":                                                     "belongs to type target_utilization",
		"name: blue\ncode_configuration: {code: src, scoring_script: no.py}\n":                                               "There is no file no.py",
		"name: blue\ncode_configuration: {code: src, scoring_script: ../conda.yml}\n":                                        "There is no file ../conda.yml",
		"name: blue\ncode_configuration: {code: src}\n":                                                                      `"code_configuration.scoring_script" is missing`,
		"name: blue\nmodel: model\ninstance_count: two\n":                                                                    "whole number",
	} {
		d, err := parse("blue.yml", dir, []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.OnlineDeployment(); atelier.CodeOf(err) != atelier.Invalid || !strings.Contains(err.Error(), message) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestOnlineEndpoint(t *testing.T) {
	d, err := parse("endpoint.yml", t.TempDir(), []byte("name: diabetes\nauth_mode: key\ntraffic: {blue: 90, green: 10}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.OnlineEndpoint()
	if err != nil || got.Traffic["blue"] != 90 || got.AuthMode != endpoint.KeyAuth {
		t.Errorf("got %+v, %v", got, err)
	}
	for text, message := range map[string]string{"name: 1a\n": "cannot name an endpoint", "name: abc\nauth_mode: aad_token\n": "no Azure directory", "name: abc\ntraffic: {blue: 120}\n": "from 0 to 100", "name: abc\nidentity: {}\n": "not offered"} {
		d, err := parse("endpoint.yml", t.TempDir(), []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.OnlineEndpoint(); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestExamplesAreUnderstood reads every YAML file of the examples by what its
// name says that it is.
func TestExamplesAreUnderstood(t *testing.T) {
	readers := map[string]func(*Document) error{
		"job":         func(d *Document) error { _, err := d.Job(); return err },
		"deployment":  func(d *Document) error { _, err := d.OnlineDeployment(); return err },
		"endpoint":    func(d *Document) error { _, err := d.OnlineEndpoint(); return err },
		"model":       func(d *Document) error { _, err := d.Model(); return err },
		"environment": func(*Document) error { return nil }, // conda files, which jobs name
	}
	all, err := filepath.Glob("../../examples/*/*.yml")
	if err != nil || len(all) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range all {
		kind, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".yml"), "-")
		read, known := readers[kind]
		if !known {
			t.Errorf("%s: the name does not say what it is", file)
			continue
		}
		d, err := Load(file, nil)
		if err == nil {
			err = read(d)
		}
		if err != nil {
			t.Error(err)
		}
	}
}
