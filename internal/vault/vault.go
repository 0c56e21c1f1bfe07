// Package vault keeps secrets unreadable at rest: what it seals can be opened
// only with a key that lies outside the database. It also keeps the secrets of
// workspaces, which jobs and deployments name and are given.
//
// A sealed text is "v1." and the base64 of nonce and AES-256-GCM ciphertext.
package vault

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"sync"

	"github.com/atelier-ml/atelier"
)

// Vault seals with its newest key and opens with any.
type Vault struct {
	provider KeyProvider

	mu   sync.RWMutex
	keys []key // the newest first
}

type key struct {
	raw  []byte
	aead cipher.AEAD
}

const (
	version = "v1."
	keySize = 32
)

// KeyProvider keeps the keys of a vault, apart from what they seal.
type KeyProvider interface {
	// Load returns the keys, one behind the other and the newest first; nothing
	// when none were ever stored.
	Load(ctx context.Context) ([]byte, error)
	// Store keeps keys instead of those that Load returned. Once it has returned,
	// they are safe.
	Store(ctx context.Context, keys []byte) error
	// String says where they are, for people.
	String() string
}

func split(stored []byte) ([]key, error) {
	if len(stored)%keySize != 0 {
		return nil, errors.New("not a whole number of keys")
	}
	var keys []key
	for ; len(stored) > 0; stored = stored[keySize:] {
		k, err := newKey(stored[:keySize])
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

func newKey(raw []byte) (key, error) {
	block, err := aes.NewCipher(raw)
	if err != nil {
		return key{}, err
	}
	aead, err := cipher.NewGCM(block)
	return key{raw, aead}, err
}

// addKey makes a key, with which all is sealed from now on, and keeps the first
// old ones besides.
func (v *Vault) addKey(ctx context.Context, old int) error {
	raw := make([]byte, keySize)
	rand.Read(raw)
	made, err := newKey(raw)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	keys := append([]key{made}, v.keys[:old]...)
	var all []byte
	for _, k := range keys {
		all = append(all, k.raw...)
	}
	if err := v.provider.Store(ctx, all); err != nil {
		return err
	}
	v.keys = keys
	return nil
}

// Seal returns plain in a form that only this vault opens.
func (v *Vault) Seal(plain []byte) string {
	v.mu.RLock()
	defer v.mu.RUnlock()
	newest := v.keys[0].aead
	nonce := make([]byte, newest.NonceSize())
	rand.Read(nonce)
	return version + base64.RawStdEncoding.EncodeToString(newest.Seal(nonce, nonce, plain, nil))
}

// Unseal returns what Seal was given.
func (v *Vault) Unseal(sealed string) ([]byte, error) {
	plain, _, err := v.unseal(sealed)
	return plain, err
}

// unseal also tells which key opened it, 0 for the newest.
func (v *Vault) unseal(sealed string) (plain []byte, at int, err error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimPrefix(sealed, version))
	if err != nil || !strings.HasPrefix(sealed, version) {
		return nil, 0, errors.New("vault: not a sealed text")
	}
	for at, k := range v.keys {
		size := k.aead.NonceSize()
		if len(raw) < size {
			break
		}
		if plain, err := k.aead.Open(nil, raw[:size], raw[size:], nil); err == nil {
			return plain, at, nil
		}
	}
	return nil, 0, errOtherKey
}

// errOtherKey is what people are told of what cannot be opened.
var errOtherKey = atelier.Errorf(atelier.Precondition, "What the vault holds here was sealed with another key, or is damaged.").
	WithHint("Put the right key back and start the server again, or set the secret anew.")
