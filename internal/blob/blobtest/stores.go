package blobtest

import (
	"os"
	"testing"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/blob/s3"
	"github.com/atelier-ml/atelier/internal/clock"
)

// S3Variable names the environment variable with the address of a bucket in
// which tests may keep what they like. `make test` starts a server for it.
const S3Variable = "ATELIER_TEST_S3"

// Each runs test on a fresh store of every kind. Without S3Variable only the
// local folder is tested, and the test's log says so.
func Each(t *testing.T, test func(t *testing.T, store blob.Store)) {
	t.Helper()
	t.Run("dir", func(t *testing.T) { test(t, Dir(t)) })
	if os.Getenv(S3Variable) == "" {
		t.Logf("S3 is not tested: %s is not set", S3Variable)
		return
	}
	t.Run("s3", func(t *testing.T) { test(t, S3(t)) })
}

// Dir returns a fresh store in a local folder.
func Dir(t testing.TB) *blob.Dir {
	t.Helper()
	store, err := blob.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// S3 returns a fresh store in the tests' bucket, under a prefix of its own.
func S3(t testing.TB) *s3.Store {
	t.Helper()
	store, err := s3.Open(t.Context(), S3Address(t), t.TempDir(), clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// S3Address is a place in the tests' bucket where nothing is yet.
func S3Address(t testing.TB) s3.Address {
	t.Helper()
	address, err := s3.ParseAddress(os.Getenv(S3Variable))
	if err != nil {
		t.Fatal(err)
	}
	address.Prefix = atelier.NewID(clock.System{}.Now())
	return address
}
