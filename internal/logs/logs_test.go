package logs_test

import (
	"io"
	"testing"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/logs"
)

var id = logs.ID{Workspace: "w", Owner: "job/j", Name: "user_logs/std_log.txt"}

func open(t *testing.T) *logs.Store {
	t.Helper()
	store, err := logs.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// A writer that repeats itself, wholly or in part, changes nothing; one that
// would leave a gap is refused and told where to go on.
func TestEveryByteOnce(t *testing.T) {
	store := open(t)
	steps := []struct {
		offset int64
		text   string
		size   int64
		code   atelier.Code
	}{
		{0, "one ", 4, ""},
		{0, "one ", 4, ""},
		{0, "one two ", 8, ""},
		{4, "two ", 8, ""},
		{9, "gap", 8, atelier.Precondition},
		{-1, "x", 8, atelier.Precondition},
		{8, "three", 13, ""},
	}
	for _, s := range steps {
		size, err := store.WriteAt(id, s.offset, []byte(s.text))
		if size != s.size || atelier.CodeOf(err) != s.code {
			t.Errorf("write %q at %d: size %d, %v", s.text, s.offset, size, err)
		}
	}
	text, err := io.ReadAll(store.Reader(id, 4))
	if err != nil || string(text) != "two three" {
		t.Errorf("read %q, %v", text, err)
	}
}

func TestFollowersWake(t *testing.T) {
	store := open(t)
	other := id
	other.Owner = "job/other"
	changed, untouched := store.Changed(id), store.Changed(other)
	if _, err := store.WriteAt(id, 0, []byte("x")); err != nil {
		t.Fatal(err)
	}
	<-changed
	select {
	case <-untouched:
		t.Error("another log's follower woke")
	default:
	}
	store.Close()
	<-untouched
}

func TestRemove(t *testing.T) {
	store := open(t)
	if _, err := store.WriteAt(id, 0, []byte("x")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := store.Remove(id); err != nil {
			t.Error(err)
		}
	}
	if size := store.Size(id); size != 0 {
		t.Errorf("size %d after removal", size)
	}
}
