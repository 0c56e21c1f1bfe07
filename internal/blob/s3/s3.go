// Package s3 keeps objects in a bucket of S3 or of a service that speaks its
// protocol: <prefix>/<workspace>/<2 digits>/<62 digits>, as the local folder
// does, so that one can be copied into the other.
//
// What comes in is spooled to a file of this machine first, which has no name and
// goes with the process. So its hash and size are known before a byte is sent:
// wrong content never reaches the bucket, content that is there already is not
// sent again, and a large object goes in parts straight from the file, with no
// part in memory. The other way, to send to a temporary key and copy, would cost
// twice the requests, break at the 5 GiB that a copy may have, and leave strays.
package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/clock"
)

// Store is a blob.Store in a bucket.
type Store struct {
	client     *minio.Client
	address    Address
	clock      clock.Clock
	spool      string
	claims     blob.Claims
	renewAfter time.Duration
}

const (
	// renewAfter is how old an object may look before being asked for writes its
	// time anew, which costs a request. It must be well below the least grace
	// that a sweep gives.
	renewAfter = 30 * time.Minute
	// startTimeout bounds the look at the bucket when the server starts.
	startTimeout = 20 * time.Second
	// retries is how often a request that failed for a moment is sent again.
	retries = 5
	// threads is how many parts of one object are sent at a time.
	threads = 4
)

// Open opens the store at address and checks that it can be written to. Spool is
// a folder with room for the uploads that are under way.
func Open(ctx context.Context, address Address, spool string, clk clock.Clock) (*Store, error) {
	if err := os.MkdirAll(spool, 0o700); err != nil {
		return nil, err
	}
	keys := credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}})
	if found, err := keys.GetWithContext(nil); err != nil || found.AccessKeyID == "" {
		return nil, atelier.Errorf(atelier.Unavailable, "There are no credentials for the storage %s.", address).
			WithHint("Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write them to ~/.aws/credentials.")
	}
	client, err := minio.New(address.Host, &minio.Options{Creds: keys, Secure: !address.Insecure, Region: region(address), MaxRetries: retries})
	if err != nil {
		return nil, atelier.Errorf(atelier.Invalid, "The storage %s cannot be used: %w", address, err).At("storage").WithHint(addressHint)
	}
	s := &Store{client: client, address: address, clock: clk, spool: spool, renewAfter: renewAfter}
	return s, s.check(ctx)
}

// region is the one of the address, else that of the environment, else "": the
// service is asked.
func region(address Address) string {
	for _, name := range []string{address.Region, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION")} {
		if name != "" {
			return name
		}
	}
	return ""
}

// check writes a small object, so that a server that could not keep anything
// says so when it starts.
func (s *Store) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	text := "Written when the server starts, to see that it can.\n"
	_, err := s.client.PutObject(ctx, s.address.Bucket, s.address.key("write-check"), strings.NewReader(text), int64(len(text)), minio.PutObjectOptions{})
	if err == nil {
		return nil
	}
	if minio.ToErrorResponse(err).Code == minio.NoSuchBucket {
		return atelier.Errorf(atelier.Unavailable, "There is no bucket %q at %s.", s.address.Bucket, s.address.Host).
			WithHint("Make it, or correct --storage.")
	}
	return atelier.Errorf(atelier.Unavailable, "The storage %s at %s cannot be written to: %w", s.address, s.address.Host, err).
		WithHint("Check --storage, that the service runs, and the credentials in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
}

// place is the key of an object. Neither part is ever a user's text.
func (s *Store) place(workspace string, h blob.Hash) string {
	return s.address.key(workspace, string(h[:2]), string(h[2:]))
}

func (s *Store) Put(ctx context.Context, workspace string, r io.Reader) (blob.Hash, int64, error) {
	return s.put(ctx, workspace, "", r)
}

func (s *Store) PutAs(ctx context.Context, workspace string, want blob.Hash, r io.Reader) (int64, error) {
	_, size, err := s.put(ctx, workspace, want, r)
	return size, err
}

func (s *Store) put(ctx context.Context, workspace string, want blob.Hash, r io.Reader) (blob.Hash, int64, error) {
	file, err := os.CreateTemp(s.spool, "upload-*")
	if err != nil {
		return "", 0, err
	}
	defer file.Close()
	if err := os.Remove(file.Name()); err != nil {
		return "", 0, err
	}
	digest := sha256.New()
	size, err := io.Copy(io.MultiWriter(file, digest), blob.UntilDone(ctx, r))
	if err != nil {
		return "", 0, err
	}
	h := blob.Hash(hex.EncodeToString(digest.Sum(nil)))
	if want != "" && want != h {
		return "", 0, blob.OtherContentError(h, want)
	}
	defer s.claims.Use(h)()
	if there, err := s.renew(ctx, workspace, h); there || err != nil {
		return h, size, err
	}
	content := io.NewSectionReader(file, 0, size)
	_, err = s.client.PutObject(ctx, s.address.Bucket, s.place(workspace, h), content, size,
		minio.PutObjectOptions{ContentType: "application/octet-stream", NumThreads: threads})
	return h, size, s.failure(err)
}

