// Package access decides who may do what: users, the credentials that prove who
// they are, and the role that each has in each workspace.
//
// A credential is a random secret of which only the hash is stored: a personal
// token, a browser's session, a one-time sign-in link, or a running task's own
// token. Whether an actor may do something is asked in one place, Authorize.
package access

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/atelier-ml/atelier"
)

// Server roles of users. A server owner is Owner of every workspace.
const (
	ServerOwner = "owner"
	ServerUser  = "user"
)

// Kinds of those who may have a role in a workspace.
const (
	KindPerson  = "person"
	KindService = "service" // a service principal: a program that signs in by itself
	KindTeam    = "team"
)

// User is a person, or a service principal.
type User struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Kind        string     `json:"kind" doc:"person or service"`
	Description string     `json:"description,omitempty"`
	Email       string     `json:"email,omitempty" doc:"the address by which an identity provider knows the person"`
	ServerRole  string     `json:"server_role" doc:"owner or user"`
	DisabledAt  *time.Time `json:"disabled_at,omitempty" doc:"since when the user can do nothing"`
	CreatedAt   time.Time  `json:"created_at"`
}

// Kinds of credentials.
const (
	kindToken   = "token"
	kindSession = "session"
	kindLink    = "link"
	kindTask    = "task"
	kindSecret  = "secret" // a service principal's, which is good for access tokens only
	kindAccess  = "access" // what a service principal gets for its secret
	kindGrant   = "grant"  // what a command line changes for a token
)

// How long credentials last.
const (
	SessionLifetime      = 14 * 24 * time.Hour
	LinkLifetime         = time.Hour
	DefaultTokenLifetime = 90 * 24 * time.Hour
	MaxTokenLifetime     = 366 * 24 * time.Hour
	AccessLifetime       = time.Hour
)

// CommandLineToken describes the tokens that a start of the server makes.
const CommandLineToken = "command line on the server's machine"

// Token describes a personal access token, or a service principal's secret. Secret
// is set only in the answer to its creation.
type Token struct {
	ID          string     `json:"id"`
	Description string     `json:"description"`
	Workspace   string     `json:"workspace,omitempty" doc:"the only workspace that it is good for"`
	Actions     []string   `json:"actions,omitempty" doc:"all that it is good for; without any, what its owner may do"`
	CreatedAt   time.Time  `json:"created_at"`
	ExpiresAt   time.Time  `json:"expires_at"`
	UsedAt      *time.Time `json:"used_at,omitempty"`
	Secret      string     `json:"secret,omitempty"`
}

// Member is a role that somebody has in a workspace. Who has several is there as
// often.
type Member struct {
	Member    string    `json:"member" doc:"a user's name, or team:NAME"`
	Kind      string    `json:"kind" doc:"person, service or team"`
	Role      string    `json:"role"`
	CreatedBy string    `json:"created_by"`
	CreatedAt time.Time `json:"created_at"`
}

// credential is a row of the table of that name.
type credential struct {
	id, secretHash, kind, userID, description string
	workspaceID, task, taskKind               *string
	createdAt, expiresAt                      time.Time
	usedAt                                    *time.Time
	parentID                                  *string
	actions                                   []string
}

// TaskToken asks for a token that a running task uses.
type TaskToken struct {
	Workspace string            // the workspace's id
	Task      string            // the job's name, or the replica's id
	Kind      atelier.ActorKind // JobActor or Deployment
	UserID    string            // for whom the task runs
	ExpiresAt time.Time
}

func hashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// NewToken asks for a personal token. Lifetime 0 means DefaultTokenLifetime.
type NewToken struct {
	Description string
	Lifetime    time.Duration
	Workspace   string   // the id of the only workspace that it is good for, or empty
	Actions     []string // patterns of all that it is good for, or none
}

func checkName(what, name string) error {
	allowed := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._@+-", r)
	}
	first, _ := utf8.DecodeRuneInString(name)
	if len(name) <= 128 && (unicode.IsLetter(first) || unicode.IsDigit(first)) &&
		strings.IndexFunc(name, func(r rune) bool { return !allowed(r) }) < 0 {
		return nil
	}
	return atelier.Errorf(atelier.Invalid, "%q cannot name a %s.", atelier.Clip(name, 60), what).At("name").
		WithHint("Use letters, digits, '.', '_', '-', '+' or '@', such as a mail address.")
}
