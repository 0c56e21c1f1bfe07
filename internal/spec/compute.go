package spec

import (
	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/job"
)

// ignoredInCluster are the keys of Azure's clusters that mean nothing on a machine
// that is there already.
var ignoredInCluster = []string{"idle_time_before_scale_down", "location", "ssh_public_access_enabled", "ssh_settings",
	"network_settings", "identity", "enable_node_public_ip"}

// Compute reads the document as a compute to make.
func (d *Document) Compute() (job.CreateCompute, error) {
	if !d.only(Compute) {
		return job.CreateCompute{}, d.failure()
	}
	o := d.object(d.root, "")
	o.text("$schema")
	o.need("name", "what the compute is called")
	o.need("type", "local, or amlcompute")
	ask := job.CreateCompute{Name: o.text("name"), Type: o.word("type", job.LocalType, job.AmlCompute), Slots: o.integer("slots", 1, 10_000)}
	ask.Description, ask.Tags = o.text("description"), o.texts("tags")
	if node := o.value("name"); node != nil {
		d.nameFault(node, atelier.CheckAssetName("compute", ask.Name))
	}
	if ask.Type == job.AmlCompute {
		ask.Size, ask.Tier = o.text("size"), o.word("tier", "dedicated", "low_priority")
		ask.MinInstances, ask.MaxInstances = o.integer("min_instances", 0, 10_000), o.integer("max_instances", 0, 10_000)
		if ask.MaxInstances == 0 && o.value("max_instances") == nil {
			ask.MaxInstances = 4 // Azure's default
		}
		for _, key := range ignoredInCluster {
			if o.value(key) != nil {
				ask.Ignored = append(ask.Ignored, key)
			}
		}
	}
	o.finish(nil)
	return ask, d.failure()
}
