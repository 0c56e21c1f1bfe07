package vault

import (
	"regexp"
	"time"

	"github.com/atelier-ml/atelier"
)

// Secret is a value that a workspace keeps, without the value: that is given to
// the jobs and deployments which name it, and to nobody else.
type Secret struct {
	Name    string `json:"name"`
	Version int64  `json:"version" doc:"How often it was set."`
	// Who set it last, and which task was given it last.
	CreatedBy string     `json:"created_by"`
	CreatedAt time.Time  `json:"created_at"`
	UpdatedBy string     `json:"updated_by"`
	UpdatedAt time.Time  `json:"updated_at"`
	UsedBy    string     `json:"used_by,omitempty" doc:"The job or deployment that was given it last, and in whose name."`
	UsedAt    *time.Time `json:"used_at,omitempty"`

	sealed string
}

// SetSecret asks for a secret with a value.
type SetSecret struct {
	Value string `json:"value" doc:"Text of 4 to 24576 bytes."`
}

// UsePermission is what somebody needs whose jobs and deployments are given
// secrets.
const UsePermission atelier.Permission = "secrets/use/action"

// Bounds of a value. A shorter one would turn up in logs by chance, and could not
// be kept out of them.
const (
	minValue = 4
	maxValue = 24 << 10
)

var secretName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,126}$`)

// CheckSecretName refuses a name that no secret can have.
func CheckSecretName(name string) error {
	if !secretName.MatchString(name) {
		return atelier.Errorf(atelier.Invalid, "%q cannot name a secret.", atelier.Clip(name, 60)).At("name").
			WithHint("Use up to 127 letters, digits, '-' and '_', beginning with a letter or a digit.")
	}
	return nil
}
