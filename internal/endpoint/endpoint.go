// Package endpoint serves models behind stable addresses.
//
// An Endpoint is a URL with keys and a traffic split; a Deployment is a model,
// a scoring script and an environment behind it, run as one or more replicas.
// Each replica is a task of the compute driver: a runner that keeps a Python
// worker alive, which listens on a Unix socket in the replica's own folder.
//
// Three parts work together. The Service keeps what users asked for. The
// Reconciler makes it so: it compares what is wanted with what runs, decides
// purely (plan.go) and acts through the driver. The Router answers scoring
// requests: it checks the key, picks a deployment by its share of the traffic
// (traffic.go), waits for a free place in it (pool.go) and speaks frames with
// the worker (frame.go). Workers outlive the server; after a restart their
// sockets are found again and requests flow as before.
package endpoint

import (
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
)

// State is the provisioning state, in Azure Machine Learning's words.
type State string

const (
	Creating  State = "Creating"
	Updating  State = "Updating"
	Scaling   State = "Scaling"
	Deleting  State = "Deleting"
	Succeeded State = "Succeeded"
	Failed    State = "Failed"
)

// AuthMode says which credential a scoring request must carry.
type AuthMode string

const (
	// KeyAuth accepts the endpoint's two keys.
	KeyAuth AuthMode = "key"
	// TokenAuth accepts no keys: callers use a token of their own.
	TokenAuth AuthMode = "aml_token"
)

// Endpoint is a stable address with credentials and a traffic split.
type Endpoint struct {
	Workspace     string            `json:"-"`
	Name          string            `json:"name"`
	Description   string            `json:"description"`
	Tags          map[string]string `json:"tags"`
	Properties    map[string]string `json:"properties"`
	AuthMode      AuthMode          `json:"auth_mode" enum:"key,aml_token"`
	Traffic       Traffic           `json:"traffic"`
	MirrorTraffic Traffic           `json:"mirror_traffic"`
	// Rollout is the present or the last move of the traffic by steps.
	Rollout    *Rollout         `json:"rollout,omitempty"`
	ScoringURI string           `json:"scoring_uri"`
	OpenAPIURI string           `json:"openapi_uri"`
	State      State            `json:"provisioning_state"`
	Error      *compute.Failure `json:"error,omitempty"`
	CreatedBy  string           `json:"created_by"`
	CreatedAt  time.Time        `json:"created_at"`
	UpdatedAt  time.Time        `json:"updated_at"`

	keys string // both keys, sealed by the vault
}

// CreateEndpoint is what a user gives to make an endpoint. Traffic is empty at
// this time, because there is no deployment that it could go to.
type CreateEndpoint struct {
	Name          string            `json:"name"`
	Description   string            `json:"description,omitempty"`
	Tags          map[string]string `json:"tags,omitempty"`
	Properties    map[string]string `json:"properties,omitempty"`
	AuthMode      AuthMode          `json:"auth_mode,omitempty" enum:"key,aml_token"`
	Traffic       Traffic           `json:"traffic,omitempty"`
	MirrorTraffic Traffic           `json:"mirror_traffic,omitempty"`
}

// UpdateEndpoint changes what is not nil.
type UpdateEndpoint struct {
	Description   *string            `json:"description,omitempty"`
	Tags          *map[string]string `json:"tags,omitempty"`
	Properties    *map[string]string `json:"properties,omitempty"`
	AuthMode      *AuthMode          `json:"auth_mode,omitempty" enum:"key,aml_token"`
	Traffic       *Traffic           `json:"traffic,omitempty"`
	MirrorTraffic *Traffic           `json:"mirror_traffic,omitempty"`
}

// Credentials are an endpoint's two keys. Either is enough, so that one can be
// replaced while callers use the other.
type Credentials struct {
	PrimaryKey   string `json:"primary_key"`
	SecondaryKey string `json:"secondary_key"`
}

// KeyType names one of the two keys.
type KeyType string

const (
	PrimaryKey   KeyType = "primary"
	SecondaryKey KeyType = "secondary"
)

func (c *CreateEndpoint) check() error {
	if err := atelier.CheckEndpointName("endpoint", c.Name); err != nil {
		return err
	}
	if c.AuthMode == "" {
		c.AuthMode = KeyAuth
	}
	if err := checkAuthMode(c.AuthMode); err != nil {
		return err
	}
	if _, err := limitsOf(c.Properties); err != nil {
		return err
	}
	if c.Traffic.total() != 0 || c.MirrorTraffic.total() != 0 {
		return atelier.Errorf(atelier.Invalid, "A new endpoint has no deployment that traffic could go to.").At("traffic").
			WithHint("Create the endpoint without traffic, create a deployment, then update the endpoint's traffic.")
	}
	return nil
}

func checkAuthMode(mode AuthMode) error {
	if mode == KeyAuth || mode == TokenAuth {
		return nil
	}
	return atelier.Errorf(atelier.Invalid, "The authentication mode %q is not offered.", atelier.Clip(string(mode), 40)).
		At("auth_mode").WithHint("Use key or aml_token.")
}

// apply changes e as the update says.
func (u UpdateEndpoint) apply(e *Endpoint) error {
	set(&e.Description, u.Description)
	set(&e.Tags, u.Tags)
	set(&e.Properties, u.Properties)
	set(&e.AuthMode, u.AuthMode)
	set(&e.Traffic, u.Traffic)
	set(&e.MirrorTraffic, u.MirrorTraffic)
	if _, err := limitsOf(e.Properties); err != nil {
		return err
	}
	return checkAuthMode(e.AuthMode)
}

// set changes target to value, unless value is nil.
func set[T any](target *T, value *T) {
	if value != nil {
		*target = *value
	}
}
