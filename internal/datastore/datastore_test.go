package datastore

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
	"github.com/atelier-ml/atelier/internal/vault"
)

const ws = "one"

type bench struct {
	*Service
	t   *testing.T
	ctx context.Context // of the server's owner
	bob context.Context // who owns nothing
	db  *sqldb.DB
	dir string // the server's data
}

func each(t *testing.T, test func(t *testing.T, b bench)) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) { test(t, newBench(t, db)) })
}

func newBench(t *testing.T, db *sqldb.DB) bench {
	t.Helper()
	b := bench{t: t, db: db, dir: t.TempDir()}
	b.must(db.Write(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO workspaces (id, name, display_name, description, tags, created_by, created_at, updated_at)
			VALUES ($1, $1, '', '', '{}', '', 0, 0)`, ws)
		return err
	}))
	sealed, _, err := vault.Open(t.Context(), db, vault.File(filepath.Join(b.dir, "keys", "vault.key")))
	b.must(err)
	who := access.New(db, clock.System{})
	owner, _, err := who.Bootstrap(t.Context(), "ada")
	b.must(err)
	bob, err := who.CreateUser(t.Context(), "bob")
	b.must(err)
	b.Service = New(db, sealed, who, event.NewBus(), b.dir)
	b.ctx = atelier.WithActor(t.Context(), atelier.Actor{Kind: atelier.User, ID: owner.ID, Name: owner.Name})
	b.bob = atelier.WithActor(t.Context(), atelier.Actor{Kind: atelier.User, ID: bob.ID, Name: bob.Name})
	return b
}

func (b bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func refused(t *testing.T, err error, code atelier.Code, fragment string) {
	t.Helper()
	if atelier.CodeOf(err) != code || !strings.Contains(err.Error(), fragment) {
		t.Errorf("error %v; want %s with %q", err, code, fragment)
	}
}

// files are what lies in every place that the suite reads.
var files = map[string]string{"a.csv": "a\n1\n", "in/b.csv": "b\n2\n", "in/deep/c d.csv": "c\n3\n", "in.txt": "not in the folder in", "line\nbreak.txt": "odd"}

// places are the kinds of place that can be tested here, each with the files.
func places(t *testing.T, test func(t *testing.T, b bench, made Datastore)) {
	kinds := map[string]func(t *testing.T) (Create, bool){"local": localPlace, "s3": s3Place, "azure": azurePlace, "gcs": gcsPlace, "gcs signed": signedPlace}
	for name, make := range kinds {
		t.Run(name, func(t *testing.T) {
			ask, ok := make(t)
			if !ok {
				t.Logf("%s is not tested: there is no server for it", name)
				return
			}
			b := newBench(t, sqldbtest.SQLite(t, clock.System{}))
			ask.Name = "lake"
			made, err := b.Create(b.ctx, ws, ask)
			b.must(err)
			test(t, b, made)
		})
	}
}

func localPlace(t *testing.T) (Create, bool) {
	dir := t.TempDir()
	for name, content := range files {
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755), os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return Create{Type: Local, Location: Location{Path: dir}}, true
}

func s3Place(t *testing.T) (Create, bool) {
	address, err := url.Parse(os.Getenv("ATELIER_TEST_S3"))
	if err != nil || address.Host == "" {
		return Create{}, false
	}
	keys := Secrets{AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY")}
	at := Location{Bucket: address.Host, Prefix: atelier.NewID(clock.System{}.Now()), Endpoint: address.Query().Get("endpoint"), Region: address.Query().Get("region")}
	service, _ := url.Parse(at.Endpoint)
	client, err := minio.New(service.Host, &minio.Options{Creds: credentials.NewStaticV4(keys.AccessKeyID, keys.SecretAccessKey, ""), Region: at.Region})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		_, err := client.PutObject(t.Context(), at.Bucket, at.Prefix+"/"+name, strings.NewReader(content), int64(len(content)), minio.PutObjectOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	return Create{Type: S3, Location: at, Credentials: &keys}, true
}

// gcsPlace is in a server that answers as Google's does, but for credentials, which it
// takes as they come.
func gcsPlace(t *testing.T) (Create, bool) {
	endpoint := os.Getenv("ATELIER_TEST_GCS")
	if endpoint == "" {
		return Create{}, false
	}
	bucket := "b" + atelier.NewID(clock.System{}.Now())
	tell := func(path, kind, content string) {
		answer, err := http.Post(endpoint+path, kind, strings.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", path, answer.Status)
		}
	}
	tell("/storage/v1/b?project=x", "application/json", `{"name": "`+bucket+`"}`)
	for name, content := range files {
		tell("/upload/storage/v1/b/"+bucket+"/o?uploadType=media&name="+url.QueryEscape("below/"+name), "text/plain", content)
	}
	return Create{Type: GCS, Location: Location{Bucket: bucket, Prefix: "below", Endpoint: endpoint},
		Credentials: &Secrets{AccessKeyID: "GOOG1", SecretAccessKey: "for-tests-only"}}, true
}

// signedPlace is a bucket that wants its requests signed as Google does with HMAC keys.
func signedPlace(t *testing.T) (Create, bool) {
	ask, ok := s3Place(t)
	ask.Type = GCS
	return ask, ok
}

// The emulator's account and its key are the same everywhere, and public.
const (
	emulatorAccount = "devstoreaccount1"
	emulatorKey     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

func azurePlace(t *testing.T) (Create, bool) {
	endpoint := os.Getenv("ATELIER_TEST_AZURE")
	if endpoint == "" {
		return Create{}, false
	}
	at := Location{AccountName: emulatorAccount, ContainerName: strings.ToLower(atelier.NewID(clock.System{}.Now())), Endpoint: endpoint}
	key, err := container.NewSharedKeyCredential(at.AccountName, emulatorKey)
	if err != nil {
		t.Fatal(err)
	}
	client, err := container.NewClientWithSharedKeyCredential(endpoint+"/"+at.ContainerName, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if _, err := client.NewBlockBlobClient(name).UploadBuffer(t.Context(), []byte(content), nil); err != nil {
			t.Fatal(err)
		}
	}
	return Create{Type: AzureBlob, Location: at, Credentials: &Secrets{AccountKey: emulatorKey}}, true
}

func TestEveryPlaceIsReadAlike(t *testing.T) {
	places(t, func(t *testing.T, b bench, made Datastore) {
		for below, want := range map[string][]string{
			"":                {"a.csv", "in.txt", "in/b.csv", "in/deep/c d.csv", "line\nbreak.txt"},
			"in":              {"in/b.csv", "in/deep/c d.csv"},
			"/in/":            {"in/b.csv", "in/deep/c d.csv"},
			"in/deep/c d.csv": {"in/deep/c d.csv"},
			"none":            nil,
		} {
			page, err := b.Files(b.ctx, ws, "lake", below, "")
			b.must(err)
			var got []string
			for _, o := range page.Items {
				got = append(got, o.Path)
				if o.Size != int64(len(files[o.Path])) || o.Tag == "" {
					t.Errorf("%q has size %d and tag %q", o.Path, o.Size, o.Tag)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("files below %q (-want +got):\n%s", below, diff)
			}
			rest, err := b.Files(b.ctx, ws, "lake", below, atelier.EncodePageToken("in/b.csv"))
			b.must(err)
			for _, o := range rest.Items {
				if o.Path <= "in/b.csv" {
					t.Errorf("%q comes again on the next page", o.Path)
				}
			}
		}
		for name, want := range files {
			content, size, err := b.Content(b.ctx, ws, "lake", name)
			b.must(err)
			got, err := io.ReadAll(content)
			b.must(err)
			if string(got) != want || size != int64(len(want)) {
				t.Errorf("%q holds %q of %d bytes", name, got, size)
			}
			if _, err := content.Seek(1, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			if got, err = io.ReadAll(content); err != nil || string(got) != want[1:] {
				t.Errorf("%q from 1 on holds %q, %v", name, got, err)
			}
			b.must(content.Close())
		}
		_, _, err := b.Content(b.ctx, ws, "lake", "none")
		refused(t, err, atelier.NotFound, "no file")
		for _, hostile := range []string{"../x", "/etc/passwd", "in/../../x", "a\\b", ""} {
			if _, _, err := b.Content(b.ctx, ws, "lake", hostile); atelier.CodeOf(err) != atelier.Invalid {
				t.Errorf("%q: %v", hostile, err)
			}
		}
	})
}

func TestWrongCredentialsAreSaidAndLeaveNothing(t *testing.T) {
	const secret = "c2VjcmV0LWNhbmFyeQ=="
	places(t, func(t *testing.T, b bench, made Datastore) {
		if made.Type == Local || made.Endpoint != "" && made.Endpoint == os.Getenv("ATELIER_TEST_GCS") {
			return // they know no credentials
		}
		wrong := &Secrets{AccountKey: secret}
		if made.Type == S3 || made.Type == GCS {
			wrong = &Secrets{AccessKeyID: "nobody", SecretAccessKey: secret}
		}
		_, err := b.Create(b.ctx, ws, Create{Name: "wrong", Type: made.Type, Location: made.Location, Credentials: wrong})
		refused(t, err, atelier.Precondition, "refuses the credentials")
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error tells the secret: %v", err)
		}
		_, err = b.Update(b.ctx, ws, "lake", Update{Credentials: wrong})
		refused(t, err, atelier.Precondition, "refuses the credentials")
		if _, err := b.Files(b.ctx, ws, "lake", "", ""); err != nil {
			t.Errorf("the old credentials are gone: %v", err)
		}
		if _, err := b.Get(b.ctx, ws, "wrong"); atelier.CodeOf(err) != atelier.NotFound {
			t.Errorf("it was made: %v", err)
		}
		gone := made.Location
		gone.Bucket, gone.ContainerName = "not-there", "not-there"
		_, err = b.Create(b.ctx, ws, Create{Name: "gone", Type: made.Type, Location: gone, Credentials: wrong})
		if code := atelier.CodeOf(err); code != atelier.NotFound && code != atelier.Precondition {
			t.Errorf("a place that is not there: %v", err)
		}
	})
}

func TestAFolderShowsNothingOutsideIt(t *testing.T) {
	b := newBench(t, sqldbtest.SQLite(t, clock.System{}))
	outside := filepath.Join(t.TempDir(), "secret.txt")
	b.must(os.WriteFile(outside, []byte("secret"), 0o600))
	for name, lay := range map[string]func(dir string) error{
		"a link to a file outside": func(dir string) error { return os.Symlink(outside, filepath.Join(dir, "link")) },
		"a link to a folder":       func(dir string) error { return os.Symlink("/etc", filepath.Join(dir, "link")) },
		"a link in a circle":       func(dir string) error { return os.Symlink(".", filepath.Join(dir, "link")) },
		"a link to nothing":        func(dir string) error { return os.Symlink("gone", filepath.Join(dir, "link")) },
	} {
		dir := t.TempDir()
		b.must(lay(dir))
		store := strings.ReplaceAll(name, " ", "-")
		_, err := b.Create(b.ctx, ws, Create{Name: store, Type: Local, Location: Location{Path: dir}, SkipValidation: true})
		b.must(err)
		_, err = b.Files(b.ctx, ws, store, "", "")
		if code := atelier.CodeOf(err); code != atelier.Unavailable && code != atelier.Invalid || !strings.Contains(err.Error(), "link") {
			t.Errorf("%s: %v", name, err)
		}
		if content, _, err := b.Content(b.ctx, ws, store, "link"); err == nil {
			text, _ := io.ReadAll(content)
			t.Errorf("%s: read %q", name, text)
		}
	}
}

func TestOnlyTheServersOwnerNamesItsFolders(t *testing.T) {
	b := newBench(t, sqldbtest.SQLite(t, clock.System{}))
	create := func(ctx context.Context, dir string) error {
		_, err := b.Create(ctx, ws, Create{Name: "f", Type: Local, Location: Location{Path: dir}})
		return err
	}
	refused(t, create(b.bob, t.TempDir()), atelier.Forbidden, "owner of the server")
	refused(t, create(b.ctx, b.dir), atelier.Invalid, "server's own data")
	refused(t, create(b.ctx, filepath.Join(b.dir, "keys")), atelier.Invalid, "server's own data")
	refused(t, create(b.ctx, filepath.Dir(b.dir)), atelier.Invalid, "server's own data")
	refused(t, create(b.ctx, "/"), atelier.Invalid, "server's own data")
	refused(t, create(b.ctx, "relative"), atelier.Invalid, "absolute")
	refused(t, create(b.ctx, filepath.Join(t.TempDir(), "none")), atelier.Invalid, "no folder")
	link := filepath.Join(t.TempDir(), "link")
	b.must(os.Symlink(b.dir, link))
	refused(t, create(b.ctx, link), atelier.Invalid, "server's own data")
}

// A member could otherwise make the server ask services that only it can reach.
func TestTheServersOwnNetworkIsForItsOwner(t *testing.T) {
	b := newBench(t, sqldbtest.SQLite(t, clock.System{}))
	asked := false
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer inner.Close()
	for _, endpoint := range []string{inner.URL, strings.Replace(inner.URL, "127.0.0.1", "localhost", 1)} {
		_, err := b.Create(b.bob, ws, Create{Name: "x", Type: S3, Location: Location{Bucket: "b-1", Endpoint: endpoint, Region: "x"}})
		refused(t, err, atelier.Forbidden, "own network")
		_, err = b.Create(b.bob, ws, Create{Name: "x", Type: AzureBlob, Location: Location{AccountName: "account", ContainerName: "con", Endpoint: endpoint}})
		refused(t, err, atelier.Forbidden, "own network")
	}
	if asked {
		t.Error("the service was asked")
	}
	for _, address := range []string{"127.0.0.1:80", "[::1]:80", "169.254.169.254:80", "10.0.0.1:80", "192.168.1.1:80", "172.16.0.1:80", "[fd00::1]:80",
		"[fe80::1]:80", "0.0.0.0:80", "[::]:80", "[::ffff:127.0.0.1]:80", "100.64.0.1:80", "224.0.0.1:80"} {
		if err := refuseOwnNetwork("tcp", address, nil); err == nil {
			t.Errorf("%s is let through", address)
		}
	}
	if err := refuseOwnNetwork("tcp", net.JoinHostPort("93.184.216.34", "443"), nil); err != nil {
		t.Error(err)
	}
}

func TestCredentialsAreSealedAndNeverShown(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		const secret = "c2VjcmV0LWNhbmFyeQ=="
		made, err := b.Create(b.ctx, ws, Create{Name: "blob", Type: AzureBlob, SkipValidation: true,
			Location: Location{AccountName: "account", ContainerName: "con"}, Credentials: &Secrets{AccountKey: secret}})
		b.must(err)
		description := "Said later."
		_, err = b.Update(b.ctx, ws, "blob", Update{Description: &description})
		b.must(err)
		got, err := b.Get(b.ctx, ws, "blob")
		b.must(err)
		all, err := b.List(b.ctx, ws)
		b.must(err)
		shown := sqldb.JSON(got) + sqldb.JSON(made) + sqldb.JSON(all)
		if strings.Contains(shown, secret) || strings.Contains(shown, "v1.") || got.Credentials.Type != "account_key" || got.Description != description {
			t.Errorf("shown: %s", shown)
		}
		b.must(b.db.Read(b.ctx, func(tx *sqldb.Tx) error {
			kept, err := selectDatastore(b.ctx, tx, ws, "blob")
			if strings.Contains(kept.sealed, secret) || !strings.HasPrefix(kept.sealed, "v1.") {
				t.Errorf("the database holds %q", kept.sealed)
			}
			return err
		}))
		var logged bytes.Buffer
		slog.New(slog.NewTextHandler(&logged, nil)).Error("x", "datastore", got, "pointer", &got)
		if strings.Contains(logged.String(), secret) {
			t.Errorf("the log holds %s", logged.String())
		}
		b.must(b.Delete(b.ctx, ws, "blob"))
		refused(t, b.Delete(b.ctx, ws, "blob"), atelier.NotFound, "no datastore")
		refused(t, b.Delete(b.ctx, ws, atelier.DefaultDatastore), atelier.Precondition, "belongs to the workspace")
	})
}

// A service that is away answers with an error of the request, which has the
// whole address with its token in it.
func TestATokenInAnAddressIsNeverRepeated(t *testing.T) {
	b := newBench(t, sqldbtest.SQLite(t, clock.System{}))
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	ctx, cancel := context.WithCancel(b.ctx)
	place, err := openContainer(Datastore{Name: "x", Type: AzureBlob, trusted: true, Location: Location{AccountName: "account", ContainerName: "con", Endpoint: gone.URL}},
		Secrets{SASToken: "sv=1&sig=canary"})
	b.must(err)
	cancel() // a request that is not sent at all fails in the same words
	err = place.List(ctx, "", "", func(Object) error { return nil })
	for e := err; e != nil; e = errors.Unwrap(e) {
		if strings.Contains(e.Error(), "canary") {
			t.Errorf("the error tells the token: %v", e)
		}
	}
	if err == nil {
		t.Error("there is no error")
	}
}

func TestBadDatastoresAreRefused(t *testing.T) {
	b := newBench(t, sqldbtest.SQLite(t, clock.System{}))
	azure := Location{AccountName: "account", ContainerName: "con"}
	for name, ask := range map[string]Create{
		"name":        {Name: "a b", Type: S3, Location: Location{Bucket: "b"}},
		"type":        {Name: "a", Type: "ftp"},
		"bucket":      {Name: "a", Type: S3, Location: Location{Bucket: "../x"}},
		"prefix":      {Name: "a", Type: S3, Location: Location{Bucket: "b", Prefix: "../x"}},
		"endpoint":    {Name: "a", Type: S3, Location: Location{Bucket: "b", Endpoint: "https://u:p@host"}},
		"account":     {Name: "a", Type: AzureBlob, Location: Location{AccountName: "A/b", ContainerName: "con"}},
		"container":   {Name: "a", Type: AzureBlob, Location: Location{AccountName: "account", ContainerName: "a/../b"}},
		"host":        {Name: "a", Type: AzureBlob, Location: Location{AccountName: "account", ContainerName: "con", Endpoint: "evil/#"}},
		"two kinds":   {Name: "a", Type: AzureBlob, Location: azure, Credentials: &Secrets{AccountKey: "eA==", SASToken: "x"}},
		"other kind":  {Name: "a", Type: AzureBlob, Location: azure, Credentials: &Secrets{AccessKeyID: "x", SecretAccessKey: "y"}},
		"no key":      {Name: "a", Type: AzureBlob, Location: azure, Credentials: &Secrets{}},
		"not base64":  {Name: "a", Type: AzureBlob, Location: azure, Credentials: &Secrets{AccountKey: "???"}},
		"half a pair": {Name: "a", Type: S3, Location: Location{Bucket: "b"}, Credentials: &Secrets{AccessKeyID: "x"}},
	} {
		if _, err := b.Create(b.ctx, ws, ask); atelier.CodeOf(err) != atelier.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := b.Create(b.ctx, ws, Create{Name: "WorkspaceBlobStore", Type: S3, Location: Location{Bucket: "b"}})
	refused(t, err, atelier.Conflict, "already")
}

func TestAddressesFindTheirDatastore(t *testing.T) {
	lake := Datastore{Type: S3, Location: Location{Bucket: "lake", Prefix: "raw"}}
	blobs := Datastore{Type: AzureBlob, Location: Location{AccountName: "acc", ContainerName: "con"}}
	fs := Datastore{Type: AzureLake, Location: Location{AccountName: "acc", Filesystem: "fs"}}
	for _, test := range []struct {
		d       Datastore
		address string
		below   string
		ok      bool
	}{
		{lake, "s3://lake/raw/x.csv", "x.csv", true},
		{lake, "s3://lake/raw", "", true},
		{lake, "s3://lake/rawer/x.csv", "", false},
		{lake, "s3://other/raw/x.csv", "", false},
		{lake, "gs://lake/raw/x.csv", "", false},
		{blobs, "wasbs://con@acc.blob.core.windows.net/a/b.csv", "a/b.csv", true},
		{blobs, "wasbs://other@acc.blob.core.windows.net/a/b.csv", "", false},
		{blobs, "https://acc.blob.core.windows.net/con/a/b.csv", "a/b.csv", true},
		{blobs, "https://acc.blob.core.windows.net/con/a?sig=x", "", false},
		{blobs, "https://evil.example/con/a/b.csv", "", false},
		{fs, "abfss://fs@acc.dfs.core.windows.net/a", "a", true},
		{Datastore{Type: Local, Location: Location{Path: "/x"}}, "file:///x/y", "", false},
	} {
		below, ok := test.d.Holds(test.address)
		if ok != test.ok || ok && below != test.below {
			t.Errorf("%s: %q, %v", test.address, below, ok)
		}
	}
}
