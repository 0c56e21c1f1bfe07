package app

import (
	"cmp"
	"context"
	"path"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/endpoint"
	"github.com/atelier-ml/atelier/internal/model"
)

// findModels lets endpoints find models: registered versions by their name, and
// files that a run or an upload left by their path.
func findModels(models *model.Service) endpoint.ModelFinder {
	return func(ctx context.Context, ws string, wanted endpoint.ModelReference) (endpoint.Model, error) {
		place, err := atelier.ParsePath(wanted.Path)
		if err != nil {
			return endpoint.Model{}, err
		}
		if place.Kind == atelier.AssetPath {
			return registered(ctx, models, ws, place)
		}
		content, err := models.Resolve(ctx, ws, wanted.Path, wanted.Type)
		return endpoint.Model{Reference: wanted.Path, Name: cmp.Or(wanted.Name, "model"), Version: cmp.Or(wanted.Version, "1"),
			Type: content.Type, Tree: content.Tree.ID, Folder: path.Base(wanted.Path)}, err
	}
}

func registered(ctx context.Context, models *model.Service, ws string, place atelier.Path) (endpoint.Model, error) {
	version := place.Version
	if version == "" {
		version = cmp.Or(place.Label, "latest")
	}
	if place.Label != "" && place.Label != "latest" {
		version = "@" + place.Label
	}
	found, err := models.Version(ctx, ws, place.Name, version)
	return endpoint.Model{Reference: "azureml:" + found.Name + ":" + found.Version, Name: found.Name, Version: found.Version,
		Type: found.Type, Tree: found.Tree, Folder: path.Base(found.Path)}, err
}
