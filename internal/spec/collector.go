package spec

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/collect"
)

// dataCollector reads what a deployment collects.
func (d *Document) dataCollector(o *object) *collect.Settings {
	inner := o.inner("data_collector")
	if inner == nil {
		return nil
	}
	settings := &collect.Settings{RollingRate: collect.Rolling(strings.ToLower(inner.word("rolling_rate", "minute", "hour", "day", "month", "year")))}
	inner.need("collections", "what is collected, as in model_inputs: {enabled: true}")
	inner.each("collections", func(name string, found field) {
		if settings.Collections == nil {
			settings.Collections = map[string]collect.Collection{}
		}
		if err := collect.CheckName(name); err != nil {
			d.add(found.key, "%s", atelier.Public(err).Error())
		}
		settings.Collections[name] = d.collection(found.value, "data_collector.collections."+name)
	})
	if node := inner.value("sampling_rate"); node != nil {
		settings.SamplingRate = d.share(node, "data_collector.sampling_rate")
	}
	settings.RequestLogging = d.requestLogging(inner)
	inner.finish(map[string]string{"data_collector_destination": "What is collected lies in the workspace's own datastore."})
	return settings
}

func (d *Document) collection(node *yaml.Node, name string) (c collect.Collection) {
	if isNull(node) {
		return c
	}
	o := d.object(node, name)
	c.Enabled = o.boolean("enabled")
	if inner := o.inner("data"); inner != nil {
		c.Data = &collect.Data{Name: inner.text("name"), Version: inner.text("version"), Path: inner.text("path")}
		if node := inner.value("path"); node != nil && c.Data.Path != "" {
			if _, err := collect.ParseFolder(c.Data.Path); err != nil {
				d.add(node, "%s", atelier.Public(err).Error())
			}
		}
		inner.choice("type", "uri_folder")
		inner.finish(map[string]string{
			"datastore":   "Name it in the path: azureml://datastores/NAME/paths/FOLDER.",
			"description": "Describe the data asset with `atelier data update`.",
			"tags":        "Give the data asset tags with `atelier data update`.",
			"properties":  "Give the data asset properties with `atelier data update`.",
		})
	}
	o.finish(map[string]string{
		"client_id":     "It names an identity of Azure; the server writes what is collected itself.",
		"sampling_rate": "There is one sampling_rate for all collections, beside them, so that they have the same requests.",
	})
	return c
}

// share reads a number from 0 to 1.
func (d *Document) share(node *yaml.Node, name string) *float64 {
	number, err := strconv.ParseFloat(node.Value, 64)
	if node.Kind != yaml.ScalarNode || err != nil || !(number >= 0 && number <= 1) {
		d.add(node, "%q must be a number from 0 to 1, and is %s.", name, kindOf(node))
		return nil
	}
	return &number
}

func (d *Document) requestLogging(o *object) *collect.RequestLogging {
	inner := o.inner("request_logging")
	if inner == nil {
		return nil
	}
	settings := &collect.RequestLogging{}
	if list := inner.value("capture_headers"); list != nil {
		if list.Kind != yaml.SequenceNode {
			d.add(list, "%q must be a list, and is %s.", inner.name("capture_headers"), kindOf(list))
			return settings
		}
		for _, item := range list.Content {
			settings.CaptureHeaders = append(settings.CaptureHeaders, d.text(real(item), inner.name("capture_headers")))
		}
	}
	inner.finish(nil)
	return settings
}
