package environment

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// nvidiaFolder is where NVIDIA's driver shows the machine's GPUs.
const nvidiaFolder = "/proc/driver/nvidia/gpus"

func hasGPU(folder string) bool {
	entries, err := os.ReadDir(folder)
	return err == nil && len(entries) > 0
}

// forMachine returns the requirements of d as this machine needs them: the
// curated TensorFlow is the one for processors, unless there is a GPU.
func forMachine(d Definition, gpu bool) []string {
	if !gpu || d.Name != tensorflow || d.Source != "" {
		return d.Requirements
	}
	lines := slices.Clone(d.Requirements)
	for i, line := range lines {
		if rest, found := strings.CutPrefix(line, "tensorflow-cpu=="); found {
			lines[i] = "tensorflow[and-cuda]==" + rest
		}
	}
	return lines
}

// PyTorch's wheels on the Python package index hold CUDA, which is 2.5 GB more
// than a machine without a GPU needs. uv chooses by the machine's driver from
// PyTorch's own indexes, which lie on this host.
const torchHost = "download.pytorch.org"

// largePackages are those of which one can fill a disk or a slow line.
var largePackages = regexp.MustCompile(`^(?:torch|torchvision|torchaudio|tensorflow|tensorflow-(?:cpu|gpu|intel)|jax|vllm|deepspeed|xgboost|pyspark|paddlepaddle(?:-gpu)?|cupy-[a-z0-9]+|nvidia-[a-z0-9-]+)(?:$|[^a-z0-9-])`)

// choose has uv choose among the wheels of PyTorch, unless somebody else has
// chosen. Of an environment with large packages it tells what there is to
// download before that begins.
func (u uvTool) choose(ctx context.Context, python, list string, d Definition) uvTool {
	u.choosesTorch = !slices.ContainsFunc(d.Options, isIndex) && nobodyChose(os.LookupEnv)
	if !slices.ContainsFunc(d.Requirements, largePackages.MatchString) {
		return u
	}
	lock, err := u.plan(ctx, python, list)
	if err != nil && u.choosesTorch && unreachable(lock, torchHost) {
		u = u.withoutChoice()
		lock, err = u.plan(ctx, python, list)
	}
	if err == nil { // else the installation says what is wrong
		fmt.Fprint(u.log, toDownload(lock))
	}
	return u
}

// withoutChoice takes PyTorch's wheels from where all others come from.
func (u uvTool) withoutChoice() uvTool {
	fmt.Fprintln(u.log, "PyTorch's own index ("+torchHost+") cannot be reached, so its wheels come from the default index. They hold CUDA, and are large.")
	u.choosesTorch = false
	return u
}

func isIndex(option string) bool {
	return strings.HasPrefix(option, "--index-url") || strings.HasPrefix(option, "--extra-index-url") || option == "--no-index"
}

// nobodyChose reports whether neither PyTorch's wheels nor the index to take
// packages from were chosen for this machine.
func nobodyChose(lookup func(name string) (string, bool)) bool {
	for _, name := range []string{"UV_TORCH_BACKEND", "UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_NO_INDEX",
		"UV_OFFLINE", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"} {
		if _, set := lookup(name); set {
			return false
		}
	}
	return true
}

// plan asks uv which files an installation takes, as a lock of PEP 751.
func (u uvTool) plan(ctx context.Context, python, list string) (string, error) {
	command := exec.CommandContext(ctx, u.path, "pip", "compile", "--quiet", "--no-annotate", "--format", "pylock.toml", "--python", python, list)
	command.Env = u.environ()
	said, err := command.CombinedOutput()
	return string(said), err
}

var (
	lockedName  = regexp.MustCompile(`(?m)^name = "([^"]+)"`)
	lockedWheel = regexp.MustCompile(`(?m)^wheels = .*? size = (\d+)`)
	lockedSdist = regexp.MustCompile(`(?m)^sdist = .*? size = (\d+)`)
)

// toDownload says how large the files of a lock are, and which are the largest.
// Of each package uv locks the one wheel that suits the machine.
func toDownload(lock string) string {
	type file struct {
		name string
		size int64
	}
	var files []file
	total, unknown := int64(0), 0
	for _, block := range strings.Split(lock, "[[packages]]")[1:] {
		name, size := lockedName.FindStringSubmatch(block), lockedWheel.FindStringSubmatch(block)
		if size == nil {
			size = lockedSdist.FindStringSubmatch(block)
		}
		if name == nil || size == nil {
			unknown++
			continue
		}
		bytes, _ := strconv.ParseInt(size[1], 10, 64)
		files = append(files, file{name[1], bytes})
		total += bytes
	}
	if len(files) == 0 {
		return ""
	}
	slices.SortFunc(files, func(a, b file) int { return int(b.size - a.size) })
	var largest []string
	for _, f := range files[:min(3, len(files))] {
		largest = append(largest, f.name+" "+megabytes(f.size))
	}
	text := fmt.Sprintf("To download: %s in %d packages (%s). What uv keeps in its cache is not downloaded again.\n",
		megabytes(total), len(files), strings.Join(largest, ", "))
	if unknown > 0 {
		text += fmt.Sprintf("The index does not tell the size of %d more.\n", unknown)
	}
	return text
}

func megabytes(size int64) string { return fmt.Sprintf("%.0f MB", max(1, float64(size)/1e6)) }
