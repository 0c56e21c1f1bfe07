package tracking

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// PutArtifact names a stored object as the file p of a run.
func (s *Service) PutArtifact(ctx context.Context, ws, runID, p string, h blob.Hash, size int64) error {
	return s.putArtifact(ctx, ws, Owner{RunArtifact, runID}, p, h, size)
}

// NameArtifact keeps content that is stored already as the file p of a run. It is
// a NotFound error when there is no such content, or no such run.
func (s *Service) NameArtifact(ctx context.Context, ws, runID, p string, h blob.Hash) (Artifact, error) {
	stored, err := s.blobs.Has(ctx, ws, h) // which keeps it from being swept away meanwhile
	if err == nil && !stored {
		err = blob.NotFoundError(h)
	}
	if err != nil {
		return Artifact{}, err
	}
	content, size, err := s.blobs.Open(ctx, ws, h)
	if err != nil {
		return Artifact{}, err
	}
	if err := content.Close(); err != nil {
		return Artifact{}, err
	}
	return Artifact{Path: p, Hash: h, Size: size}, s.PutArtifact(ctx, ws, runID, p, h, size)
}

func (s *Service) putArtifact(ctx context.Context, ws string, o Owner, p string, h blob.Hash, size int64) error {
	p, err := CheckArtifactPath(p)
	if err != nil {
		return err
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if err := mayWriteOwner(ctx, tx, ws, o); err != nil {
			return err
		}
		if err := mayReplace(ctx, tx, ws, o, p); err != nil {
			return err
		}
		return upsertArtifact(ctx, tx, ws, o, Artifact{Path: p, Hash: h, Size: size})
	})
	if err == nil && o.Kind == RunArtifact {
		s.publish(ws, event.Run, o.ID)
	}
	return err
}

// mayReplace refuses a task's token to replace a free file, which may be anybody's.
func mayReplace(ctx context.Context, tx *sqldb.Tx, ws string, o Owner, p string) error {
	if o.Kind != FreeArtifact {
		return nil
	}
	_, err := selectArtifact(ctx, tx, ws, o, p)
	if isNotFound(err) {
		return nil
	}
	return cmp.Or(err, refuseJobs(ctx, "replace a file that belongs to no run"))
}

// mayWriteOwner checks that o exists, is active and may be written by the actor.
func mayWriteOwner(ctx context.Context, tx *sqldb.Tx, ws string, o Owner) error {
	switch o.Kind {
	case FreeArtifact:
		return nil
	case LoggedModelArtifact:
		model, err := selectLoggedModel(ctx, tx, ws, o.ID)
		if err != nil {
			return err
		}
		return mayWrite(ctx, model.SourceRunID, model.ownerJob)
	}
	run, err := selectRun(ctx, tx, ws, o.ID)
	if err != nil {
		return err
	}
	if err := mayWrite(ctx, run.ID, run.OwnerJob); err != nil {
		return err
	}
	return mustBeActive(run)
}

// MayUpload checks whether the actor may store the file p of o, before anything of
// a long body is read.
func (s *Service) MayUpload(ctx context.Context, ws string, o Owner, p string) error {
	if _, err := CheckArtifactPath(p); err != nil {
		return err
	}
	return s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return cmp.Or(mayWriteOwner(ctx, tx, ws, o), mayReplace(ctx, tx, ws, o, p))
	})
}

// Upload stores what r gives as the file p of o.
func (s *Service) Upload(ctx context.Context, ws string, o Owner, p string, r io.Reader) error {
	if err := s.MayUpload(ctx, ws, o, p); err != nil {
		return err
	}
	h, size, err := s.blobs.Put(ctx, ws, r)
	if err != nil {
		return err
	}
	return s.putArtifact(ctx, ws, o, p, h, size)
}

// Files returns all files of o below folder ("" for the root), with paths
// relative to the root of o, in order.
func (s *Service) Files(ctx context.Context, ws string, o Owner, folder string) ([]Artifact, error) {
	folder, err := CheckArtifactFolder(folder)
	if err != nil {
		return nil, err
	}
	var files []Artifact
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		if err := exists(ctx, tx, ws, o); err != nil {
			return err
		}
		files, err = selectArtifacts(ctx, tx, ws, o, folder, 0)
		return err
	})
	return files, err
}

func exists(ctx context.Context, tx *sqldb.Tx, ws string, o Owner) error {
	var err error
	switch o.Kind {
	case LoggedModelArtifact:
		_, err = selectLoggedModel(ctx, tx, ws, o.ID)
	case RunArtifact:
		_, err = selectRun(ctx, tx, ws, o.ID)
	}
	return err
}

