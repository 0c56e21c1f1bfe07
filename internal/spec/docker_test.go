package spec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/environment"
)

// dockerContext makes a folder with a context in it, and secrets beside it.
func dockerContext(t *testing.T, dockerfile string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"ctx/Dockerfile": dockerfile, "ctx/r.txt": "numpy==2.1.3\n", "ctx/bad.txt": "numpy\n-e .\n", "ctx/sub/own": "FROM python:3.12\n", "secret.txt": "secret\n",
	} {
		place := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(place, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"link.txt": "../secret.txt", "loop": "loop"} {
		if err := os.Symlink(target, filepath.Join(dir, "ctx", name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestDockerBuildInAJob(t *testing.T) {
	const dockerfile = "FROM python:3.11\nCOPY . /x\nRUN pip install -r /x/r.txt\n"
	d, err := parse("job.yml", dockerContext(t, dockerfile), []byte("command: x\nenvironment: {build: {path: ctx}}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	job, err := d.Job()
	if err != nil {
		t.Fatal(err)
	}
	want := environment.Spec{Build: &environment.DockerBuild{Dockerfile: dockerfile, DockerfileName: "ctx/Dockerfile", Files: map[string]string{"r.txt": "numpy==2.1.3\n"}}}
	if diff := cmp.Diff(want, job.Environment); diff != "" {
		t.Error(diff)
	}
}

func TestDockerBuildReadsItsFolderAlone(t *testing.T) {
	const install = "FROM python:3.11\nCOPY . /x\nRUN pip install -r /x/"
	for name, test := range map[string]struct{ dockerfile, build, place, message string }{
		"a link out":        {install + "link.txt\n", "{path: ctx}", "ctx/Dockerfile:3", "not in the image"},
		"a link in circles": {install + "loop\n", "{path: ctx}", "ctx/Dockerfile:3", "not in the image"},
		"a folder":          {install + "sub\n", "{path: ctx}", "ctx/Dockerfile:3", "not in the image"},
		"Dockerfile out":    {"", "{path: ctx, dockerfile_path: ../secret.txt}", "env.yml:2", "cannot be read"},
		"Dockerfile linked": {"", "{path: ctx, dockerfile_path: link.txt}", "env.yml:2", "cannot be read"},
		"Dockerfile at /":   {"", "{path: ctx, dockerfile_path: /etc/passwd}", "env.yml:2", "cannot be read"},
		"a fault inside":    {install + "bad.txt\n", "{path: ctx}", "ctx/bad.txt:2", "local folder"},
		"git":               {"", "{path: 'git+https://example.org/x'}", "env.yml:2", "git repository"},
		"an address":        {"", "{path: 'https://example.org/x'}", "env.yml:2", "folder on this machine"},
		"no path":           {"", "{dockerfile_path: Dockerfile}", "env.yml:2", "is missing"},
		"too large":         {strings.Repeat("#", maxFileBytes+1), "{path: ctx}", "env.yml:2", "larger than"},
		"beside an image":   {"FROM python:3.11\n", "{path: ctx}\nimage: x", "env.yml:2", "build, or else"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := parse("env.yml", dockerContext(t, test.dockerfile), []byte("name: a\nbuild: "+test.build+"\n"), nil)
			if err == nil {
				_, err = d.Environment()
			}
			if atelier.CodeOf(err) != atelier.Invalid || !strings.Contains(err.Error(), test.place) || !strings.Contains(err.Error(), test.message) {
				t.Errorf("got %v; want %q at %q", err, test.message, test.place)
			}
		})
	}
}
