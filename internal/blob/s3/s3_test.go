package s3_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/blob/blobtest"
	"github.com/atelier-ml/atelier/internal/blob/s3"
	"github.com/atelier-ml/atelier/internal/clock"
)

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]s3.Address{
		"s3://models":                       {Bucket: "models", Host: "s3.amazonaws.com"},
		"s3://models/a/b/?region=eu-west-1": {Bucket: "models", Prefix: "a/b", Host: "s3.amazonaws.com", Region: "eu-west-1"},
		"s3://models?endpoint=http://127.0.0.1:9000&region=us-east-1":   {Bucket: "models", Host: "127.0.0.1:9000", Insecure: true, Region: "us-east-1"},
		"s3://models/x?endpoint=storage.example.org":                    {Bucket: "models", Prefix: "x", Host: "storage.example.org"},
		"s3://models/x?endpoint=https%3A%2F%2Fstorage.example.org:8443": {Bucket: "models", Prefix: "x", Host: "storage.example.org:8443"},
	} {
		got, err := s3.ParseAddress(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestAddressesThatAreRefused(t *testing.T) {
	for _, text := range []string{
		"", "models", "http://models", "s3://", "s3:///prefix", "s3://models:80/", "s3://models#x", "s3://models?endpoint=ftp://h", "s3://models?endpoint=http://h/path",
		"s3://hunter2:hunter2@models/", "s3://models?secret_key=hunter2", "s3://models?endpoint=http://hunter2:hunter2@h", "s3://models?region=%zzhunter2", "s3://mo dels/hunter2",
	} {
		_, err := s3.ParseAddress(text)
		if atelier.CodeOf(err) != atelier.Invalid {
			t.Errorf("%q: %v, want invalid", text, err)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error repeats a secret: %v", err)
		}
	}
}

// onServer runs test in the tests' bucket, if there is one.
func onServer(t *testing.T, test func(address s3.Address)) {
	t.Helper()
	if os.Getenv(blobtest.S3Variable) == "" {
		t.Logf("S3 is not tested: %s is not set", blobtest.S3Variable)
		return
	}
	test(blobtest.S3Address(t))
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "somebody")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := listener.Addr().String()
	listener.Close()
	address := s3.Address{Bucket: "models", Host: nobody, Insecure: true, Region: "us-east-1"}
	refuses(t, address, "s3://models at "+nobody+" cannot be written to")

	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", t.TempDir()+"/none")
	refuses(t, address, "There are no credentials")
}

func TestStartSaysWhatIsWrongWithTheBucket(t *testing.T) {
	onServer(t, func(address s3.Address) {
		elsewhere := address
		elsewhere.Bucket = "no-such-bucket"
		refuses(t, elsewhere, `There is no bucket "no-such-bucket"`)
		t.Setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
		refuses(t, address, "cannot be written to")
	})
}

func refuses(t *testing.T, address s3.Address, want string) {
	t.Helper()
	_, err := s3.Open(t.Context(), address, t.TempDir(), clock.System{})
	if atelier.CodeOf(err) != atelier.Unavailable || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	} else if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error tells the secret: %v", err)
	}
}

// An object of several parts comes back as it was, and neither way holds it in memory.
func TestLargeObject(t *testing.T) {
	onServer(t, func(s3.Address) { largeObject(t, blobtest.S3(t)) })
}

func largeObject(t *testing.T, store blob.Store) {
	const size = 80 << 20
	content := func() io.Reader { return io.LimitReader(rand.NewChaCha8([32]byte{7}), size) }
	digest := sha256.New()
	if _, err := io.Copy(digest, content()); err != nil {
		t.Fatal(err)
	}
	want := blob.Hash(hex.EncodeToString(digest.Sum(nil)))

	before := allocated()
	if n, err := store.PutAs(t.Context(), "large", want, content()); err != nil || n != size {
		t.Fatalf("put %d bytes: %v", n, err)
	}
	if used := allocated() - before; used > size/4 {
		t.Errorf("storing %d MiB took %d MiB of memory", size>>20, used>>20)
	}
	object, n, err := store.Open(t.Context(), "large", want)
	if err != nil || n != size {
		t.Fatalf("open: %d bytes, %v", n, err)
	}
	defer object.Close()
	before = allocated()
	digest.Reset()
	if _, err := io.Copy(digest, object); err != nil {
		t.Fatal(err)
	}
	if used := allocated() - before; used > size/4 {
		t.Errorf("reading %d MiB took %d MiB of memory", size>>20, used>>20)
	}
	if got := blob.Hash(hex.EncodeToString(digest.Sum(nil))); got != want {
		t.Errorf("read back %s, want %s", got, want)
	}
}

// allocated is all the memory that the process ever asked for.
func allocated() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}

// Asking for an old object makes it count as used now. The store's clock is
// ahead, so that everything looks old to it.
func TestAskingRenews(t *testing.T) {
	onServer(t, func(address s3.Address) { askingRenews(t, address) })
}

func askingRenews(t *testing.T, address s3.Address) {
	late := clock.NewFake(time.Now().Add(time.Hour))
	store, err := s3.Open(t.Context(), address, t.TempDir(), late)
	if err != nil {
		t.Fatal(err)
	}
	hash, _, err := store.Put(t.Context(), "w", strings.NewReader("old"))
	if err != nil {
		t.Fatal(err)
	}
	first := usedAt(t, store, hash)
	for !usedAt(t, store, hash).After(first) { // the service counts in seconds
		if there, err := store.Has(t.Context(), "w", hash); err != nil || !there {
			t.Fatalf("has: %v, %v", there, err)
		}
	}
	if removed, err := store.DeleteUnused(t.Context(), "w", hash, first.Add(time.Nanosecond)); err != nil || removed {
		t.Errorf("removed %v, %v", removed, err)
	}
	object, _, err := store.Open(t.Context(), "w", hash)
	if err != nil {
		t.Fatal(err)
	}
	defer object.Close()
	if text, err := io.ReadAll(object); err != nil || string(text) != "old" {
		t.Errorf("the renewed object holds %q, %v", text, err)
	}
}

func usedAt(t *testing.T, store blob.Store, want blob.Hash) (at time.Time) {
	t.Helper()
	err := store.List(t.Context(), "w", func(o blob.Object) error {
		if o.Hash == want {
			at = o.UsedAt
		}
		return nil
	})
	if err != nil || at.IsZero() {
		t.Fatalf("list: %v", err)
	}
	return at
}