// List returns the files and folders directly in folder. The folder of a file is
// empty.
func (s *Service) List(ctx context.Context, ws string, o Owner, folder string) ([]Artifact, error) {
	folder, err := CheckArtifactFolder(folder)
	if err != nil {
		return nil, err
	}
	files, err := s.Files(ctx, ws, o, folder)
	return Entries(files, folder), err
}

// Entries turns files, which are in order of path, into what is directly in folder.
func Entries(files []Artifact, folder string) []Artifact {
	prefix := ""
	if folder != "" {
		prefix = folder + "/"
	}
	list := []Artifact{}
	at := map[string]int{}
	for _, file := range files {
		name, _, nested := strings.Cut(strings.TrimPrefix(file.Path, prefix), "/")
		if !nested {
			list = append(list, file)
			continue
		}
		if _, known := at[name]; !known {
			at[name] = len(list)
			list = append(list, Artifact{Path: prefix + name, IsDir: true})
		}
		list[at[name]].Size += file.Size
	}
	return list
}

// Open returns the content of the file p of o.
func (s *Service) Open(ctx context.Context, ws string, o Owner, p string) (io.ReadSeekCloser, Artifact, error) {
	p, err := CheckArtifactPath(p)
	if err != nil {
		return nil, Artifact{}, err
	}
	var file Artifact
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		if err := exists(ctx, tx, ws, o); err != nil {
			return err
		}
		file, err = selectArtifact(ctx, tx, ws, o, p)
		return err
	})
	if err != nil {
		return nil, file, err
	}
	content, _, err := s.blobs.Open(ctx, ws, file.Hash)
	return content, file, err
}

// Remove deletes the file p of o, or all below the folder p.
func (s *Service) Remove(ctx context.Context, ws string, o Owner, p string) error {
	p, err := CheckArtifactFolder(p)
	if err != nil {
		return err
	}
	if o.Kind == FreeArtifact {
		if err := refuseJobs(ctx, "remove files that belong to no run"); err != nil {
			return err
		}
	}
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if err := mayWriteOwner(ctx, tx, ws, o); err != nil {
			return err
		}
		removed, err := deleteArtifacts(ctx, tx, ws, o, p)
		if err == nil && removed == 0 && p != "" {
			return atelier.Errorf(atelier.NotFound, "There is no artifact %q.", atelier.Clip(p, 120)).At("path")
		}
		return err
	})
}

// ListRun lists a folder as people see a run: its own artifacts, and beside them
// a folder for each model that it logged, which MLflow 3 keeps apart.
func (s *Service) ListRun(ctx context.Context, ws, run, folder string) ([]Artifact, error) {
	owner := Owner{RunArtifact, run}
	list, err := s.List(ctx, ws, owner, folder)
	if err != nil {
		return nil, err
	}
	if folder, err = CheckArtifactFolder(folder); err != nil {
		return nil, err
	}
	if folder != "" {
		if len(list) > 0 {
			return list, nil
		}
		return s.listModel(ctx, ws, run, folder)
	}
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		models, err := selectRunModels(ctx, tx, ws, run)
		for _, model := range models {
			if slices.ContainsFunc(list, func(a Artifact) bool { return a.Path == model.Name }) {
				continue
			}
			files, err := selectArtifacts(ctx, tx, ws, Owner{LoggedModelArtifact, model.ID}, "", 0)
			if err != nil {
				return err
			}
			entry := Artifact{Path: model.Name, IsDir: true}
			for _, file := range files {
				entry.Size += file.Size
			}
			list = append(list, entry)
		}
		return err
	})
	return list, err
}

func (s *Service) listModel(ctx context.Context, ws, run, folder string) ([]Artifact, error) {
	name, inside, _ := strings.Cut(folder, "/")
	model, err := s.RunModel(ctx, ws, run, name)
	if isNotFound(err) {
		return []Artifact{}, nil
	}
	if err != nil {
		return nil, err
	}
	list, err := s.List(ctx, ws, Owner{LoggedModelArtifact, model.ID}, inside)
	for i := range list {
		list[i].Path = name + "/" + list[i].Path
	}
	return list, err
}

// OpenRun returns the content of a file that ListRun lists.
func (s *Service) OpenRun(ctx context.Context, ws, run, p string) (io.ReadSeekCloser, Artifact, error) {
	content, file, err := s.Open(ctx, ws, Owner{RunArtifact, run}, p)
	if !isNotFound(err) {
		return content, file, err
	}
	name, inside, nested := strings.Cut(p, "/")
	if !nested {
		return nil, file, err
	}
	model, missing := s.RunModel(ctx, ws, run, name)
	if missing != nil {
		return nil, file, err
	}
	return s.Open(ctx, ws, Owner{LoggedModelArtifact, model.ID}, inside)
}
