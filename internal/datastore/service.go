package datastore

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/vault"
)

// Service keeps the datastores of workspaces and opens them.
type Service struct {
	db      *sqldb.DB
	vault   *vault.Vault
	access  *access.Service
	bus     *event.Bus
	dataDir string
}

// New returns the service over db, whose secrets v seals. dataDir is the folder
// of the server's own data, which no datastore may show.
func New(db *sqldb.DB, v *vault.Vault, who *access.Service, bus *event.Bus, dataDir string) *Service {
	return &Service{db: db, vault: v, access: who, bus: bus, dataDir: dataDir}
}

// patience is how long a place may take to show that it can be read.
const patience = 20 * time.Second

// Create makes a datastore. Only an owner of the server may name a folder of its
// machine, or a service in its own network.
func (s *Service) Create(ctx context.Context, ws string, c Create) (Datastore, error) {
	if err := c.check(); err != nil {
		return Datastore{}, err
	}
	actor, _ := atelier.ActorFrom(ctx)
	d := Datastore{Name: c.Name, Type: c.Type, Description: c.Description, Tags: c.Tags, Location: c.Location,
		Credentials: Credentials{Type: "none"}, CreatedBy: actor.Name}
	if d.Tags == nil {
		d.Tags = map[string]string{}
	}
	ownsServer := s.access.AuthorizeServer(ctx, actor, "datastores/write")
	d.trusted = ownsServer == nil
	if d.Type == Local {
		if ownsServer != nil {
			return Datastore{}, atelier.Errorf(atelier.Forbidden, "Only an owner of the server may make a folder of its machine a datastore.").At("path")
		}
		if err := s.checkFolder(d.Path); err != nil {
			return Datastore{}, err
		}
	}
	if err := s.seal(&d, c.Credentials); err != nil {
		return Datastore{}, err
	}
	if !c.SkipValidation {
		if err := s.try(ctx, d); err != nil {
			return Datastore{}, err
		}
	}
	err := s.write(ctx, ws, c.Name, func(tx *sqldb.Tx) error {
		now := tx.Now()
		d.CreatedAt, d.UpdatedAt = &now, &now
		return insertDatastore(ctx, tx, ws, d)
	})
	return d, err
}

func (s *Service) write(ctx context.Context, ws, name string, change func(tx *sqldb.Tx) error) error {
	err := s.db.Write(ctx, change)
	if err == nil {
		s.bus.Publish(event.Notice{Workspace: ws, Topic: event.Datastore, ID: name})
	}
	return err
}

// checkFolder refuses a folder that is none, or that shows the server's own data.
func (s *Service) checkFolder(folder string) error {
	real, err := filepath.EvalSymlinks(folder)
	info, statErr := os.Stat(folder)
	if err != nil || statErr != nil || !info.IsDir() {
		return atelier.Errorf(atelier.Invalid, "There is no folder %s on the server's machine.", atelier.Clip(folder, 200)).At("path")
	}
	mine, err := filepath.EvalSymlinks(s.dataDir)
	if err != nil {
		return err
	}
	if within(mine, real) || within(real, mine) {
		return atelier.Errorf(atelier.Invalid, "The folder %s would show the server's own data.", atelier.Clip(folder, 200)).At("path").
			WithHint("Choose a folder that neither holds nor lies in %s.", s.dataDir)
	}
	return nil
}

// within reports whether folder is outer or lies in it.
func within(outer, folder string) bool {
	inside, err := filepath.Rel(outer, folder)
	return err == nil && inside != ".." && !strings.HasPrefix(inside, ".."+string(filepath.Separator))
}

// seal gives d the credentials that a user gave.
func (s *Service) seal(d *Datastore, given *Secrets) error {
	if given == nil {
		return nil
	}
	kind, err := given.kind(d.Type)
	if err != nil {
		return err
	}
	text, err := json.Marshal(given)
	if err != nil {
		return err
	}
	d.Credentials.Type, d.sealed = kind, s.vault.Seal(text)
	return nil
}

// errEnough ends a list that has shown what it should.
var errEnough = errors.New("enough")

// try looks whether a place can be read.
func (s *Service) try(ctx context.Context, d Datastore) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	place, err := s.open(ctx, d)
	if err != nil {
		return err
	}
	defer place.Close()
	err = place.List(ctx, "", "", func(Object) error { return errEnough })
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// List returns the workspace's datastores, by name.
func (s *Service) List(ctx context.Context, ws string) ([]Datastore, error) {
	all := own()
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		made, err := selectDatastores(ctx, tx, ws)
		all = append(all, made...)
		return err
	})
	return all, err
}

// Get returns the datastore called name.
func (s *Service) Get(ctx context.Context, ws, name string) (d Datastore, err error) {
	for _, d := range own() {
		if d.Name == name {
			return d, nil
		}
	}
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		d, err = selectDatastore(ctx, tx, ws, name)
		return err
	})
	return d, err
}

