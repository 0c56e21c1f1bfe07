package transfer

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/model"
)

// models brings the registry. When only some experiments were asked for, so are
// only the versions that their runs made.
func (i *Import) models(ctx context.Context) error {
	all, err := i.source.Models(ctx)
	if err != nil {
		return err
	}
	for _, from := range all {
		if len(i.options.Experiments) > 0 {
			from.keep(func(v Version) bool { return i.brought[v.RunID] })
			if len(from.Versions) == 0 {
				continue
			}
		}
		if err := i.model(ctx, from); err != nil {
			return err
		}
	}
	return nil
}

// keep drops the versions that do not fit, and the aliases of those.
func (m *Model) keep(fits func(Version) bool) {
	m.Versions = slices.DeleteFunc(m.Versions, func(v Version) bool { return !fits(v) })
	maps.DeleteFunc(m.Aliases, func(_, number string) bool {
		return !slices.ContainsFunc(m.Versions, func(v Version) bool { return v.Number == number })
	})
}

func (i *Import) model(ctx context.Context, from Model) error {
	i.report.Source.Models++
	i.report.Source.Versions += len(from.Versions)
	differ := func(err error, what string) error {
		if err != nil && stops(err) {
			return err
		}
		if err != nil {
			i.report.differ("model %q: %s (%s)", from.Name, what, reason(err))
		}
		return nil
	}
	changed := i.report.Changed
	here, err := i.api.GetModel(ctx, from.Name)
	missing := atelier.CodeOf(err) == atelier.NotFound
	if err != nil && !missing {
		return differ(err, "it could not be read")
	}
	if missing {
		i.report.count(true)
		if i.options.DryRun {
			i.report.Changed += len(from.Versions)
			return nil
		}
		if err := i.api.CreateModel(ctx, from.Name, from.Description, from.Tags); err != nil {
			return differ(err, "it could not be made")
		}
	} else if err := i.describe(ctx, from, here, differ); err != nil {
		return err
	}
	i.report.Here.Models++
	times := model.ImportTimes{Name: from.Name, Times: from.Times, Versions: map[string]model.Times{}}
	for _, version := range from.Versions {
		here, err := i.version(ctx, from.Name, version)
		if err != nil {
			return err
		}
		if here {
			times.Versions[version.Number] = version.Times
		}
	}
	for _, alias := range slices.Sorted(maps.Keys(from.Aliases)) {
		if i.options.DryRun || here.Aliases[alias] == from.Aliases[alias] {
			continue
		}
		if err := differ(i.api.SetModelAlias(ctx, from.Name, alias, from.Aliases[alias]), fmt.Sprintf("the alias %q could not be set", alias)); err != nil {
			return err
		}
	}
	if i.options.DryRun || i.report.Changed == changed {
		return nil
	}
	_, err = i.api.ImportModelTimes(ctx, times) // last of all: every change before is one of today
	return differ(err, "when it was made could not be kept")
}

// older reports whether the source says that the thing was made before known.
func older(t model.Times, known time.Time) bool {
	return t.CreatedAt != nil && t.CreatedAt.Before(known)
}

// describe brings up to date what is said of a model that is here.
func (i *Import) describe(ctx context.Context, from Model, here model.Model, differ func(error, string) error) error {
	same := from.Description == here.Description
	if !same && !i.options.DryRun {
		if err := differ(i.api.DescribeModel(ctx, from.Name, from.Description), "its description could not be set"); err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(from.Tags)) {
		if value, ok := here.Tags[key]; ok && value == from.Tags[key] {
			continue
		}
		same = false
		if i.options.DryRun {
			continue
		}
		if err := differ(i.api.TagModel(ctx, from.Name, key, from.Tags[key]), fmt.Sprintf("the tag %q could not be set", key)); err != nil {
			return err
		}
	}
	for alias, number := range from.Aliases {
		same = same && here.Aliases[alias] == number
	}
	same = same && !older(from.Times, here.CreatedAt)
	i.report.count(!same)
	return nil
}

