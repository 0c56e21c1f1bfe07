package datastore

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/url"
	"path"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
)

// bucket is a Place in S3, in a service that speaks its protocol, or in Google's
// Cloud Storage, which does with HMAC keys.
type bucket struct {
	name   string
	at     Location
	client *minio.Client
}

const (
	amazon = "https://s3.amazonaws.com"
	google = "https://storage.googleapis.com"
)

func openBucket(d Datastore, s Secrets) (Place, error) {
	usual := map[Type]string{S3: amazon, GCS: google}[d.Type]
	service, err := url.Parse(cmp.Or(d.Endpoint, usual))
	if err != nil {
		return nil, err
	}
	// Without keys requests are not signed; the server's own keys are never used.
	client, err := minio.New(service.Host, &minio.Options{Creds: credentials.NewStaticV4(s.AccessKeyID, s.SecretAccessKey, s.SessionToken),
		Secure: service.Scheme == "https", Region: d.Region, Transport: transport(d.trusted), MaxRetries: 3})
	if err != nil {
		return nil, atelier.Errorf(atelier.Invalid, "The datastore %s cannot be used: %s.", d.Name, atelier.Clip(err.Error(), 200))
	}
	return &bucket{name: d.Name, at: d.Location, client: client}, nil
}

func (b *bucket) List(ctx context.Context, below, after string, found func(Object) error) error {
	if below != "" {
		info, err := b.client.StatObject(ctx, b.at.Bucket, path.Join(b.at.Prefix, below), minio.StatObjectOptions{})
		if err == nil {
			if below <= after {
				return nil
			}
			return found(Object{Path: below, Size: info.Size, Tag: info.ETag})
		}
		if !isMissing(err) {
			return b.failure(err)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	options := minio.ListObjectsOptions{Prefix: folderPrefix(path.Join(b.at.Prefix, below)), Recursive: true}
	if after != "" {
		options.StartAfter = path.Join(b.at.Prefix, after)
	}
	for info := range b.client.ListObjects(ctx, b.at.Bucket, options) {
		if info.Err != nil {
			return b.failure(info.Err)
		}
		name := strings.TrimPrefix(info.Key, folderPrefix(b.at.Prefix))
		if strings.HasSuffix(name, "/") || name == "" || after != "" && name <= after {
			continue // the mark of an empty folder, or what a service that knows no StartAfter gives again
		}
		if err := checkName(b.name, name); err != nil {
			return err
		}
		if err := found(Object{Path: name, Size: info.Size, Tag: info.ETag}); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// folderPrefix is what the keys of all files in a folder begin with.
func folderPrefix(folder string) string {
	if folder == "" || folder == "." {
		return ""
	}
	return folder + "/"
}

// checkName refuses a key that could be no file of a folder.
func checkName(datastore, name string) error {
	if blob.CheckPath(name) == nil {
		return nil
	}
	return atelier.Errorf(atelier.Invalid, "The datastore %s holds %q, which can be no file in a folder.", datastore, atelier.Clip(name, 200)).
		WithHint("Name a folder without it.")
}

func (b *bucket) Open(ctx context.Context, name string) (io.ReadSeekCloser, int64, error) {
	key := path.Join(b.at.Prefix, name)
	info, err := b.client.StatObject(ctx, b.at.Bucket, key, minio.StatObjectOptions{})
	if isMissing(err) {
		return nil, 0, notFound(name)
	}
	if err != nil {
		return nil, 0, b.failure(err)
	}
	ask := func(offset int64) (io.ReadCloser, error) {
		options := minio.GetObjectOptions{}
		if err := errors.Join(options.SetMatchETag(info.ETag), rangeFrom(&options, offset)); err != nil {
			return nil, err
		}
		body, _, _, err := minio.Core{Client: b.client}.GetObject(ctx, b.at.Bucket, key, options)
		return body, b.failure(err)
	}
	return &remote{ask: ask, size: info.Size}, info.Size, nil
}

func rangeFrom(options *minio.GetObjectOptions, offset int64) error {
	if offset == 0 {
		return nil
	}
	return options.SetRange(offset, 0)
}

func isMissing(err error) bool {
	code := minio.ToErrorResponse(err).Code
	return err != nil && (code == minio.NoSuchKey || code == "NotFound")
}

func (b *bucket) failure(err error) error {
	if err == nil {
		return nil
	}
	switch response := minio.ToErrorResponse(err); {
	case response.Code == minio.NoSuchBucket:
		return atelier.Errorf(atelier.NotFound, "There is no bucket %q.", b.at.Bucket).At("bucket")
	case response.StatusCode == 401 || response.StatusCode == 403 || strings.Contains(response.Code, "User") || strings.Contains(response.Code, "AccessKey"):
		return refusedBy(b.name, cmp.Or(response.Code, "access denied"))
	case response.StatusCode == 412:
		return atelier.Errorf(atelier.Conflict, "A file of the datastore %s was changed while it was read.", b.name).WithHint("Try again.")
	}
	return unreachable(b.name, err)
}

func (b *bucket) Close() error { return nil }
