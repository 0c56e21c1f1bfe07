package vault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// File is a KeyProvider: a file that its owner alone may read.
type File string

func (f File) String() string { return string(f) }

func (f File) Load(context.Context) ([]byte, error) {
	keys, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && len(keys) == 0 {
		return nil, fmt.Errorf("the vault's key: %s is empty", f)
	}
	return keys, err
}

// Store writes a new file and gives it the name only when it is on the disk.
func (f File) Store(_ context.Context, keys []byte) error {
	dir := filepath.Dir(string(f))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, ".vault-*") // with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(keys)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), string(f)); err != nil {
		return err
	}
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
