package cli

import (
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/credential"
)

// Names in the environment that select the server, the workspace and the user.
const (
	envServer    = "ATELIER_SERVER"
	envWorkspace = "ATELIER_WORKSPACE"
	envToken     = "ATELIER_TOKEN"
)

const defaultWorkspace = "default"

// target is the server and the workspace that a command speaks to.
type target struct {
	server, workspace string
	// named is true when a config.json chose the server: a file that may have
	// come with somebody else's code.
	named bool
}

// connect returns a client for what the flags, the environment and config.json
// select, in that order.
func (c *command) connect() (*client.Client, error) {
	to, err := c.target()
	if err != nil {
		return nil, err
	}
	token, err := c.token(to)
	if err != nil {
		return nil, err
	}
	return c.clientFor(to, token)
}

func (c *command) clientFor(to target, token string) (*client.Client, error) {
	return client.New(client.Config{
		Server: to.server, Token: token, Workspace: to.workspace,
		Transport: c.st.Transport, Clock: c.st.Clock, UserAgent: "atelier-cli/" + c.hooks.Version,
	})
}

// token returns what to show the server. The one in the environment goes only to
// a server that the person named: a config.json in a folder from elsewhere must
// not be able to collect it.
func (c *command) token(to target) (string, error) {
	given := c.st.Env[envToken]
	if given != "" && !to.named {
		return given, nil
	}
	kept, err := credential.Token(c.st.ConfigDir, to.server)
	if err == nil && kept == "" && given != "" {
		err = atelier.Errorf(atelier.Unauthenticated, "config.json names the server %s, and %s is not sent to a server that a file names.", to.server, envToken).
			WithHint("Set %s too, or sign in with `atelier sign-in`.", envServer)
	}
	return kept, err
}

func (c *command) target() (target, error) {
	to := target{server: first(c.server, c.st.Env[envServer]), workspace: first(c.workspace, c.st.Env[envWorkspace])}
	if to.server == "" || to.workspace == "" {
		file, err := c.st.findConfig()
		if err != nil {
			return target{}, err
		}
		to.named = to.server == "" && file.Server != ""
		to.server = first(to.server, file.Server)
		to.workspace = first(to.workspace, file.WorkspaceName)
	}
	to.server = first(to.server, client.DefaultServer)
	to.workspace = first(to.workspace, defaultWorkspace)
	return to, nil
}

func first(values ...string) string {
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}

// configFile is Azure Machine Learning's config.json. Its subscription and its
// resource group mean nothing here and are accepted; the server is ours.
type configFile struct {
	WorkspaceName string `json:"workspace_name"`
	Server        string `json:"server"`
}

// findConfig reads the nearest config.json: in the working folder, in its
// .azureml folder, then the same in each parent. It returns an empty one when
// there is none.
func (st *State) findConfig() (configFile, error) {
	for dir := st.Dir; ; dir = filepath.Dir(dir) {
		for _, name := range []string{"config.json", filepath.Join(".azureml", "config.json")} {
			file, found, err := st.readConfig(filepath.Join(dir, name))
			if found || err != nil {
				return file, err
			}
		}
		if dir == filepath.Dir(dir) {
			return configFile{}, nil
		}
	}
}

// readConfig reads one file. A config.json that says nothing about a workspace
// or a server belongs to another program and does not count as found.
func (st *State) readConfig(path string) (file configFile, found bool, err error) {
	text, err := st.readFile(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return configFile{}, false, nil
	}
	if err != nil {
		return configFile{}, false, nil // a folder of that name
	}
	if err := json.Unmarshal(text, &file); err != nil {
		var mismatch *json.UnmarshalTypeError
		if errors.As(err, &mismatch) && mismatch.Field == "" {
			return configFile{}, false, nil // some other program's list or text
		}
		why := err.Error()
		if mismatch != nil {
			why = strconv.Quote(mismatch.Field) + " must be text"
		}
		return configFile{}, false, atelier.Errorf(atelier.Invalid, "%s does not name a workspace: %s.", st.shown(path), why).
			WithHint(`Write {"workspace_name": "default"}.`)
	}
	return file, file.WorkspaceName != "" || file.Server != "", nil
}
