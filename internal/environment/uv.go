package environment

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/atelier-ml/atelier"
)

// uvVersion is the uv that is installed where the machine has none.
const uvVersion = "0.13.9"

// uvTool runs uv.
type uvTool struct {
	path string
	log  io.Writer
	lock *os.File // handed to uv, so that the lock lasts as long as it runs
	// choosesTorch has uv choose PyTorch's wheels by the machine's driver.
	choosesTorch bool
}

// pythonForUV is what can install uv. The first python3 of a machine may be
// older, and it is not the one that environments are made with.
const pythonForUV = ">=3.8"

// findUV returns the path of uv: the one on PATH, our own in tools, the one that
// Python has as a package, or our own again, installed now.
func findUV(ctx context.Context, tools string, log io.Writer) (string, error) {
	if path, err := exec.LookPath("uv"); err == nil && works(ctx, path) {
		return path, nil
	}
	tools, err := filepath.Abs(tools)
	if err != nil {
		return "", err
	}
	own := filepath.Join(tools, "uv-"+uvVersion, "bin", "uv")
	if works(ctx, own) {
		return own, nil
	}
	python, err := choosePython(ctx, pythonForUV)
	if err != nil {
		return "", blame(err, "uv, which builds environments,")
	}
	if found, err := exec.CommandContext(ctx, python, "-c", "import uv; print(uv.find_uv_bin())").Output(); err == nil {
		if path := strings.TrimSpace(string(found)); works(ctx, path) {
			return path, nil
		}
	}
	return own, installUV(ctx, python, own, log)
}

func works(ctx context.Context, program string) bool {
	return exec.CommandContext(ctx, program, "--version").Run() == nil
}

// installUV installs uv as own with python's pip, once, whoever else tries at
// the same time.
func installUV(ctx context.Context, python, own string, log io.Writer) error {
	dir := filepath.Dir(filepath.Dir(own))
	tools := filepath.Dir(dir)
	if err := os.MkdirAll(tools, 0o700); err != nil {
		return err
	}
	lock, err := takeLock(ctx, filepath.Join(tools, "uv.lock"), alone, func() {})
	if err != nil {
		return err
	}
	defer lock.Close()
	if works(ctx, own) {
		return nil
	}
	fmt.Fprintf(log, "Installing uv %s, which builds environments (once per machine).\n", uvVersion)
	wanted := "uv==" + uvVersion
	recipes := [][][]string{
		{{python, "-m", "venv", dir}, {filepath.Join(dir, "bin", "python"), "-m", "pip", "install", wanted}},
		{{python, "-m", "pip", "install", "--target", dir, wanted}}, // Debian may lack the venv module
	}
	var output bytes.Buffer
	for _, recipe := range recipes {
		os.RemoveAll(dir)
		for _, args := range recipe {
			command := exec.CommandContext(ctx, args[0], args[1:]...)
			command.Stdout, command.Stderr = &output, &output
			if command.Run() != nil {
				break
			}
		}
		if works(ctx, own) {
			return nil
		}
	}
	log.Write(output.Bytes())
	os.RemoveAll(dir)
	return atelier.Errorf(atelier.Unavailable, "uv, which builds environments, is not on this machine and could not be installed: %s.",
		strings.TrimRight(lastLine(output.String()), ".")).WithHint("Install it (`python3 -m pip install uv`) and put it on PATH.")
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return atelier.Clip(strings.TrimSpace(lines[len(lines)-1]), 300)
}

// makeFolder makes an empty virtual environment.
func (u uvTool) makeFolder(ctx context.Context, python, dir string) error {
	said, err := u.run(ctx, "venv", "--quiet", "--no-project", "--python", python, dir)
	if err != nil {
		return buildError(ctx, said, err)
	}
	return nil
}

// install resolves and installs the requirements.
func (u uvTool) install(ctx context.Context, dir string, options BuildOptions) error {
	d := options.Definition
	if len(d.Requirements) == 0 {
		return nil
	}
	list := filepath.Join(dir, "requirements.txt")
	lines := slices.Concat(d.Options, forMachine(d, hasGPU(nvidiaFolder)))
	if err := os.WriteFile(list, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		return err
	}
	python := filepath.Join(dir, "bin", "python")
	u = u.choose(ctx, python, list, d)
	args := []string{"pip", "install", "--python", python, "--link-mode", u.linkMode(ctx, options.Root), "--requirements", list}
	said, err := u.run(ctx, args...)
	if err != nil && u.choosesTorch && unreachable(said, torchHost) {
		u = u.withoutChoice()
		said, err = u.run(ctx, args...)
	}
	if err != nil {
		return buildError(ctx, said, err)
	}
	return nil
}

// linkMode shares files with uv's cache where both lie on one file system.
func (u uvTool) linkMode(ctx context.Context, root string) string {
	said, err := exec.CommandContext(ctx, u.path, "cache", "dir").Output()
	if err != nil {
		return "copy"
	}
	cache := strings.TrimSpace(string(said))
	os.MkdirAll(cache, 0o755)
	if a, b := device(cache), device(root); a == b && a != 0 {
		return "hardlink"
	}
	return "copy"
}

