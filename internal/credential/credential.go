// Package credential keeps the tokens of the person at this machine: one file
// in the user's own configuration folder, readable by nobody else, that maps
// the address of a server to the token to show it.
//
// The server writes it at its first start, so that the command line on the same
// machine works without signing in; `atelier sign-in` writes it for a server
// elsewhere; the Python package reads it too. Its form is therefore a contract:
// a JSON object of strings.
package credential

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/atelier-ml/atelier"
)

// File is the name of the file inside the configuration folder.
const File = "credentials.json"

// Save remembers token for server. It replaces the file in one step, so that a
// crash leaves either the old tokens or the new ones.
func Save(configDir, server, token string) error {
	tokens, err := load(configDir)
	if err != nil {
		return err
	}
	tokens[Server(server)] = token
	return store(configDir, tokens)
}

// Remove forgets the token of server. Forgetting what is not there is no error.
func Remove(configDir, server string) error {
	tokens, err := load(configDir)
	if err != nil {
		return err
	}
	if _, ok := tokens[Server(server)]; !ok {
		return nil
	}
	delete(tokens, Server(server))
	return store(configDir, tokens)
}

// Token returns the token remembered for server, and "" when there is none.
func Token(configDir, server string) (string, error) {
	tokens, err := load(configDir)
	return tokens[Server(server)], err
}

// Server returns the form of a server's address under which its token is kept:
// no path, no closing slash, and 127.0.0.1 for localhost, because people write
// both and mean one server.
func Server(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Host == "" {
		return address
	}
	host := strings.ToLower(u.Host)
	if u.Hostname() == "localhost" {
		host = strings.Replace(host, "localhost", "127.0.0.1", 1)
	}
	return strings.ToLower(u.Scheme) + "://" + host + strings.TrimRight(u.Path, "/")
}

func load(configDir string) (map[string]string, error) {
	tokens := map[string]string{}
	if configDir == "" {
		return tokens, nil
	}
	path := filepath.Join(configDir, File)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return tokens, nil
	}
	if err != nil {
		return nil, atelier.Errorf(atelier.Invalid, "The saved tokens cannot be read: %w.", err)
	}
	if err := json.Unmarshal(text, &tokens); err != nil {
		return nil, atelier.Errorf(atelier.Invalid, "%s is not a JSON object of server addresses and tokens.", path).
			WithHint("Correct it, or delete it and run `atelier sign-in`.")
	}
	return tokens, nil
}

func store(configDir string, tokens map[string]string) error {
	if configDir == "" {
		return atelier.Errorf(atelier.Invalid, "There is no home folder in which a token could be saved.").
			WithHint("Set HOME, or pass the token in ATELIER_TOKEN.")
	}
	text, err := json.MarshalIndent(tokens, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(configDir, 0o700); err != nil {
		return unwritable(configDir, err)
	}
	draft, err := os.CreateTemp(configDir, File+".*") // made with mode 0600
	if err != nil {
		return unwritable(configDir, err)
	}
	defer os.Remove(draft.Name())
	_, err = draft.Write(append(text, '\n'))
	err = errors.Join(err, draft.Sync(), draft.Close())
	if err == nil {
		err = os.Rename(draft.Name(), filepath.Join(configDir, File))
	}
	if err != nil {
		return unwritable(configDir, err)
	}
	return nil
}

func unwritable(configDir string, err error) error {
	return atelier.Errorf(atelier.Invalid, "The token cannot be saved in %s: %w.", configDir, err).
		WithHint("Make the folder writable, or pass the token in ATELIER_TOKEN.")
}
