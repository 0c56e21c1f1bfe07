package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/atelier-ml/atelier/test/bench/internal/process"
)

const (
	rows     = `{"data": [[5.1, 3.5, 1.4, 0.2]]}`
	inputs   = `{"inputs": [[5.1, 3.5, 1.4, 0.2]]}`
	tensor   = `{"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [5.1, 3.5, 1.4, 0.2]}]}`
	endpoint = "bench"
)

// contestant is a server that takes part.
type contestant struct {
	name   string
	python string // of its environment
	start  func(ctx context.Context, dir string) (*served, error)
}

func (c contestant) missing() bool {
	_, err := os.Stat(c.python)
	return err != nil
}

func contestants(bin, peers string) []contestant {
	python := func(name string) string {
		path, _ := filepath.Abs(filepath.Join(peers, name, "bin", "python"))
		return path
	}
	other := func(name, path, body string, args func(dir, port string) []string) contestant {
		environment, _, _ := strings.Cut(name, "-")
		p := peer{python(environment), name, path, body, args}
		return contestant{name, p.python, p.start}
	}
	ours := func(name, environment string, d deployed) contestant {
		d.bin, d.python = bin, python(environment)
		return contestant{name, d.python, d.start}
	}
	mlserver := func(dir, _ string) []string {
		return []string{filepath.Join(filepath.Dir(python("mlserver")), "mlserver"), "start", dir}
	}
	script := map[string]any{"code_configuration": map[string]string{"code": here(), "scoring_script": "score.py"}}
	return []contestant{
		ours("atelier", "azure", deployed{path: "/score", body: rows, settings: script}),
		ours("atelier-batches", "azure", deployed{path: "/score", body: rows, settings: script,
			properties: map[string]string{"atelier.max_batch_size": "64"}}),
		ours("atelier-mlflow", "mlflow", deployed{path: "/invocations", body: inputs, train: "mlflow"}),
		ours("atelier-mlflow-batches", "mlflow", deployed{path: "/invocations", body: inputs, train: "mlflow",
			properties: map[string]string{"atelier.max_batch_size": "64"}}),
		other("azure", "/score", rows, func(_, port string) []string {
			return []string{"-m", "azureml_inference_server_http.amlserver", "--entry_script", filepath.Join(here(), "score.py"), "--port", port}
		}),
		other("mlflow", "/invocations", inputs, func(dir, port string) []string {
			return []string{"-m", "mlflow", "models", "serve", "-m", filepath.Join(dir, "model"), "--env-manager", "local", "--port", port, "--workers", "1"}
		}),
		other("mlserver", "/v2/models/iris/infer", tensor, mlserver),
		other("mlserver-batches", "/v2/models/iris/infer", tensor, mlserver),
		other("bentoml", "/score", rows, func(dir, port string) []string {
			return []string{"-m", "bentoml", "serve", "service:Iris", "--port", port, "--working-dir", dir}
		}),
	}
}

// asleep is a deployment that ends its worker when nobody has asked for a second.
func asleep(bin, peers string) deployed {
	python, _ := filepath.Abs(filepath.Join(peers, "azure", "bin", "python"))
	return deployed{bin: bin, python: python, path: "/score", body: rows, settings: map[string]any{
		"code_configuration": map[string]string{"code": here(), "scoring_script": "score.py"},
		"scale_settings": map[string]any{"type": "target_utilization", "min_instances": 0, "max_instances": 1,
			"polling_interval": 1, "scale_down_delay": 1}}}
}

// here is the folder of this program's sources.
func here() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(file)
}

// peer is one of the others.
type peer struct {
	python, name, path, body string
	args                     func(dir, port string) []string
}

