// Package datastore keeps the names of places where data lies, and reads there.
//
// A datastore is a folder of the server's machine, a bucket of S3 or of Google's
// Cloud Storage, or a container of Azure Blob Storage. Its credentials are sealed
// by the vault and leave it only to open the place: no answer, error or log holds
// them, and jobs, which read through the server, never see them.
//
// Every workspace has two datastores that nobody made: its own store of content.
package datastore

import (
	"cmp"
	"context"
	"io"
	"time"

	"github.com/atelier-ml/atelier"
)

// Type is the kind of place: Azure Machine Learning's words, and ours for what
// Azure does not have.
type Type string

const (
	Workspace Type = "workspace" // the workspace's own store
	Local     Type = "local"     // a folder of the server's machine
	S3        Type = "s3"
	GCS       Type = "gcs"
	AzureBlob Type = "azure_blob"
	AzureLake Type = "azure_data_lake_gen2"
)

// Location says where a datastore lies. Only the fields of its type are set.
type Location struct {
	Path          string `json:"path,omitempty" doc:"local: an absolute folder of the server's machine."`
	Bucket        string `json:"bucket,omitempty" doc:"s3, gcs."`
	Prefix        string `json:"prefix,omitempty" doc:"s3, gcs: the folder of the bucket that is shown."`
	Region        string `json:"region,omitempty" doc:"s3."`
	AccountName   string `json:"account_name,omitempty" doc:"azure_blob, azure_data_lake_gen2."`
	ContainerName string `json:"container_name,omitempty" doc:"azure_blob."`
	Filesystem    string `json:"filesystem,omitempty" doc:"azure_data_lake_gen2."`
	Protocol      string `json:"protocol,omitempty" doc:"azure_blob, azure_data_lake_gen2: https unless told."`
	Endpoint      string `json:"endpoint,omitempty" doc:"The service, when it is not the usual one: an address, or for Azure the end of its host names."`
}

// Datastore is a named place.
type Datastore struct {
	Name        string            `json:"name"`
	Type        Type              `json:"type" enum:"workspace,local,s3,gcs,azure_blob,azure_data_lake_gen2"`
	Description string            `json:"description"`
	Tags        map[string]string `json:"tags"`
	IsDefault   bool              `json:"is_default"`
	Location
	Credentials Credentials `json:"credentials"`
	CreatedBy   string      `json:"created_by,omitempty"`
	CreatedAt   *time.Time  `json:"created_at,omitempty"`
	UpdatedAt   *time.Time  `json:"updated_at,omitempty"`

	sealed  string
	trusted bool // may lie in the server's own network
}

// Credentials says which kind a datastore has. They are never shown.
type Credentials struct {
	Type string `json:"type" enum:"none,account_key,sas_token,access_key"`
}

// Secrets are credentials as they are given, under Azure's names or S3's.
type Secrets struct {
	AccountKey      string `json:"account_key,omitempty" doc:"Azure."`
	SASToken        string `json:"sas_token,omitempty" doc:"Azure."`
	AccessKeyID     string `json:"access_key_id,omitempty" doc:"s3, gcs (a HMAC key)."`
	SecretAccessKey string `json:"secret_access_key,omitempty" doc:"s3, gcs (a HMAC key)."`
	SessionToken    string `json:"session_token,omitempty" doc:"s3."`
}

// Create describes a datastore to make.
type Create struct {
	Name        string            `json:"name"`
	Type        Type              `json:"type" enum:"local,s3,gcs,azure_blob,azure_data_lake_gen2"`
	Description string            `json:"description,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Location
	Credentials    *Secrets `json:"credentials,omitempty" doc:"Left out for what everybody may read."`
	SkipValidation bool     `json:"skip_validation,omitempty" doc:"Do not look whether the place can be read."`
}

// Update changes what is not nil. Where a datastore lies never changes.
type Update struct {
	Description *string            `json:"description,omitempty"`
	Tags        map[string]*string `json:"tags,omitempty"`
	Credentials *Secrets           `json:"credentials,omitempty"`
}

// Object is a file in a place. Tag changes when its content does.
type Object struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
	Tag  string `json:"tag"`
}

// Place is the content of a datastore.
type Place interface {
	// List calls found with the file at path, or with all files below the folder
	// path ("" for all), in the order of their paths, from the one behind after.
	// What found returns ends the list.
	List(ctx context.Context, path, after string, found func(Object) error) error
	// Open returns a file and its size, or a NotFound error.
	Open(ctx context.Context, path string) (io.ReadSeekCloser, int64, error)
	// Put writes a file of size bytes, in place of one that is there.
	Put(ctx context.Context, path string, content io.Reader, size int64) error
	Close() error
}

// ArtifactDatastore is Azure's other name for what a workspace keeps.
const ArtifactDatastore = "workspaceartifactstore"

// own are the datastores that every workspace has.
func own() []Datastore {
	make := func(name, description string) Datastore {
		return Datastore{Name: name, Type: Workspace, Description: description, Tags: map[string]string{}, Credentials: Credentials{Type: "none"},
			IsDefault: name == atelier.DefaultDatastore}
	}
	return []Datastore{
		make(ArtifactDatastore, "What the runs of the workspace keep."),
		make(atelier.DefaultDatastore, "The workspace's own store, by content."),
	}
}

// container is the Azure container of either type.
func (l Location) container() string { return cmp.Or(l.ContainerName, l.Filesystem) }

func notFound(path string) error {
	return atelier.Errorf(atelier.NotFound, "There is no file %q in the datastore.", atelier.Clip(path, 200))
}
