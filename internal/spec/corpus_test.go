package spec

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write testdata/corpus.golden anew")

// TestCorpus reads a file of every kind and with every refused key, and holds
// what is said of them against what was said before.
func TestCorpus(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/corpus.txtar")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := txtar.Write(archive, dir); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	seen := map[Kind]bool{}
	for _, file := range archive.Files {
		if !slices.Contains([]string{".yml", ".yaml", ""}, filepath.Ext(file.Name)) {
			continue
		}
		said, err := Inspect(filepath.Join(dir, file.Name))
		if err != nil {
			t.Fatal(err)
		}
		seen[said.Kind] = true
		fmt.Fprintf(&got, "%s: %s %s\n", file.Name, said.Verdict, said.Kind)
		for _, fault := range said.Faults {
			fmt.Fprintf(&got, "    %s: %s\n", fault.Place, fault.Message)
		}
		for _, note := range said.Notes {
			fmt.Fprintf(&got, "    note: %s\n", note)
		}
	}
	const golden = "testdata/corpus.golden"
	text := strings.ReplaceAll(got.String(), filepath.ToSlash(dir)+"/", "")
	if *update {
		if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("run `go test ./internal/spec -update` and look at the difference (-want +got):\n%s", diff)
	}
	for kind := range refusedKinds {
		if !seen[kind] {
			t.Errorf("no file of the corpus is %s", article(kind))
		}
	}
	for schema, kind := range schemas {
		if !seen[kind] {
			t.Errorf("no file of the corpus is %s, which $schema %q says", article(kind), schema)
		}
	}
}

// TestVerbsRefuseOtherKinds gives each verb a file of every other kind.
func TestVerbsRefuseOtherKinds(t *testing.T) {
	verbs := map[Kind]func(*Document) error{
		CommandJob:       func(d *Document) error { _, err := d.Job(); return err },
		DataAsset:        func(d *Document) error { _, err := d.Data(); return err },
		Model:            func(d *Document) error { _, err := d.Model(); return err },
		Environment:      func(d *Document) error { _, err := d.Environment(); return err },
		OnlineEndpoint:   func(d *Document) error { _, err := d.OnlineEndpoint(); return err },
		OnlineDeployment: func(d *Document) error { _, err := d.OnlineDeployment(); return err },
		BatchEndpoint:    func(d *Document) error { _, err := d.BatchEndpoint(); return err },
		BatchDeployment:  func(d *Document) error { _, err := d.BatchDeployment(); return err },
		Datastore:        func(d *Document) error { _, err := d.Datastore(); return err },
		Compute:          func(d *Document) error { _, err := d.Compute(); return err },
		Workspace:        func(d *Document) error { _, err := d.Workspace(); return err },
	}
	for text, want := range map[string]string{
		"name: a\ntype: sweep\n":                     "a.yml:2:7: The file describes a sweep job. Sweep jobs are not there yet.",
		"display_name: a\njobs: {b: {command: c}}\n": "a.yml:2:7: The file describes a pipeline job. Pipeline jobs are not there yet.",
		"$schema: x/featureSet.schema.json\nname: a": "a.yml:1:10: The file describes a feature set. Feature sets are not offered.",
		"name: a\ntype: kubernetes\n":                "a.yml:2:7: The file describes a Kubernetes compute. Kubernetes computes",
	} {
		for verb, read := range verbs {
			d, err := parse("a.yml", t.TempDir(), []byte(text), nil)
			if err == nil {
				err = read(d)
			}
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%q as %s: %v", text, article(verb), err)
			}
		}
	}
	d, err := parse("a.yml", t.TempDir(), []byte("name: a\ntype: mlflow_model\npath: runs:/a/b\n"), nil)
	if err == nil {
		_, err = d.Job()
	}
	if err == nil || !strings.Contains(err.Error(), "a.yml:2:7: The file describes a model, and a command job is wanted here.") {
		t.Errorf("a model as a job: %v", err)
	}
}
