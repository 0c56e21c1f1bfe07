package spec

import (
	"github.com/atelier-ml/atelier/internal/model"
)

// Model reads the document as a version of a model to register.
func (d *Document) Model() (model.Register, error) {
	if !d.only(Model) {
		return model.Register{}, d.failure()
	}
	o := d.object(d.root, "")
	o.text("$schema")
	o.need("name", "what the model is called")
	o.need("path", "where its files are")
	ask := model.Register{Name: o.text("name"), Version: o.text("version"), Description: o.text("description"), Stage: o.text("stage"),
		Type: o.choice("type", model.Custom, model.MLflow, model.Triton), Tags: o.texts("tags"), Properties: o.texts("properties")}
	if node := o.value("path"); node != nil {
		ask.Path = d.path(node, "path", anything)
	}
	o.finish(map[string]string{
		"flavors":          "They are read from the MLmodel file.",
		"datastore":        "Models are kept by the server.",
		"job_name":         "The model knows its run by its path.",
		"utc_time_created": "The server sets it.",
	})
	return ask, d.failure()
}