func device(path string) uint64 {
	var stat syscall.Stat_t
	if syscall.Stat(path, &stat) != nil {
		return 0
	}
	return uint64(stat.Dev)
}

// list returns what is installed.
func (u uvTool) list(ctx context.Context, python string) ([]Package, error) {
	said, err := u.ask(ctx, "pip", "list", "--format", "json", "--python", python)
	if err != nil {
		return nil, fmt.Errorf("list the environment's packages: %w", err)
	}
	packages := []Package{}
	if err := json.Unmarshal(said, &packages); err != nil {
		return nil, fmt.Errorf("list the environment's packages: %w", err)
	}
	slices.SortFunc(packages, func(a, b Package) int { return cmp.Compare(a.Name, b.Name) })
	return packages, nil
}

// freeze returns what is installed as requirements.
func (u uvTool) freeze(ctx context.Context, python string) ([]string, error) {
	said, err := u.ask(ctx, "pip", "freeze", "--python", python)
	if err != nil {
		return nil, fmt.Errorf("lock the environment's packages: %w", err)
	}
	return normaliseAll(strings.Split(string(said), "\n")), nil
}

// ask runs uv for its answer.
func (u uvTool) ask(ctx context.Context, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, u.path, args...)
	command.Env = uvEnvironment(os.Environ())
	return command.Output()
}

// run starts uv in a process group of its own, so that a cancelled build takes
// the compilers it started with it, and returns what it said.
func (u uvTool) run(ctx context.Context, args ...string) (string, error) {
	var said bytes.Buffer
	command := exec.CommandContext(ctx, u.path, args...)
	command.Env = u.environ()
	command.Stdout = io.MultiWriter(&said, u.log)
	command.Stderr = command.Stdout
	command.ExtraFiles = []*os.File{u.lock}
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	command.WaitDelay = 5 * time.Second
	err := command.Run()
	return said.String(), err
}

// environ is what uv sees where it installs.
func (u uvTool) environ() []string {
	environ := uvEnvironment(os.Environ())
	if u.choosesTorch {
		environ = append(environ, "UV_TORCH_BACKEND=auto") // older ones, which cannot, ignore it
	}
	return environ
}

// uvEnvironment returns environ as uv should see it: no other Python shines
// through, nothing is downloaded that nobody asked for, and where pip has been
// told of a company's package index, uv uses it too.
func uvEnvironment(environ []string) []string {
	unwanted := []string{"VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME", "UV_PYTHON", "UV_PROJECT_ENVIRONMENT", "UV_SYSTEM_PYTHON"}
	given := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if !slices.Contains(unwanted, name) {
			given[name] = value
		}
	}
	fallback := func(name, value string) {
		if _, there := given[name]; !there && value != "" {
			given[name] = value
		}
	}
	if given["UV_INDEX_URL"] == "" {
		fallback("UV_DEFAULT_INDEX", given["PIP_INDEX_URL"])
	}
	fallback("UV_INDEX", given["PIP_EXTRA_INDEX_URL"])
	fallback("UV_FIND_LINKS", given["PIP_FIND_LINKS"])
	fallback("UV_PYTHON_DOWNLOADS", "never")
	fallback("UV_NO_PROGRESS", "1")
	fallback("NO_COLOR", "1")
	result := make([]string, 0, len(given))
	for name, value := range given {
		result = append(result, name+"="+value)
	}
	slices.Sort(result)
	return result
}

// fault is what is wrong with the making of an environment, told with the name by
// which somebody knows the environment. Whoever has the same packages under
// another name, perhaps in another workspace, reads the fault without it.
type fault func(source string) *atelier.Error

func (f fault) Error() string { return f("The environment").Error() }

// blame names the source of a fault.
func blame(err error, source string) error {
	if f := fault(nil); errors.As(err, &f) {
		return f(source)
	}
	return err
}

// buildError makes of what uv said a fault with the resolver's own words.
func buildError(ctx context.Context, said string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	words := resolverWords(said)
	if words == "" {
		words = err.Error()
	}
	if unreachable(said, "") {
		return fault(func(source string) *atelier.Error {
			return atelier.Errorf(atelier.Unavailable, "%s: the packages could not be fetched: %s", source, words).
				WithHint("Check the network and the package index (UV_DEFAULT_INDEX), then submit again.")
		})
	}
	return fault(func(source string) *atelier.Error {
		return atelier.Errorf(atelier.Invalid, "%s: the packages cannot be installed: %s", source, words).
			WithHint("Change the versions and submit again.")
	})
}

// unreachable reports whether uv said that it could not reach host, or any when
// host is empty.
func unreachable(said, host string) bool {
	return strings.Contains(said, host) && slices.ContainsFunc(
		[]string{"error sending request", "dns error", "Failed to fetch", "Request failed after"},
		func(sign string) bool { return strings.Contains(said, sign) })
}

// resolverWords returns uv's complaint on one line, without its drawing.
func resolverWords(said string) string {
	from := max(strings.Index(said, "×"), strings.Index(said, "error:"), 0)
	drawing := strings.NewReplacer("×", "", "╰─▶", ":", "├─▶", ":", "│", "", "error: ", "", "\n  cause: ", ": ")
	return atelier.Clip(strings.Join(strings.Fields(drawing.Replace(said[from:])), " "), 4000)
}
