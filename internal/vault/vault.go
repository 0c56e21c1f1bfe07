// Package vault keeps secrets unreadable at rest: what it seals can be opened
// only with a key that lies outside the database.
//
// A sealed text is "v1." and the base64 of nonce and AES-256-GCM ciphertext.
package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Vault seals and opens with one key.
type Vault struct {
	aead cipher.AEAD
}

const version = "v1."

// Open returns the vault whose key is in the file at path, made with a random
// key (mode 0600) when it is missing.
func Open(path string) (*Vault, error) {
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = makeKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("the vault's key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("the vault's key in %s is damaged: it must be 32 bytes", path)
	}
	aead, err := cipher.NewGCM(block)
	return &Vault{aead: aead}, err
}

func makeKey(path string) ([]byte, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	rand.Read(key)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = file.Write(key)
	return key, errors.Join(err, file.Sync(), file.Close())
}

// Seal returns plain in a form that only this vault opens.
func (v *Vault) Seal(plain []byte) string {
	nonce := make([]byte, v.aead.NonceSize())
	rand.Read(nonce)
	return version + base64.RawStdEncoding.EncodeToString(v.aead.Seal(nonce, nonce, plain, nil))
}

// Unseal returns what Seal was given.
func (v *Vault) Unseal(sealed string) ([]byte, error) {
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimPrefix(sealed, version))
	if err != nil || !strings.HasPrefix(sealed, version) || len(raw) < v.aead.NonceSize() {
		return nil, errors.New("vault: not a sealed text")
	}
	plain, err := v.aead.Open(nil, raw[:v.aead.NonceSize()], raw[v.aead.NonceSize():], nil)
	if err != nil {
		return nil, errors.New("vault: sealed with another key, or damaged")
	}
	return plain, nil
}
