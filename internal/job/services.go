package job

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
)

// SideService asks for a program beside the command, in Azure Machine Learning's
// words.
type SideService struct {
	Type   string `json:"type" doc:"tensor_board or jupyter_lab."`
	LogDir string `json:"log_dir,omitempty" doc:"Of tensor_board: the folder that it shows, in the command's place; \"logs\" if it is left out."`
	Nodes  string `json:"nodes,omitempty" doc:"Only \"all\": there is one machine."`
}

// ServiceTypes are the kinds of SideService.
var ServiceTypes = []string{compute.TensorBoard, compute.JupyterLab}

// RefusedServices are kinds of services that Azure has, and why there are none here.
var RefusedServices = map[string]string{
	"ssh":      "A shell in a running job needs no service and no key: `atelier job shell NAME`.",
	"vs_code":  "No remote editor is started in jobs. Use jupyter_lab, or `atelier job shell NAME`.",
	"custom":   "Only programs that are known are reached through the server. Use tensor_board or jupyter_lab.",
	"tracking": "Every job has its run; MLFLOW_TRACKING_URI is set in it.",
	"studio":   "The Studio shows every job.",
}

// RefusedService is the error for a kind of service that there is not.
func RefusedService(kind string) string {
	if why, known := RefusedServices[kind]; known {
		return "A service of the type " + kind + " is not offered. " + why
	}
	return "There is no service of the type \"" + atelier.Clip(kind, 40) + "\". The types are " + strings.Join(ServiceTypes, ", ") + "."
}

// ServiceName is what a service can be called.
var ServiceName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,62}$`)

const defaultLogDir = "logs"

// services checks the services that a job asks for, and returns them as its runner
// starts them.
func (j *Job) services() (map[string]compute.SideService, error) {
	wanted := map[string]compute.SideService{}
	for name, service := range j.Services {
		where := "services." + name
		switch {
		case !ServiceName.MatchString(name):
			return nil, atelier.Errorf(atelier.Invalid, "%q cannot name a service.", atelier.Clip(name, 60)).At("services").
				WithHint("Use letters, digits, '_' and '-'.")
		case !slices.Contains(ServiceTypes, service.Type):
			return nil, atelier.Errorf(atelier.Invalid, "%s", RefusedService(service.Type)).At(where + ".type")
		case service.Nodes != "" && service.Nodes != "all":
			return nil, atelier.Errorf(atelier.Invalid, "A job has one machine, so a service is on \"all\" nodes.").At(where + ".nodes")
		}
		folder := service.LogDir
		if folder == "" {
			folder = defaultLogDir
		}
		folder, err := expand(folder, where+".log_dir", j.Inputs, j.Outputs)
		if err != nil {
			return nil, err
		}
		wanted[name] = compute.SideService{Type: service.Type, LogDir: folder}
	}
	return wanted, nil
}

// enterOthers lets somebody into the jobs of others.
const enterOthers = atelier.Permission("jobs/shell/others/action")

// Dial connects to the runner of a job whose command runs.
func (s *Service) Dial(ctx context.Context, ws, name string) (net.Conn, error) {
	j, err := s.Get(ctx, ws, name)
	if err != nil {
		return nil, err
	}
	return s.dial(ctx, j)
}

func (s *Service) dial(ctx context.Context, j Job) (net.Conn, error) {
	if j.phase != Running || j.Status.Ended() || j.handle == "" {
		return nil, atelier.Errorf(atelier.Precondition, "The command of the job %q does not run: the job is %s.", j.Name, j.Status).
			WithHint("A shell and services are there while the job is Running.")
	}
	conn, err := s.Driver.Dial(ctx, j.handle)
	if err != nil {
		return nil, atelier.Errorf(atelier.Unavailable, "The runner of the job %q cannot be reached.", j.Name).WithHint("It may be starting or ending. Try again.")
	}
	return conn, nil
}

// MayEnter refuses somebody who may not act inside a job: a shell has what the job
// has, with its secrets. It is for whoever submitted the job, and for those who may
// enter the jobs of others.
func (s *Service) MayEnter(ctx context.Context, ws, name string) error {
	j, err := s.Get(ctx, ws, name)
	if err != nil {
		return err
	}
	actor, _ := atelier.ActorFrom(ctx)
	if actor.Kind == atelier.User && actor.ID == j.userID {
		return nil
	}
	if err := s.Access.Authorize(ctx, actor, ws, enterOthers); err != nil {
		return atelier.Errorf(atelier.Forbidden, "The job %q is not yours.", j.Name).
			WithHint("A shell has all that the job has. Owners and contributors of the workspace may enter the jobs of others.")
	}
	return nil
}

// SideServices asks the runner of a job how its services are.
func (s *Service) SideServices(ctx context.Context, ws, name string) ([]compute.ServiceState, error) {
	j, err := s.Get(ctx, ws, name)
	if err != nil || len(j.task.Services) == 0 {
		return []compute.ServiceState{}, err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return s.dial(ctx, j) }}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://runner/services", nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var found []compute.ServiceState
	return found, json.NewDecoder(http.MaxBytesReader(nil, response.Body, 1<<20)).Decode(&found)
}

// SideServiceType is the type of one of a job's services.
func (s *Service) SideServiceType(ctx context.Context, ws, name, service string) (string, error) {
	j, err := s.Get(ctx, ws, name)
	if err != nil {
		return "", err
	}
	asked, ok := j.task.Services[service]
	if !ok {
		return "", atelier.Errorf(atelier.NotFound, "The job %q has no service %q.", j.Name, atelier.Clip(service, 60)).
			WithHint("See what it has with `atelier job show-services %s`.", j.Name)
	}
	return asked.Type, nil
}
