package transfer

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier/internal/tracking/series"
)

func TestFilesOfAVersionAreFoundByTheIDInTheirAddress(t *testing.T) {
	const run = "058ec780a5ef4b119cf4fe8e496d20fd"
	for _, c := range []struct{ source, storage, want string }{
		{"runs:/" + run + "/model", "", "runs:/" + run + "/model"},
		{"models:/m-fd66a18853534eef863849b0d0c0bdbf", "", "models:/m-fd66a18853534eef863849b0d0c0bdbf"},
		{"file:///old/mlruns/1/" + run + "/artifacts/deep/model", "", "runs:/" + run + "/deep/model"},
		{"mlflow-artifacts:/1/models/m-fd66a18853534eef863849b0d0c0bdbf/artifacts", "", "models:/m-fd66a18853534eef863849b0d0c0bdbf"},
		{"s3://bucket/1/" + run + "/artifacts/model", "", "runs:/" + run + "/model"},
		{"models:/other/3", "s3://bucket/1/" + run + "/artifacts/model", "runs:/" + run + "/model"},
		{"/data/artifacts/churn/" + run + "/artifacts/model", "", "runs:/" + run + "/model"},
		{"/data/artifacts/" + run + "/artifacts/deep/artifacts/model", "", "runs:/" + run + "/deep/artifacts/model"},
		{"s3://bucket/somewhere/else", "", "s3://bucket/somewhere/else"},
		{"s3://bucket/1/ffffffffffffffffffffffffffffffff/artifacts/model", "", "s3://bucket/1/ffffffffffffffffffffffffffffffff/artifacts/model"},
	} {
		if got := (Version{Source: c.source, Storage: c.storage, RunID: run}).path(); got != c.want {
			t.Errorf("%s: %s; want %s", c.source, got, c.want)
		}
	}
}

// A database says where artifacts are. One from a stranger must not choose which
// files of this machine are sent.
func TestADatabaseCannotPointAtFiles(t *testing.T) {
	home := t.TempDir()
	const id = "058ec780a5ef4b119cf4fe8e496d20fd"
	write := func(name string) {
		t.Helper()
		full := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(id + "/artifacts/model.txt")
	write("project/artifacts/secret.txt")
	write("secret.txt")
	for _, c := range []struct {
		run, uri string
		want     []File
		fault    bool
	}{
		{id, home + "/" + id + "/artifacts", []File{{Path: "model.txt", Size: 1}}, false},
		{id, "file://" + home + "/" + id + "/artifacts", []File{{Path: "model.txt", Size: 1}}, false},
		{"project", home + "/project/artifacts", nil, true},
		{id, home, nil, true},
		{id, "s3://bucket/" + id + "/artifacts", nil, true},
		{"00000000000000000000000000000000", home + "/00000000000000000000000000000000/artifacts", nil, false},
	} {
		noted := &faults{}
		p := places{follow: true, faults: noted}
		got, err := p.files(Owner{Experiment: "1", Run: c.run, URI: c.uri}, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.uri, diff)
		}
		if (len(noted.Faults()) > 0) != c.fault {
			t.Errorf("%s: faults are %q", c.uri, noted.Faults())
		}
	}
}

func TestPointsOfAFileStore(t *testing.T) {
	for text, want := range map[string]string{
		"1 nan 0": "NaN", "1 inf": "Infinity", "1 -inf 3": "-Infinity", "1 1e-05 -2": "1e-05", "1 -0.0 0": "0", "7 0.5 1 name digest": "0.5",
	} {
		got, err := parsePoint(strings.Fields(text))
		if err != nil || got.Value.String() != want {
			t.Errorf("%q: %v, %v; want %s", text, got.Value, err, want)
		}
	}
	for _, text := range []string{"1", "x 1 0", "1 y 0", "1 1 z", "1 1 1.5"} {
		if _, err := parsePoint(strings.Fields(text)); err == nil {
			t.Errorf("%q is read as a point", text)
		}
	}
}

func TestPathsOfAServerStayInTheirFolder(t *testing.T) {
	for inner, outer := range map[string]string{"a": "", "a/b": "a", "a/b/c": "a"} {
		if !below(inner, outer) {
			t.Errorf("%q is not below %q", inner, outer)
		}
	}
	for inner, outer := range map[string]string{"": "", "a": "a", "..": "", "../a": "", "b/c": "a", "a/../../b": "a", "ab": "a", "a//b": "a"} {
		if below(inner, outer) {
			t.Errorf("%q is below %q", inner, outer)
		}
	}
}

// More points than fit into memory at once come out sorted, each once.
func TestUniquePoints(t *testing.T) {
	u := &unique{}
	defer u.close()
	const distinct = atOnce + 10_000
	for round := range 2 {
		for i := range distinct {
			n := int64((i*7919 + round) % distinct)
			value := series.Value(n)
			if n == 5 {
				value = series.Value(math.NaN())
			}
			if err := u.add(series.Point{Step: n, Timestamp: series.Timestamp(n / 2), Value: value}); err != nil {
				t.Fatal(err)
			}
		}
	}
	next := int64(0)
	err := u.each(func(p series.Point) error {
		if p.Step != next || int64(p.Timestamp) != next/2 || p.Value.IsNaN() != (next == 5) {
			t.Fatalf("got %v as number %d", p, next)
		}
		next++
		return nil
	})
	if err != nil || next != distinct || len(u.spills) < 2 {
		t.Errorf("%d points, %v, %d spills; want %d", next, err, len(u.spills), distinct)
	}
}