func (s *Store) Has(ctx context.Context, workspace string, h blob.Hash) (bool, error) {
	if _, err := blob.ParseHash(string(h)); err != nil {
		return false, err
	}
	defer s.claims.Use(h)()
	return s.renew(ctx, workspace, h)
}

// renew reports whether the object is there, and makes it count as used now: it
// is copied onto itself, within the service, for its time.
func (s *Store) renew(ctx context.Context, workspace string, h blob.Hash) (bool, error) {
	key := s.place(workspace, h)
	info, err := s.client.StatObject(ctx, s.address.Bucket, key, minio.StatObjectOptions{})
	if isMissing(err) {
		return false, nil
	}
	if err != nil {
		return false, s.failure(err)
	}
	if s.clock.Now().Sub(info.LastModified) < s.renewAfter {
		return true, nil
	}
	_, err = s.client.ComposeObject(ctx,
		minio.CopyDestOptions{Bucket: s.address.Bucket, Object: key, ReplaceMetadata: true, UserMetadata: map[string]string{"Used": s.clock.Now().Format(time.RFC3339)}},
		minio.CopySrcOptions{Bucket: s.address.Bucket, Object: key})
	return err == nil, s.failure(err)
}

func (s *Store) Open(ctx context.Context, workspace string, h blob.Hash) (io.ReadSeekCloser, int64, error) {
	if _, err := blob.ParseHash(string(h)); err != nil {
		return nil, 0, err
	}
	info, err := s.client.StatObject(ctx, s.address.Bucket, s.place(workspace, h), minio.StatObjectOptions{})
	if isMissing(err) {
		return nil, 0, blob.NotFoundError(h)
	}
	if err != nil {
		return nil, 0, s.failure(err)
	}
	return &object{ctx: ctx, store: s, key: info.Key, size: info.Size}, info.Size, nil
}

func (s *Store) Delete(ctx context.Context, workspace string, h blob.Hash) error {
	if _, err := blob.ParseHash(string(h)); err != nil {
		return err
	}
	return s.remove(ctx, s.place(workspace, h))
}

func (s *Store) remove(ctx context.Context, key string) error {
	err := s.client.RemoveObject(ctx, s.address.Bucket, key, minio.RemoveObjectOptions{})
	if isMissing(err) {
		return nil
	}
	return s.failure(err)
}

func (s *Store) DeleteUnused(ctx context.Context, workspace string, h blob.Hash, before time.Time) (bool, error) {
	if _, err := blob.ParseHash(string(h)); err != nil {
		return false, err
	}
	release, ok := s.claims.Free(h)
	if !ok {
		return false, nil
	}
	defer release()
	key := s.place(workspace, h)
	info, err := s.client.StatObject(ctx, s.address.Bucket, key, minio.StatObjectOptions{})
	if isMissing(err) {
		return false, nil
	}
	if err != nil || !info.LastModified.Before(before) {
		return false, s.failure(err)
	}
	err = s.remove(ctx, key)
	return err == nil, err
}

func (s *Store) DeleteAll(ctx context.Context, workspace string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the listing when removing fails
	failed := make(chan error, 1)
	doomed := make(chan minio.ObjectInfo)
	go func() {
		defer close(doomed)
		failed <- s.walk(ctx, workspace, func(info minio.ObjectInfo) error {
			select {
			case doomed <- info:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	var all []error
	for result := range s.client.RemoveObjects(ctx, s.address.Bucket, doomed, minio.RemoveObjectsOptions{}) {
		all = append(all, s.failure(result.Err))
	}
	return errors.Join(append(all, <-failed)...)
}

func (s *Store) List(ctx context.Context, workspace string, found func(blob.Object) error) error {
	return s.walk(ctx, workspace, func(info minio.ObjectInfo) error {
		parts := strings.Split(info.Key, "/")
		if len(parts) < 2 {
			return nil
		}
		h, err := blob.ParseHash(parts[len(parts)-2] + parts[len(parts)-1])
		if err != nil {
			return nil // somebody else's
		}
		return found(blob.Object{Hash: h, Size: info.Size, UsedAt: info.LastModified})
	})
}

// walk calls found with everything below a workspace.
func (s *Store) walk(ctx context.Context, workspace string, found func(minio.ObjectInfo) error) error {
	if workspace == "" {
		return errors.New("s3: no workspace is named, and all of them are not meant")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	options := minio.ListObjectsOptions{Prefix: s.address.key(workspace) + "/", Recursive: true}
	for info := range s.client.ListObjects(ctx, s.address.Bucket, options) {
		if info.Err != nil {
			return s.failure(info.Err)
		}
		if err := found(info); err != nil {
			return err
		}
	}
	return ctx.Err() // a listing that was broken off must not look complete
}

func isMissing(err error) bool {
	return err != nil && minio.ToErrorResponse(err).Code == minio.NoSuchKey
}

// failure says of an error that it comes from the storage.
func (s *Store) failure(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return atelier.Errorf(atelier.Unavailable, "The storage %s does not answer as it should: %w", s.address, err)
}
