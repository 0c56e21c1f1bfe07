package spec

import (
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/job"
)

// refusedInService are the keys of Azure's services that are not offered.
var refusedInService = map[string]string{
	"port":            "The runner finds a free port; the service is reached through the server.",
	"ssh_public_keys": "A shell needs no key: `atelier job shell NAME`.",
	"endpoint":        "The server sets it.",
	"status":          "The server sets it.",
	"error_message":   "The server sets it.",
}

// services reads the programs that run beside a job's command.
func (d *Document) services(o *object) map[string]job.SideService {
	var all map[string]job.SideService
	o.each("services", func(name string, inner field) {
		if all == nil {
			all = map[string]job.SideService{}
		}
		if !job.ServiceName.MatchString(name) {
			d.add(inner.key, "%q cannot name a service. Use letters, digits, '_' and '-', beginning with a letter.", atelier.Clip(name, 60))
		}
		all[name] = d.service(inner.value, "services."+name)
	})
	return all
}

func (d *Document) service(node *yaml.Node, name string) job.SideService {
	o := d.object(node, name)
	key := "type"
	if o.value("type") == nil && o.value("job_service_type") != nil {
		key = "job_service_type" // Azure's older word
	}
	o.need(key, "which program it is: tensor_board or jupyter_lab")
	service := job.SideService{Type: o.text(key), LogDir: o.text("log_dir"), Nodes: o.text("nodes")}
	if service.Type != "" && !slices.Contains(job.ServiceTypes, service.Type) {
		d.add(o.value(key), "%s", job.RefusedService(service.Type))
		return service // its keys belong to a program that is not offered
	}
	if service.Nodes != "" && service.Nodes != "all" {
		d.add(o.value("nodes"), "A job has one machine, so %q can only be \"all\".", name+".nodes")
	}
	if inner := o.inner("properties"); inner != nil {
		if text := inner.text("logDir"); text != "" && service.LogDir == "" {
			service.LogDir = text
		}
		inner.finish(nil)
	}
	o.finish(refusedInService)
	return service
}
