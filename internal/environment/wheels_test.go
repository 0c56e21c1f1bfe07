package environment

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestForMachine(t *testing.T) {
	d := Definition{Name: tensorflow, Requirements: []string{"keras==3.15.1", "tensorflow-cpu==2.16.2; sys_platform == 'linux'"}}
	if got := forMachine(d, false); !slices.Equal(got, d.Requirements) {
		t.Errorf("without a GPU: %q", got)
	}
	want := []string{"keras==3.15.1", "tensorflow[and-cuda]==2.16.2; sys_platform == 'linux'"}
	if got := forMachine(d, true); !slices.Equal(got, want) {
		t.Errorf("with a GPU: %q, want %q", got, want)
	}
	d.Source = "conda.yml"
	if got := forMachine(d, true); !slices.Equal(got, d.Requirements) {
		t.Errorf("what somebody wrote was changed: %q", got)
	}
	if hasGPU(filepath.Join(t.TempDir(), "none")) {
		t.Error("a GPU was found where there is no driver")
	}
}

func TestNobodyChose(t *testing.T) {
	for name, want := range map[string]bool{"HOME": true, "UV_TORCH_BACKEND": false, "UV_DEFAULT_INDEX": false, "PIP_INDEX_URL": false} {
		if got := nobodyChose(func(asked string) (string, bool) { return "x", asked == name }); got != want {
			t.Errorf("with %s: %v, want %v", name, got, want)
		}
	}
}

func TestLargePackages(t *testing.T) {
	for requirement, want := range map[string]bool{
		"torch": true, "torch==2.8.0": true, "torch>=2": true, "tensorflow[and-cuda]==2.16.2": true, "tensorflow-cpu==2.16.2": true, "nvidia-nccl-cu12": true,
		"torchmetrics": false, "torch-tb-profiler==1": false, "numpy": false, "tensorflow-datasets==4.9": false, "xgboost-cpu==3.2.0": false,
	} {
		if got := largePackages.MatchString(requirement); got != want {
			t.Errorf("%s: %v, want %v", requirement, got, want)
		}
	}
}

func TestToDownload(t *testing.T) {
	lock := `[[packages]]
name = "torch"
sdist = { url = "https://a/torch.tar.gz", size = 5, hashes = {} }
wheels = [{ url = "https://a/torch.whl", size = 888000000, hashes = {} }]

[[packages]]
name = "seqeval"
sdist = { url = "https://a/seqeval.tar.gz", size = 43000000, hashes = {} }

[[packages]]
name = "odd"
wheels = [{ url = "https://a/odd.whl", hashes = {} }]
`
	want := "To download: 931 MB in 2 packages (torch 888 MB, seqeval 43 MB). What uv keeps in its cache is not downloaded again.\nThe index does not tell the size of 1 more.\n"
	if got := toDownload(lock); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := toDownload("error: no solution"); got != "" {
		t.Errorf("got %q", got)
	}
}

// Where PyTorch's own index cannot be reached, its wheels come from the default
// one. A program that speaks as uv does plays the network that is down.
func TestPyTorchsIndexCannotBeReached(t *testing.T) {
	dir := t.TempDir()
	calls := filepath.Join(dir, "calls")
	fake := filepath.Join(dir, "uv")
	script := "#!/bin/sh\necho \"$UV_TORCH_BACKEND $2\" >>" + calls + `
if [ -n "$UV_TORCH_BACKEND" ]; then
	echo "error: Failed to fetch: https://download.pytorch.org/whl/cpu/torch/" >&2
	exit 2
fi
`
	if err := os.WriteFile(fake, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"UV_TORCH_BACKEND", "UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_NO_INDEX",
		"UV_OFFLINE", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"} {
		t.Setenv(name, "") // so that it is as it was in the end
		os.Unsetenv(name)
	}
	lock, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	for requirement, want := range map[string]string{
		"torch==2.8.0":           "auto compile\n compile\n install\n",
		"pytorch-lightning==2.6": "auto install\n install\n",
	} {
		os.Remove(calls)
		var log bytes.Buffer
		tool := uvTool{path: fake, log: &log, lock: lock}
		if err := tool.install(t.Context(), dir, BuildOptions{Root: dir, Definition: Definition{Requirements: []string{requirement}}, Log: io.Discard}); err != nil {
			t.Fatalf("%v\n%s", err, log.String())
		}
		said, _ := os.ReadFile(calls)
		if got := strings.ReplaceAll(string(said), " dir\n", ""); strings.ReplaceAll(got, "auto dir\n", "") != want {
			t.Errorf("%s: uv was called as %q, want %q", requirement, got, want)
		}
		if !strings.Contains(log.String(), "PyTorch's own index") {
			t.Errorf("the log does not say so:\n%s", log.String())
		}
	}
}