// version brings a version, and reports whether it is here under its number.
func (i *Import) version(ctx context.Context, name string, from Version) (bool, error) {
	differ := func(err error) error {
		if err != nil && stops(err) {
			return err
		}
		if err != nil {
			i.report.differ("model %q, version %s: it could not be brought (%s)", name, from.Number, reason(err))
		}
		return nil
	}
	here, err := i.api.GetModelVersion(ctx, name, from.Number)
	missing := atelier.CodeOf(err) == atelier.NotFound
	if err != nil && !missing {
		return false, differ(err)
	}
	if missing {
		i.report.count(true)
		if i.options.DryRun {
			return false, nil
		}
		number, err := i.register(ctx, name, from)
		if err == nil {
			i.report.Here.Versions++
		}
		return err == nil && number == from.Number, differ(err)
	}
	i.report.Here.Versions++
	change := from.change(here)
	i.report.count(change != nil || older(from.Times, here.CreatedAt))
	if change == nil || i.options.DryRun {
		return true, nil
	}
	_, err = i.api.UpdateModelVersion(ctx, name, from.Number, *change)
	return true, differ(err)
}

// change returns what must be said of the version that is here, nil for nothing.
func (v Version) change(here model.Version) *model.UpdateVersion {
	change := model.UpdateVersion{Tags: map[string]*string{}}
	if v.Description != here.Description {
		change.Description = &v.Description
	}
	if v.stage() != here.Stage {
		stage := v.stage()
		change.Stage = &stage
	}
	for key, value := range v.Tags {
		if known, ok := here.Tags[key]; !ok || known != value {
			change.Tags[key] = &value
		}
	}
	if change.Description == nil && change.Stage == nil && len(change.Tags) == 0 {
		return nil
	}
	return &change
}

func (v Version) stage() string {
	if v.Stage == "" {
		return model.NoStage
	}
	return v.Stage
}

// register makes the version with its number. Its files are those of the run or
// the logged model, which are here already; the server makes a tree of them. It
// returns the number that the version has here.
func (i *Import) register(ctx context.Context, name string, from Version) (string, error) {
	ask := model.Register{Name: name, Version: from.Number, Description: from.Description, Tags: from.Tags, RunID: from.RunID, Path: from.path()}
	if stage := from.stage(); stage != model.NoStage {
		ask.Stage = stage
	}
	if from.prompt() || strings.HasPrefix(ask.Path, "runs:/") || strings.HasPrefix(ask.Path, "models:/") {
		made, err := i.api.RegisterModel(ctx, ask)
		return made.Version, err
	}
	made, err := i.api.RegisterRemote(ctx, ask)
	if err != nil {
		return "", err
	}
	i.report.differ("model %q, version %s: its files are at %s, from where they cannot be brought", name, from.Number, atelier.Clip(from.Source, 120))
	if made != from.Number {
		i.report.differ("model %q, version %s: it is version %s here", name, from.Number, made)
	}
	return made, nil
}

// madeByRun finds the folder of a run's artifacts in the address of a folder,
// madeByID that of a run with an id as MLflow makes them; madeAsModel that of a
// logged model.
var (
	madeByID    = regexp.MustCompile(`(?:^|/)([0-9a-f]{32})/artifacts(?:/(.+))?$`)
	madeByRun   = regexp.MustCompile(`(?:^|/)([0-9a-zA-Z][\w-]*)/artifacts(?:/(.+))?$`)
	madeAsModel = regexp.MustCompile(`(?:^|/)models/(m-[0-9a-z]+)/artifacts(?:/(.+))?$`)
)

// path returns where our server finds the version's files: below the run, or the
// logged model, whose id is in the address that the source has.
func (v Version) path() string {
	for _, address := range []string{v.Source, v.Storage} {
		if strings.HasPrefix(address, "runs:/") || strings.HasPrefix(address, "models:/m-") {
			return address
		}
		if found := madeAsModel.FindStringSubmatch(address); found != nil {
			return strings.TrimRight("models:/"+found[1]+"/"+found[2], "/")
		}
		if run, rest, ok := v.madeByRun(address); ok {
			return strings.TrimRight("runs:/"+run+"/"+rest, "/")
		}
	}
	return v.Source
}

// madeByRun finds the run whose artifacts an address names. Other folders on the
// way may be called artifacts, too.
func (v Version) madeByRun(address string) (run, rest string, ok bool) {
	if v.RunID != "" {
		_, rest, ok = strings.Cut("/"+address+"/", "/"+v.RunID+"/artifacts/")
		return v.RunID, strings.TrimSuffix(rest, "/"), ok
	}
	for _, form := range []*regexp.Regexp{madeByID, madeByRun} {
		if found := form.FindStringSubmatch(address); found != nil {
			return found[1], found[2], true
		}
	}
	return "", "", false
}
