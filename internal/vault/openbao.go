package vault

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/atelier-ml/atelier"
)

// OpenBao is a KeyProvider: a secret of a key-value store, version 2, of OpenBao
// or of HashiCorp Vault, which speak the same.
type OpenBao struct {
	address   string // of the server
	secret    string // MOUNT/data/PATH, escaped
	shown     string
	token     string
	namespace string
	client    *http.Client
	version   int // of the secret, as Load found or Store left it
}

// baoPatience is how long the server may take to answer.
const baoPatience = 20 * time.Second

// NewOpenBao returns the provider of a secret: https://HOST:PORT/MOUNT/PATH.
// namespace may be empty.
func NewOpenBao(address, token, namespace string) (*OpenBao, error) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Scheme != "https" && parsed.Scheme != "http" || parsed.Host == "" || parsed.User != nil || parsed.RawQuery != "" {
		return nil, atelier.Errorf(atelier.Invalid, "%q is not the address of a secret in OpenBao or HashiCorp Vault.", atelier.Clip(address, 120)).
			WithHint("Write https://HOST:PORT/MOUNT/PATH, as in https://bao.example.com:8200/secret/atelier.")
	}
	mount, path, ok := strings.Cut(strings.Trim(parsed.EscapedPath(), "/"), "/")
	if !ok || mount == "" || path == "" {
		return nil, atelier.Errorf(atelier.Invalid, "%q names no secret: it needs the mount of a key-value store and a path in it.", atelier.Clip(address, 120)).
			WithHint("Write https://HOST:PORT/MOUNT/PATH, as in https://bao.example.com:8200/secret/atelier.")
	}
	if token == "" {
		return nil, atelier.Errorf(atelier.Invalid, "There is no token for %s.", parsed.Host).
			WithHint("Set BAO_TOKEN (or VAULT_TOKEN) to one that may read and write the secret.")
	}
	noRedirect := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // a token must not travel
	return &OpenBao{address: parsed.Scheme + "://" + parsed.Host, secret: mount + "/data/" + path, shown: address, token: token,
		namespace: namespace, client: &http.Client{Timeout: baoPatience, CheckRedirect: noRedirect}}, nil
}

func (o *OpenBao) String() string { return o.shown }

// baoSecret is the part of an answer, or of a question, that is of use here.
type baoSecret struct {
	Data struct {
		Keys []byte `json:"keys"` // base64 in JSON
	} `json:"data"`
	Metadata struct {
		Version int `json:"version"`
	} `json:"metadata"`
}

func (o *OpenBao) Load(ctx context.Context) ([]byte, error) {
	var found struct {
		Data baoSecret `json:"data"`
	}
	status, err := o.call(ctx, http.MethodGet, nil, &found)
	if err != nil {
		return nil, err
	}
	o.version = found.Data.Metadata.Version
	if status == http.StatusNotFound && o.version > 0 {
		return nil, atelier.Errorf(atelier.Precondition, "The vault's key in %s was deleted.", o).WithHint("Undelete its last version.")
	}
	return found.Data.Data.Keys, nil
}

// Store writes the secret's next version, unless somebody else did.
func (o *OpenBao) Store(ctx context.Context, keys []byte) error {
	var made struct {
		Data struct {
			Version int `json:"version"`
		} `json:"data"`
	}
	ask := map[string]any{"options": map[string]int{"cas": o.version}, "data": map[string]string{"keys": base64.StdEncoding.EncodeToString(keys)}}
	status, err := o.call(ctx, http.MethodPost, ask, &made)
	if err == nil && status == http.StatusNotFound {
		err = atelier.Errorf(atelier.Invalid, "There is no key-value store of version 2 at %s.", o).WithHint("Check the mount in the address.")
	}
	if err == nil {
		o.version = made.Data.Version
	}
	return err
}

// call asks the server about the secret. Not found is an answer.
func (o *OpenBao) call(ctx context.Context, method string, ask, out any) (status int, err error) {
	var body io.Reader
	if ask != nil {
		text, err := json.Marshal(ask)
		if err != nil {
			return 0, err
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, o.address+"/v1/"+o.secret, body)
	if err != nil {
		return 0, err
	}
	request.Header.Set("X-Vault-Token", o.token)
	request.Header.Set("X-Vault-Request", "true")
	if o.namespace != "" {
		request.Header.Set("X-Vault-Namespace", o.namespace)
	}
	response, err := o.client.Do(request)
	if err != nil {
		return 0, atelier.Errorf(atelier.Unavailable, "%s, which keeps the vault's key, cannot be reached: %w.", o.address, err).
			WithHint("Start it, and then this server again.")
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return 0, err
	}
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusNoContent && response.StatusCode != http.StatusNotFound {
		return 0, o.refusal(response.StatusCode, text)
	}
	if len(bytes.TrimSpace(text)) > 0 && json.Unmarshal(text, out) != nil {
		return 0, atelier.Errorf(atelier.Unavailable, "%s does not answer as OpenBao or HashiCorp Vault do.", o.address)
	}
	return response.StatusCode, nil
}

func (o *OpenBao) refusal(status int, text []byte) error {
	var answer struct {
		Errors []string `json:"errors"`
	}
	json.Unmarshal(text, &answer) // without words the number must do
	said := strings.Join(append([]string{fmt.Sprintf("status %d", status)}, answer.Errors...), ", ")
	switch {
	case status == http.StatusForbidden:
		return atelier.Errorf(atelier.Forbidden, "%s, which keeps the vault's key, does not let us read or write %s (%s).", o.address, o.secret, said).
			WithHint("Give BAO_TOKEN (or VAULT_TOKEN) a policy with create, read and update for that path.")
	case status >= http.StatusInternalServerError:
		return atelier.Errorf(atelier.Unavailable, "%s, which keeps the vault's key, is not ready (%s).", o.address, said).
			WithHint("Unseal it, and start this server again.")
	case strings.Contains(said, "check-and-set"):
		return atelier.Errorf(atelier.Conflict, "Somebody else changed the vault's key in %s.", o).WithHint("Start this server again, and repeat the rotation.")
	}
	return atelier.Errorf(atelier.Precondition, "%s, which keeps the vault's key, refuses: %s.", o.address, said)
}
