// Package batch scores folders of files with models.
//
// An Endpoint is a name that stays; a Deployment behind it is a model, a scoring
// script and an environment, with how the work is divided (settings.go). Nothing
// runs until somebody invokes the endpoint (invoke.go): that makes a job like any
// other, which waits for its turn, has a run, logs and an output, and can be
// cancelled and repeated. What the job does is atelier_serving/batch.py's part.
package batch

import (
	"time"

	"github.com/atelier-ml/atelier"
)

// AuthMode is how the callers of a batch endpoint are known, in Azure Machine
// Learning's word: by their own sign-in. There is no other.
const AuthMode = "aad_token"

// Succeeded is the provisioning state of all that there is: nothing has to be
// started for it.
const Succeeded = "Succeeded"

// Defaults say what an invocation means that does not say it.
type Defaults struct {
	Deployment string `json:"deployment_name" doc:"The deployment that is asked when none is named."`
}

// Endpoint is a name under which deployments score.
type Endpoint struct {
	Workspace   string            `json:"-"`
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Tags        map[string]string `json:"tags"`
	Properties  map[string]string `json:"properties"`
	AuthMode    string            `json:"auth_mode" enum:"aad_token"`
	Defaults    Defaults          `json:"defaults"`
	ScoringURI  string            `json:"scoring_uri"`
	State       string            `json:"provisioning_state"`
	CreatedBy   string            `json:"created_by"`
	CreatedAt   time.Time         `json:"created_at"`
	UpdatedAt   time.Time         `json:"updated_at"`
}

// CreateEndpoint is what a user gives to make an endpoint. One of the same name is
// replaced, and keeps its deployments.
type CreateEndpoint struct {
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Properties  map[string]string `json:"properties,omitempty"`
	AuthMode    string            `json:"auth_mode,omitempty" enum:"aad_token"`
	Defaults    Defaults          `json:"defaults,omitempty" required:"false"`
}

// UpdateEndpoint changes what is not nil.
type UpdateEndpoint struct {
	Description *string            `json:"description,omitempty"`
	Tags        *map[string]string `json:"tags,omitempty"`
	Properties  *map[string]string `json:"properties,omitempty"`
	Defaults    *Defaults          `json:"defaults,omitempty"`
}

func (c CreateEndpoint) check() error {
	if c.AuthMode != "" && c.AuthMode != AuthMode {
		return atelier.Errorf(atelier.Invalid, "The authentication mode %q is not offered.", atelier.Clip(c.AuthMode, 40)).At("auth_mode").
			WithHint("Batch endpoints are called with one's own sign-in: leave it out, or write aad_token.")
	}
	return atelier.CheckEndpointName("endpoint", c.Name)
}

func (u UpdateEndpoint) apply(e *Endpoint) {
	set(&e.Description, u.Description)
	set(&e.Tags, u.Tags)
	set(&e.Properties, u.Properties)
	set(&e.Defaults, u.Defaults)
}

// set changes target to value, unless value is nil.
func set[T any](target *T, value *T) {
	if value != nil {
		*target = *value
	}
}

func notNil(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