// Update changes what is said of a datastore, or its credentials.
func (s *Service) Update(ctx context.Context, ws, name string, u Update) (Datastore, error) {
	d, err := s.mine(ctx, ws, name)
	if err != nil {
		return d, err
	}
	if u.Description != nil {
		d.Description = *u.Description
	}
	for key, value := range u.Tags {
		if value == nil {
			delete(d.Tags, key)
		} else {
			d.Tags[key] = *value
		}
	}
	if err := checkTexts(d.Description, d.Tags); err != nil {
		return d, err
	}
	if err := s.seal(&d, u.Credentials); err != nil {
		return d, err
	}
	if u.Credentials != nil {
		if err := s.try(ctx, d); err != nil {
			return d, err
		}
	}
	err = s.write(ctx, ws, name, func(tx *sqldb.Tx) error {
		now := tx.Now()
		d.UpdatedAt = &now
		return updateDatastore(ctx, tx, ws, d)
	})
	return d, err
}

// mine returns a datastore that people made.
func (s *Service) mine(ctx context.Context, ws, name string) (Datastore, error) {
	d, err := s.Get(ctx, ws, name)
	if err == nil && d.Type == Workspace {
		err = atelier.Errorf(atelier.Precondition, "The datastore %s belongs to the workspace and cannot be changed.", name)
	}
	return d, err
}

// Delete forgets a datastore. What lies there stays.
func (s *Service) Delete(ctx context.Context, ws, name string) error {
	if _, err := s.mine(ctx, ws, name); err != nil {
		return err
	}
	return s.write(ctx, ws, name, func(tx *sqldb.Tx) error { return deleteDatastore(ctx, tx, ws, name) })
}

// Open opens the place that a datastore names.
func (s *Service) Open(ctx context.Context, ws, name string) (Place, error) {
	d, err := s.Get(ctx, ws, name)
	if err != nil {
		return nil, err
	}
	return s.open(ctx, d)
}

func (s *Service) open(ctx context.Context, d Datastore) (Place, error) {
	var secrets Secrets
	if d.sealed != "" {
		text, err := s.vault.Unseal(d.sealed)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &secrets); err != nil {
			return nil, errors.New("datastore: the sealed credentials are no JSON")
		}
	}
	switch d.Type {
	case Local:
		return openFolder(d)
	case S3, GCS:
		return openBucket(d, secrets)
	case AzureBlob, AzureLake:
		return openContainer(d, secrets)
	}
	return nil, atelier.Errorf(atelier.Invalid, "The datastore %s keeps files by their content and has no folders to list.", d.Name).
		WithHint("Name what a job left as azureml://jobs/JOB/outputs/OUTPUT, and what was uploaded by its tree.")
}

// maxPage is how many files are listed at once.
const maxPage = 10_000

// Files returns a page of the files at or below path.
func (s *Service) Files(ctx context.Context, ws, name, below, token string) (atelier.Page[Object], error) {
	page := atelier.Page[Object]{}
	after := ""
	if token != "" {
		if err := atelier.DecodePageToken(token, &after); err != nil {
			return page, err
		}
	}
	below, err := CheckPath(below)
	if err != nil {
		return page, err
	}
	place, err := s.Open(ctx, ws, name)
	if err != nil {
		return page, err
	}
	defer place.Close()
	err = place.List(ctx, below, after, func(o Object) error {
		if len(page.Items) == maxPage {
			page.NextPageToken = atelier.EncodePageToken(page.Items[maxPage-1].Path)
			return errEnough
		}
		page.Items = append(page.Items, o)
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return page, err
}

// Content opens one file. Closing it closes the place, too.
func (s *Service) Content(ctx context.Context, ws, name, file string) (io.ReadSeekCloser, int64, error) {
	if err := blob.CheckPath(file); err != nil {
		return nil, 0, err
	}
	place, err := s.Open(ctx, ws, name)
	if err != nil {
		return nil, 0, err
	}
	content, size, err := place.Open(ctx, file)
	if err != nil {
		return nil, 0, errors.Join(err, place.Close())
	}
	return &opened{content, place}, size, nil
}

type opened struct {
	io.ReadSeekCloser
	place Place
}

func (o *opened) Close() error { return errors.Join(o.ReadSeekCloser.Close(), o.place.Close()) }

// CheckPath returns a path in a datastore in its clean form, "" for all of it.
func CheckPath(p string) (string, error) {
	p = strings.Trim(p, "/")
	if p == "" || p == "." {
		return "", nil
	}
	return path.Clean(p), blob.CheckPath(p)
}

// Inside is the path of a file below folder, or the name of the file at folder.
func Inside(file, folder string) string {
	switch {
	case folder == "":
		return file
	case file == folder:
		return path.Base(file)
	}
	return strings.TrimPrefix(file, folder+"/")
}
