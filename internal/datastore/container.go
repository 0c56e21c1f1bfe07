package datastore

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/atelier-ml/atelier"
)

// azure is a Place in a container of Azure Blob Storage. A file system of Data
// Lake Storage is one, too.
type azure struct {
	name   string
	client *container.Client
}

func openContainer(d Datastore, s Secrets) (Place, error) {
	address := d.Endpoint // the whole address of the account, as of an emulator
	if !strings.Contains(address, "://") {
		address = "https://" + d.AccountName + ".blob." + cmp.Or(d.Endpoint, "core.windows.net")
	}
	address = strings.TrimSuffix(address, "/") + "/" + d.container()
	options := &container.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: &http.Client{Transport: transport(d.trusted)},
		Retry: policy.RetryOptions{MaxRetries: 3}}}
	client, err := container.NewClientWithNoCredential(address, options)
	switch {
	case s.SASToken != "":
		client, err = container.NewClientWithNoCredential(address+"?"+strings.TrimPrefix(s.SASToken, "?"), options)
	case s.AccountKey != "":
		key, keyErr := container.NewSharedKeyCredential(d.AccountName, s.AccountKey)
		if keyErr != nil {
			return nil, atelier.Errorf(atelier.Invalid, "The account_key is no key of an account: it must be base64.").At("credentials")
		}
		client, err = container.NewClientWithSharedKeyCredential(address, key, options)
	}
	if err != nil {
		return nil, atelier.Errorf(atelier.Invalid, "The datastore %s cannot be used with what was given.", d.Name).At("credentials")
	}
	return &azure{name: d.Name, client: client}, nil
}

func (a *azure) List(ctx context.Context, below, after string, found func(Object) error) error {
	if below != "" {
		properties, err := a.client.NewBlobClient(below).GetProperties(ctx, nil)
		if err == nil && !isFolder(properties.Metadata) {
			if below <= after {
				return nil
			}
			return found(Object{Path: below, Size: value(properties.ContentLength), Tag: string(value(properties.ETag))})
		}
		if err != nil && !isAbsent(err) {
			return a.failure(err)
		}
	}
	prefix := folderPrefix(below)
	pages := a.client.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Prefix: &prefix, Include: container.ListBlobsInclude{Metadata: true}})
	for pages.More() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return a.failure(err)
		}
		for _, item := range page.Segment.BlobItems {
			name := value(item.Name)
			if name <= after || isFolder(item.Metadata) || strings.HasSuffix(name, "/") {
				continue
			}
			if err := checkName(a.name, name); err != nil {
				return err
			}
			if err := found(Object{Path: name, Size: value(item.Properties.ContentLength), Tag: string(value(item.Properties.ETag))}); err != nil {
				return err
			}
		}
	}
	return nil
}

func value[T any](pointer *T) T {
	var zero T
	if pointer == nil {
		return zero
	}
	return *pointer
}

// isFolder tells the mark of a folder of Data Lake Storage.
func isFolder(metadata map[string]*string) bool {
	for key, is := range metadata {
		if strings.EqualFold(key, "hdi_isfolder") {
			return value(is) == "true"
		}
	}
	return false
}

func (a *azure) Open(ctx context.Context, name string) (io.ReadSeekCloser, int64, error) {
	client := a.client.NewBlobClient(name)
	properties, err := client.GetProperties(ctx, nil)
	if isAbsent(err) || err == nil && isFolder(properties.Metadata) {
		return nil, 0, notFound(name)
	}
	if err != nil {
		return nil, 0, a.failure(err)
	}
	size := value(properties.ContentLength)
	ask := func(offset int64) (io.ReadCloser, error) {
		answer, err := client.DownloadStream(ctx, &blob.DownloadStreamOptions{Range: blob.HTTPRange{Offset: offset},
			AccessConditions: &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfMatch: properties.ETag}}})
		if err != nil {
			return nil, a.failure(err)
		}
		return answer.Body, nil
	}
	return &remote{ask: ask, size: size}, size, nil
}

func isAbsent(err error) bool {
	var response *azcore.ResponseError
	return errors.As(err, &response) && response.StatusCode == http.StatusNotFound && response.ErrorCode != "ContainerNotFound"
}

func (a *azure) failure(err error) error {
	var response *azcore.ResponseError
	if !errors.As(err, &response) {
		return unreachable(a.name, err)
	}
	switch response.StatusCode {
	case http.StatusNotFound:
		return atelier.Errorf(atelier.NotFound, "There is no such container for the datastore %s.", a.name).At("container_name")
	case http.StatusUnauthorized, http.StatusForbidden:
		return refusedBy(a.name, cmp.Or(response.ErrorCode, "access denied"))
	case http.StatusPreconditionFailed:
		return atelier.Errorf(atelier.Conflict, "A file of the datastore %s was changed while it was read.", a.name).WithHint("Try again.")
	}
	return atelier.Errorf(atelier.Unavailable, "The service of the datastore %s answered %d %s.", a.name, response.StatusCode, atelier.Clip(response.ErrorCode, 60))
}

func (a *azure) Close() error { return nil }
