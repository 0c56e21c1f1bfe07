package spec

import (
	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/data"
)

// Data reads the document as a version of a data asset to register.
func (d *Document) Data() (data.Register, error) {
	if !d.only(DataAsset) {
		return data.Register{}, d.failure()
	}
	o := d.object(d.root, "")
	o.text("$schema")
	o.need("name", "what the data asset is called")
	o.need("path", "where the data is")
	ask := data.Register{Name: o.text("name"), Version: o.text("version"), Description: o.text("description"),
		Type: data.Type(o.choice("type", string(data.File), string(data.Folder), string(data.MLTable))),
		Tags: o.texts("tags"), Properties: o.texts("properties")}
	if node := o.value("name"); node != nil {
		d.nameFault(node, atelier.CheckAssetName("data asset", ask.Name))
	}
	if node := o.value("version"); node != nil && ask.Version != "" {
		d.nameFault(node, data.CheckVersion(ask.Version))
	}
	if node := o.value("path"); node != nil {
		ask.Path = d.path(node, "path", placeOf(string(ask.Type)))
	}
	o.finish(map[string]string{
		"datastore":           "Files of this machine are kept in the workspace's own datastore.",
		"auto_delete_setting": "Data is never deleted by itself; archive it with `atelier data archive`.",
		"skip_validation":     "A file MLTable is only looked for.",
		"creation_context":    "The server sets it.",
		"id":                  "The server sets it.",
	})
	if ask.Type == "" {
		ask.Type = data.Type(TypeOf(ask.Path))
	}
	return ask, d.failure()
}

// placeOf is what a local path of data with the given type must lead to.
func placeOf(kind string) wanted {
	return map[string]wanted{"uri_file": aFile, "uri_folder": aFolder, "mltable": aFolder}[kind]
}
