package runner

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
)

// besideService is a program that runs beside the command until that ends.
type besideService struct {
	state  compute.ServiceState
	port   int
	secret string // by which the program knows us
}

// programs are what each type of service runs.
var programs = map[string]string{compute.TensorBoard: "tensorboard", compute.JupyterLab: "jupyter-lab"}

// begin starts a service, or notes why there is none. The job says it, too: nobody
// looks for a service's state before it is missed.
func (d *door) begin(name string, asked compute.SideService) {
	s := &besideService{state: compute.ServiceState{Name: name, Type: asked.Type, Status: compute.ServiceRunning}}
	d.services[name] = s
	if err := d.start(s, asked); err != nil {
		s.state.Status, s.state.Error, s.port = compute.ServiceFailed, err.Error(), 0
		d.r.tell(fmt.Sprintf("the service %s is not started: %v", name, err))
	}
}

func (d *door) start(s *besideService, asked compute.SideService) error {
	variables := d.r.variables(d.place)
	program := findProgram(variables, programs[asked.Type])
	if program == "" {
		return fmt.Errorf("there is no %s in the job's environment. Add it to the environment's packages", programs[asked.Type])
	}
	ports, err := freePorts(1)
	if err != nil {
		return err
	}
	s.port = ports[0]
	cmd := exec.Command(program, d.arguments(s, asked)...)
	cmd.Dir, cmd.Env = d.place.code, variables
	if s.secret != "" {
		cmd.Env = append(cmd.Env, "JUPYTER_TOKEN="+s.secret)
	}
	cmd.Stdout, cmd.Stderr = d.r.streams.runner, d.r.streams.runner
	cmd.WaitDelay = leftoverGrace                         // what it started may hold on to the pipe
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // without a signal at the end of this thread
	if err := cmd.Start(); err != nil {
		return err
	}
	d.r.kept.add(cmd.Process.Pid)
	go func() {
		cmd.Wait()
		d.r.kept.remove(cmd.Process.Pid)
		d.mu.Lock()
		defer d.mu.Unlock()
		s.port, s.state.Status, s.state.Error = 0, compute.ServiceFailed, "It ended by itself; system_logs/runner.txt has what it printed."
	}()
	return nil
}

// arguments are those of a service's program. It listens on this machine alone.
func (d *door) arguments(s *besideService, asked compute.SideService) []string {
	port := strconv.Itoa(s.port)
	if asked.Type == compute.JupyterLab {
		s.secret = atelier.NewSecret("jupyter_")
		return []string{"--no-browser", "--allow-root", "--ServerApp.ip=" + meetingHost, "--ServerApp.port=" + port, "--ServerApp.port_retries=0",
			"--ServerApp.root_dir=" + d.place.code}
	}
	folder := fillPaths(asked.LogDir, d.place)
	if !filepath.IsAbs(folder) {
		folder = filepath.Join(d.place.code, folder)
	}
	return []string{"--host", meetingHost, "--port", port, "--logdir", folder}
}

// findProgram returns the program that a shell with these variables would find, ""
// when there is none.
func findProgram(variables []string, name string) string {
	var path string
	for _, entry := range variables { // the last one counts
		if value, ok := strings.CutPrefix(entry, "PATH="); ok {
			path = value
		}
	}
	for _, folder := range filepath.SplitList(path) {
		found := filepath.Join(folder, name)
		if info, err := os.Stat(found); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 && filepath.IsAbs(found) {
			return found
		}
	}
	return ""
}
