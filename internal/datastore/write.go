package datastore

import (
	"context"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/minio/minio-go/v7"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
)

// Put writes a file into a datastore, in place of one that is there. It is whole or
// not there: nobody reads a part of it.
func (s *Service) Put(ctx context.Context, ws, name, file string, content io.Reader, size int64) error {
	if err := blob.CheckPath(file); err != nil {
		return err
	}
	place, err := s.Open(ctx, ws, name)
	if err != nil {
		return err
	}
	return errors.Join(place.Put(ctx, file, content, size), place.Close())
}

func (f *folder) Put(_ context.Context, name string, content io.Reader, _ int64) error {
	name = filepath.FromSlash(name)
	if err := f.root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return f.unwritable(name, err)
	}
	part := name + "." + atelier.NewSecret("part_")
	file, err := f.root.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return f.unwritable(name, err)
	}
	_, err = io.Copy(file, content)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = f.root.Rename(part, name)
	}
	if err != nil {
		f.root.Remove(part)
		return f.unwritable(name, err)
	}
	return nil
}

func (f *folder) unwritable(name string, err error) error {
	return atelier.Errorf(atelier.Unavailable, "%q in the datastore %s cannot be written: %w.", atelier.Clip(name, 200), f.name, reason(err))
}

func (b *bucket) Put(ctx context.Context, name string, content io.Reader, size int64) error {
	_, err := b.client.PutObject(ctx, b.at.Bucket, path.Join(b.at.Prefix, name), content, size, minio.PutObjectOptions{PartSize: 16 << 20})
	return b.failure(err)
}

func (a *azure) Put(ctx context.Context, name string, content io.Reader, _ int64) error {
	_, err := a.client.NewBlockBlobClient(name).UploadStream(ctx, content, &blockblob.UploadStreamOptions{BlockSize: 8 << 20, Concurrency: 2})
	if err != nil {
		return a.failure(err)
	}
	return nil
}