// start starts the peer in a process group of its own, which ends as a whole.
func (p peer) start(ctx context.Context, dir string) (*served, error) {
	if p.name != "azure" {
		if out, err := exec.Command(p.python, filepath.Join(here(), "train.py"), p.name, dir).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("train: %w: %s", err, out)
		}
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	command := exec.Command(p.python, p.args(dir, port)...)
	command.Dir = here()
	command.Env = append(os.Environ(), "PATH="+filepath.Dir(p.python)+":"+os.Getenv("PATH"), "AML_APP_ROOT="+here(),
		"MLSERVER_HTTP_PORT="+port, "MLSERVER_GRPC_PORT=0", "MLSERVER_METRICS_PORT=0", "MLSERVER_PARALLEL_WORKERS=0", "BENTOML_DO_NOT_TRACK=True")
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	command.Stdout, command.Stderr = log, log
	began := time.Now()
	if err := command.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		command.Wait()
		close(ended)
	}()
	s := &served{url: "http://127.0.0.1:" + port + p.path, body: p.body, header: http.Header{}, ended: ended, stop: func() {
		syscall.Kill(-command.Process.Pid, syscall.SIGTERM) // some have workers outside the group, which they end themselves
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
			<-ended
		}
	}}
	if err := s.firstAnswer(ctx, began); err != nil {
		s.stop()
		text, _ := os.ReadFile(log.Name())
		return nil, fmt.Errorf("%w\n%s", err, text)
	}
	return s, nil
}

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}

// deployed is a deployment of ours.
type deployed struct {
	bin, python, path, body string
	train                   string // what train.py is asked to write; a script trains by itself
	settings                map[string]any
	properties              map[string]string
}

// file writes the deployment's YAML, which is JSON here, and returns its name.
func (d deployed) file(dir string) (string, error) {
	settings := map[string]any{"name": "blue", "endpoint_name": endpoint, "environment": "system", "properties": d.properties,
		"request_settings": map[string]int{"max_concurrent_requests_per_instance": 64, "request_timeout_ms": 60_000}}
	maps.Copy(settings, d.settings)
	if d.train != "" {
		if out, err := exec.Command(d.python, filepath.Join(here(), "train.py"), d.train, dir).CombinedOutput(); err != nil {
			return "", fmt.Errorf("train: %w: %s", err, out)
		}
		settings["model"] = map[string]string{"path": filepath.Join(dir, "model"), "type": "mlflow_model"}
	}
	text, err := json.Marshal(settings)
	name := filepath.Join(dir, "deployment.yml")
	return name, errors.Join(err, os.WriteFile(name, text, 0o600))
}

// start deploys on the environment's own Python.
func (d deployed) start(ctx context.Context, dir string) (*served, error) {
	before := os.Getenv("PATH")
	os.Setenv("PATH", filepath.Dir(d.python)+":"+before)
	defer os.Setenv("PATH", before)
	file, err := d.file(dir)
	if err != nil {
		return nil, err
	}
	server, err := process.StartAtelier(ctx, d.bin, dir)
	if err != nil {
		return nil, err
	}
	run := func(args ...string) (string, error) {
		command := exec.Command(d.bin, append(args, "--server", server.URL)...)
		command.Env = append(os.Environ(), "ATELIER_TOKEN="+server.Token, "XDG_CONFIG_HOME="+filepath.Join(dir, "config"))
		var problems strings.Builder
		command.Stderr = &problems
		out, err := command.Output()
		if err != nil {
			err = fmt.Errorf("%v: %w: %s%s", args, err, out, problems.String())
		}
		return string(out), err
	}
	s := &served{url: server.URL + "/workspaces/default/endpoints/" + endpoint + d.path, body: d.body, header: http.Header{}, stop: func() {
		run("online-endpoint", "delete", endpoint, "--yes")
		untilGone(filepath.Join(server.Data, "tasks", "*", "worker.sock"))
		server.Stop()
	}}
	_, err = run("online-endpoint", "create", "-n", endpoint)
	var keys struct {
		Primary string `json:"primary_key"`
	}
	if err == nil {
		var text string
		text, err = run("online-endpoint", "get-credentials", endpoint, "-o", "json")
		err = errors.Join(err, json.Unmarshal([]byte(text), &keys))
	}
	s.header.Set("Authorization", "Bearer "+keys.Primary)
	began := time.Now()
	if err == nil {
		_, err = run("online-deployment", "create", "-f", file, "--all-traffic")
	}
	if err == nil {
		err = s.firstAnswer(ctx, began)
	}
	if err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// untilGone waits for the workers to end, which would outlive the server.
func untilGone(sockets string) {
	for range 500 {
		if found, _ := filepath.Glob(sockets); len(found) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}
