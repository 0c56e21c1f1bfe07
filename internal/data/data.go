// Package data is the registry of data: assets by name, and versions that never
// change.
//
// A version is a file, a folder or an MLTable. What people upload, and what jobs
// leave, is a blob.Tree of the version's own, rooted at the asset. What lies in a
// datastore, or at an address of the web, is registered by reference: nothing is
// copied, and the version keeps a fingerprint by which a change is seen, until
// somebody asks to freeze it.
//
// Resolve finds what a path in any of its forms means. Jobs read their inputs by
// it too, and what they read and made is kept as uses: the lineage.
package data

import (
	"time"

	"github.com/atelier-ml/atelier/internal/blob"
)

// Type is what a version is, in Azure Machine Learning's words.
type Type string

const (
	File    Type = "uri_file"   // one file
	Folder  Type = "uri_folder" // any files
	MLTable Type = "mltable"    // a folder with a file MLTable
)

// Types lists every Type.
func Types() []Type { return []Type{Folder, File, MLTable} }

// Asset is a name under which versions are kept.
type Asset struct {
	Name          string    `json:"name"`
	LatestVersion string    `json:"latest_version" doc:"The version made last that is not archived; empty when all are."`
	NextVersion   string    `json:"next_version" doc:"The number that the next version gets when nobody names it."`
	Type          Type      `json:"type" enum:"uri_file,uri_folder,mltable" doc:"Of the latest version."`
	Description   string    `json:"description" doc:"Of the latest version."`
	Archived      bool      `json:"archived"`
	CreatedBy     string    `json:"created_by"`
	CreatedAt     time.Time `json:"created_at"`
	UpdatedAt     time.Time `json:"updated_at"`
}

// Version is one content of an asset, which never changes.
type Version struct {
	Name        string            `json:"name"`
	Version     string            `json:"version"`
	Type        Type              `json:"type" enum:"uri_file,uri_folder,mltable"`
	Path        string            `json:"path" doc:"Where it was registered from."`
	Reference   *Reference        `json:"reference,omitempty" doc:"Where it lies, when it is not stored here."`
	Tree        blob.Hash         `json:"tree,omitempty" doc:"The stored files; absent while the version only refers to a datastore or an address."`
	Size        int64             `json:"size"`
	Files       int               `json:"files"`
	Description string            `json:"description"`
	Tags        map[string]string `json:"tags"`
	Properties  map[string]string `json:"properties"`
	Archived    bool              `json:"archived"`
	RunID       string            `json:"run_id,omitempty" doc:"The run that made it, if one did."`
	CreatedBy   string            `json:"created_by"`
	CreatedAt   time.Time         `json:"created_at"`
	UpdatedAt   time.Time         `json:"updated_at"`
}

// Reference is a place outside the workspace's own store: a file or a folder in a
// datastore, or an address of the web.
type Reference struct {
	Datastore string `json:"datastore,omitempty"`
	Path      string `json:"path,omitempty" doc:"In the datastore."`
	URL       string `json:"url,omitempty"`
	// Fingerprint changes when a file comes, goes or changes. Addresses have none.
	Fingerprint string `json:"fingerprint,omitempty"`
}

// Register describes a version to register.
type Register struct {
	Name        string            `json:"name"`
	Version     string            `json:"version,omitempty" doc:"Any word that is not taken; the next number when it is left out."`
	Type        Type              `json:"type,omitempty" enum:"uri_file,uri_folder,mltable" doc:"uri_folder when it is left out."`
	Path        string            `json:"path" doc:"An uploaded folder, azureml://jobs/JOB/outputs/OUTPUT, runs:/RUN/PATH, azureml:NAME:VERSION, azureml://datastores/NAME/paths/PATH or an address."`
	Freeze      bool              `json:"freeze,omitempty" doc:"Store what lies in a datastore, so that it cannot change."`
	Description string            `json:"description,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Properties  map[string]string `json:"properties,omitempty"`
}

// UpdateVersion changes what is not nil. A tag or property with a nil value is
// removed. The content never changes.
type UpdateVersion struct {
	Description *string            `json:"description,omitempty"`
	Tags        map[string]*string `json:"tags,omitempty"`
	Properties  map[string]*string `json:"properties,omitempty"`
	Archived    *bool              `json:"archived,omitempty"`
}

// UpdateAsset changes what is not nil.
type UpdateAsset struct {
	Archived *bool `json:"archived,omitempty"`
}

// List asks for a page of assets, by name, or of versions, the newest first.
type List struct {
	Archived   bool // those that are archived too
	MaxResults int
	PageToken  string
}

// Latest is the label of the version that was made last and is not archived.
const Latest = "latest"
