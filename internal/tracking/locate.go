package tracking

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Place is a path below the root of a run or a logged model, or a free one.
type Place struct {
	Owner Owner
	Path  string
}

// Locate finds what an artifact URI of MLflow means: "mlflow-artifacts:/0/RUN/
// artifacts/model", or the same without its scheme and host. What is at no run and
// no logged model is free, unless it has the form of a place at one of them: files
// that come late for a run that is gone must not stay behind where nobody looks.
func (s *Service) Locate(ctx context.Context, ws, uri string) (Place, error) {
	text := strings.TrimPrefix(uri, "mlflow-artifacts:")
	if rest, ok := strings.CutPrefix(text, "//"); ok {
		_, text, _ = strings.Cut(rest, "/")
	}
	text, err := CheckArtifactFolder(strings.TrimPrefix(text, "/"))
	if err != nil {
		return Place{}, err
	}
	parts, owned := strings.Split(text, "/"), false
	for i := 1; i < len(parts); i++ {
		if parts[i] != "artifacts" {
			continue
		}
		place := Place{Owner{RunArtifact, parts[i-1]}, strings.Join(parts[i+1:], "/")}
		if i >= 2 && parts[i-2] == "models" {
			place.Owner.Kind = LoggedModelArtifact
		}
		root, err := s.root(ctx, ws, place.Owner)
		if err != nil && !isNotFound(err) {
			return Place{}, err
		}
		if root == "mlflow-artifacts:/"+strings.Join(parts[:i+1], "/") {
			return place, nil
		}
		owned = owned || isNumber(parts[0]) && i <= 3 || runIDForm.MatchString(parts[i-1])
	}
	if !owned {
		return Place{Owner{Kind: FreeArtifact}, text}, nil
	}
	return Place{}, atelier.Errorf(atelier.NotFound, "There is no run and no logged model whose artifacts are at %q.", atelier.Clip(uri, 200)).At("path")
}

// runIDForm is that of the ids that are made up for runs and logged models.
var runIDForm = regexp.MustCompile(`^(m-)?[0-9a-f]{32}$`)

func isNumber(text string) bool {
	_, err := strconv.ParseUint(text, 10, 64)
	return err == nil
}

// root returns the artifact URI of o.
func (s *Service) root(ctx context.Context, ws string, o Owner) (root string, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		if o.Kind == LoggedModelArtifact {
			model, err := selectLoggedModel(ctx, tx, ws, o.ID)
			root = model.ArtifactURI
			return err
		}
		run, err := selectRun(ctx, tx, ws, o.ID)
		root = run.ArtifactURI
		return err
	})
	return root, err
}
