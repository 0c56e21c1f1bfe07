package spec

import (
	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/workspace"
)

const noCloud = "It belongs to Azure's cloud; the server keeps everything itself."

// Workspace reads the document as a workspace to make.
func (d *Document) Workspace() (workspace.Create, error) {
	if !d.only(Workspace) {
		return workspace.Create{}, d.failure()
	}
	o := d.object(d.root, "")
	o.text("$schema")
	o.need("name", "what the workspace is called")
	ask := workspace.Create{Name: o.text("name"), DisplayName: o.text("display_name"), Description: o.text("description"), Tags: o.texts("tags")}
	if node := o.value("name"); node != nil {
		d.nameFault(node, atelier.CheckWorkspaceName(ask.Name))
	}
	for _, key := range []string{"location", "resource_group", "hbi_workspace"} {
		o.ignore(key, noCloud)
	}
	o.finish(map[string]string{
		"storage_account": noCloud, "key_vault": noCloud,
		"application_insights": noCloud, "container_registry": noCloud, "image_build_compute": noCloud,
		"public_network_access": noCloud, "managed_network": noCloud, "identity": noCloud,
		"customer_managed_key": noCloud, "primary_user_assigned_identity": noCloud,
	})
	return ask, d.failure()
}
