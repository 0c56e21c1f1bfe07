package spec

import (
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/atelier-ml/atelier/internal/environment"
)

// Foreign reports whether files of this kind are none of Azure Machine
// Learning's, but of the tools that people use beside it.
func (k Kind) Foreign() bool {
	return k == githubWorkflow || k == preCommit || k == pythonEnvFile || k == mlmodelFile
}

// Check reads the document as what it describes and returns what was
// understood. What it cannot do is look at the server: whether a named thing
// exists is found out at the submit.
func (d *Document) Check() (any, error) {
	switch kind := d.Kind(); kind {
	case CommandJob:
		return d.Job()
	case DataAsset:
		return d.Data()
	case Datastore:
		return d.Datastore()
	case Compute:
		return d.Compute()
	case Environment:
		return d.Environment()
	case Model:
		return d.Model()
	case OnlineEndpoint:
		return d.OnlineEndpoint()
	case OnlineDeployment:
		return d.OnlineDeployment()
	case BatchEndpoint:
		return d.BatchEndpoint()
	case BatchDeployment:
		return d.BatchDeployment()
	case Workspace:
		return d.Workspace()
	case condaFile:
		translated, err := environment.TranslateCondaNode(deepCopy(d.root), d.file)
		d.foreign(err, strings.Join(d.lines, "\n"))
		return translated.Definition, d.failure()
	case tableFile:
		return d.table()
	case "":
		if d.root.Kind == yaml.MappingNode && len(d.root.Content) == 0 {
			d.add(d.root, "The file is empty.")
			break
		}
		d.add(d.root, "Nothing says what this file describes: it has no \"$schema\" and no \"type\" that is known, and its keys fit nothing.")
	default:
		if !kind.Foreign() {
			d.refuseKind(kind)
		}
	}
	return nil, d.failure()
}

// only notes a fault if the document plainly describes something else than
// wanted. The verb decides in doubt: a $schema that was copied from another
// file does no harm.
func (d *Document) only(wanted Kind) bool {
	s := shapeOf(d.root)
	kind := s.byType()
	if kind == "" {
		kind = s.byKeys()
	}
	if kind == "" && (wanted != CommandJob || !s.has("command")) {
		if said := s.bySchema(); refusedKinds[said].plural != "" {
			kind = said
		}
	}
	switch {
	case kind == "" || kind == wanted:
		return true
	case refusedKinds[kind].plural != "":
		d.refuseKind(kind)
	case kind == condaFile:
		d.add(d.root, "This is a conda file: name it in conda_file of an environment, a job or a deployment.")
	default:
		d.add(d.telling(), "The file describes %s, and %s is wanted here.", article(kind), article(wanted))
	}
	return false
}

// refuseKind says that files of a kind are not read, and what to do instead.
func (d *Document) refuseKind(kind Kind) {
	refused := refusedKinds[kind]
	state := "are not offered"
	if refused.planned {
		state = "are not there yet"
	}
	d.add(d.telling(), "The file describes %s. %s %s. %s", article(kind), refused.plural, state, refused.instead)
}

// telling is the node that says what the file describes.
func (d *Document) telling() *yaml.Node {
	if d.root.Kind != yaml.MappingNode {
		return d.root
	}
	for _, key := range []string{"type", "jobs", "create_monitor", "create_job", "search_space", "$schema"} {
		if node := child(d.root, key); node != nil && node.Line > 0 {
			return node
		}
	}
	return d.root
}

func article(kind Kind) string {
	if strings.ContainsAny(string(kind[:1]), "aeiouAEIOU") {
		return "an " + string(kind)
	}
	return "a " + string(kind)
}

// table reads a file MLTable, which describes a table beside the files it is
// made of.
func (d *Document) table() (any, error) {
	o := d.object(d.root, "")
	for _, key := range []string{"$schema", "type"} {
		o.text(key)
	}
	o.need("paths", "the files of the table")
	for _, key := range []string{"paths", "transformations", "metadata", "traits"} {
		o.value(key)
	}
	paths := []string{}
	if list := o.value("paths"); list != nil {
		paths = d.tablePaths(list)
	}
	o.finish(nil)
	return map[string]any{"paths": paths}, d.failure()
}

func (d *Document) tablePaths(list *yaml.Node) []string {
	var paths []string
	if list.Kind != yaml.SequenceNode {
		d.add(list, "\"paths\" must be a list, and is %s.", kindOf(list))
		return nil
	}
	for _, item := range list.Content {
		o := d.object(real(item), "paths")
		found := o.text("file") + o.text("folder") + o.text("pattern")
		if found == "" && !o.broken {
			d.add(o.node, "An entry of \"paths\" has file, folder or pattern.")
		}
		o.finish(nil)
		paths = append(paths, found)
	}
	return paths
}
