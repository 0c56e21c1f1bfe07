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

// User is a person.
type User struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	ServerRole string    `json:"server_role"`
	CreatedAt  time.Time `json:"created_at"`
}

// Kinds of credentials.
const (
	kindToken   = "token"
	kindSession = "session"
	kindLink    = "link"
	kindTask    = "task"
)

// How long credentials last.
const (
	SessionLifetime      = 14 * 24 * time.Hour
	LinkLifetime         = time.Hour
	DefaultTokenLifetime = 90 * 24 * time.Hour
	MaxTokenLifetime     = 366 * 24 * time.Hour
)

// CommandLineToken describes the tokens that a start of the server makes.
const CommandLineToken = "command line on the server's machine"

// Token describes a personal access token. Secret is set only in the answer to
// its creation.
type Token struct {
	ID          string     `json:"id"`
	Description string     `json:"description"`
	CreatedAt   time.Time  `json:"created_at"`
	ExpiresAt   time.Time  `json:"expires_at"`
	UsedAt      *time.Time `json:"used_at,omitempty"`
	Secret      string     `json:"secret,omitempty"`
}

// Member is a user's role in a workspace.
type Member struct {
	User      string    `json:"user"`
	Role      string    `json:"role"`
	CreatedAt time.Time `json:"created_at"`
}

// credential is a row of the table of that name.
type credential struct {
	id, secretHash, kind, userID, description string
	workspaceID, task, taskKind               *string
	createdAt, expiresAt                      time.Time
	usedAt                                    *time.Time
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

func checkUserName(name string) error {
	allowed := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._@+-", r)
	}
	first, _ := utf8.DecodeRuneInString(name)
	if len(name) <= 128 && (unicode.IsLetter(first) || unicode.IsDigit(first)) &&
		strings.IndexFunc(name, func(r rune) bool { return !allowed(r) }) < 0 {
		return nil
	}
	return atelier.Errorf(atelier.Invalid, "%q cannot name a user.", atelier.Clip(name, 60)).At("name").
		WithHint("Use letters, digits, '.', '_', '-', '+' or '@', such as a mail address.")
}
