package runlog_test

import (
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/api"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/mlflow"
	"github.com/atelier-ml/atelier/internal/model"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/runlog"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// The journal in testdata was written by the Python SDK, whose tests compare
// what they write with it, byte by byte.
const golden = "testdata/whole"

const runID = "0123456789abcdef0123456789abcdef"

func read(t *testing.T, folder string, from runlog.Place) ([]runlog.Entry, []runlog.Damage) {
	t.Helper()
	journal, err := runlog.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer journal.Close()
	var entries []runlog.Entry
	damage, err := journal.Read(from, func(e runlog.Entry) error {
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return entries, damage
}

func TestTheGoldenJournalIsReadAsItWasWritten(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(golden, "records.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want []struct {
		runlog.Place
		Record runlog.Record `json:"record"`
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	entries, damage := read(t, golden, runlog.Place{})
	if len(damage) > 0 || len(entries) != len(want) {
		t.Fatalf("%d records and the damage %v, want %d records", len(entries), damage, len(want))
	}
	for i, entry := range entries {
		entry.Record.Values, want[i].Record.Values = compact(t, entry.Record.Values), compact(t, want[i].Record.Values)
		if entry.Begin != want[i].Place {
			t.Errorf("record %d is at %v, want %v", i, entry.Begin, want[i].Place)
		}
		if diff := cmp.Diff(want[i].Record, entry.Record); diff != "" {
			t.Errorf("record %d (-want +got):\n%s", i, diff)
		}
	}
	rest, _ := read(t, golden, entries[3].End)
	if len(rest) != len(entries)-4 || rest[0].Begin != entries[4].Begin {
		t.Errorf("from the fifth on there are %d of %d", len(rest), len(entries))
	}
}

func compact(t *testing.T, raw json.RawMessage) json.RawMessage {
	t.Helper()
	if raw == nil {
		return nil
	}
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// copied returns a copy of the golden journal that may be harmed.
func copied(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), runID)
	if err := os.CopyFS(folder, os.DirFS(golden)); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestDamageIsNamedAndTheRestIsRead(t *testing.T) {
	folder := copied(t)
	whole, _ := read(t, folder, runlog.Place{})
	first := filepath.Join(folder, "000001.journal")
	data, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	hurt := whole[1]
	for at := hurt.Begin.Offset; at < hurt.End.Offset; at++ {
		damaged := append([]byte(nil), data...)
		damaged[at] ^= 0x41
		must(t, os.WriteFile(first, damaged, 0o600))
		entries, damage := read(t, folder, runlog.Place{})
		want := []runlog.Damage{{Segment: 1, From: hurt.Begin.Offset, To: hurt.End.Offset}}
		if diff := cmp.Diff(want, damage); diff != "" || len(entries) != len(whole)-1 {
			t.Fatalf("byte %d: %d records of %d, damage (-want +got):\n%s", at, len(entries), len(whole), diff)
		}
	}
	must(t, os.WriteFile(first, data, 0o600))
	last := filepath.Join(folder, "000002.journal")
	data, err = os.ReadFile(last)
	if err != nil {
		t.Fatal(err)
	}
	end := whole[len(whole)-1]
	must(t, os.Truncate(last, int64(len(data)-3)))
	entries, damage := read(t, folder, runlog.Place{})
	if len(entries) != len(whole)-1 || len(damage) != 1 || !damage[0].Torn || damage[0].From != end.Begin.Offset {
		t.Errorf("a torn end: %d records of %d, damage %+v", len(entries), len(whole), damage)
	}
	must(t, os.Remove(first))
	if _, damage := read(t, folder, runlog.Place{Segment: 1, Offset: 8}); len(damage) == 0 || !strings.Contains(damage[0].String(), "000001.journal is missing") {
		t.Errorf("a missing segment: %v", damage)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// house is a server with all that a journal is shipped to.
func house(t *testing.T) *client.Client {
	t.Helper()
	db := sqldbtest.SQLite(t, clock.System{})
	bus := event.NewBus()
	who := access.New(db, clock.System{})
	workspaces := workspace.New(db, who, bus)
	owner, token, err := who.Bootstrap(t.Context(), "ada")
	must(t, err)
	must(t, workspaces.EnsureDefault(t.Context(), owner))
	blobs, err := blob.OpenDir(t.TempDir())
	must(t, err)
	t.Cleanup(func() { blobs.Close() })
	runs := tracking.New(db, blobs, bus)
	table := route.New(route.Options{Access: who, Workspaces: workspaces, Log: slog.New(slog.DiscardHandler), Version: "test"})
	api.RegisterRuns(table, runs)
	api.RegisterFiles(table, blobs)
	mlflow.Register(table, mlflow.Parts{Tracking: runs, Models: model.New(db, blobs, bus, runs), Blobs: blobs, Log: slog.New(slog.DiscardHandler)})
	server := httptest.NewServer(table)
	t.Cleanup(server.Close)
	c, err := client.New(client.Config{Server: server.URL, Token: token, Workspace: "default"})
	must(t, err)
	return c
}

func to(c *client.Client) runlog.Options {
	return runlog.Options{Connect: func(runlog.Run) (*client.Client, error) { return c, nil }}
}

func TestAJournalIsShippedOnce(t *testing.T) {
	c := house(t)
	folder := copied(t)
	must(t, os.MkdirAll(filepath.Join(folder, "files"), 0o700))
	must(t, os.WriteFile(filepath.Join(folder, "files", "000001"), []byte("hello"), 0o600))
	options := to(c)
	for _, want := range []runlog.Counts{{Points: 4, Params: 2, Tags: 2, Artifacts: 1, Bytes: 5}, {}} {
		result, err := runlog.Sync(t.Context(), folder, options)
		must(t, err)
		if result.State != runlog.Shipped || result.Sent != want || len(result.Damage)+len(result.Refused) != 0 || result.Killed {
			t.Errorf("result %+v", result)
		}
	}
	must(t, os.Remove(filepath.Join(folder, "shipped")))
	options.Delete = true
	result, err := runlog.Sync(t.Context(), folder, options)
	must(t, err)
	if _, err := os.Stat(folder); !result.Deleted || !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %+v", result)
	}
	run, err := c.GetRun(t.Context(), runID)
	must(t, err)
	if run.Name != "première" || run.ExperimentName != "diabetes" || run.Status != tracking.Finished || run.Params["alpha"] != "0.5" ||
		run.Tags["note"] != "日本語 😀" || run.EndedAt.UnixMilli() != 1700000000003 || run.StartedAt.UnixMilli() != 1700000000000 {
		t.Errorf("run %+v", run)
	}
	contents, err := c.RunContents(t.Context(), runID)
	must(t, err)
	if diff := cmp.Diff(map[string]int{"loss": 2, "nan": 1, "up": 1}, contents.Points); diff != "" || len(contents.Files) != 1 || contents.Files[0].Path != "model/a b.txt" {
		t.Errorf("files %v, points (-want +got):\n%s", contents.Files, diff)
	}
}

func TestWhatIsRefusedIsSetAside(t *testing.T) {
	c := house(t)
	folder := copied(t) // without the artifact's copy
	_, err := c.StartRun(t.Context(), runID, tracking.NewRun{})
	must(t, err)
	result, err := runlog.Sync(t.Context(), folder, to(c))
	if atelier.CodeOf(err) != atelier.Conflict || result.State != runlog.Left {
		t.Errorf("a run that was started at another time: %+v, %v", result, err)
	}

	other := house(t)
	result, err = runlog.Sync(t.Context(), folder, to(other))
	must(t, err)
	if len(result.Refused) != 1 || result.Refused[0].Path != "model/a b.txt" || result.Sent.Points != 4 {
		t.Errorf("result %+v", result)
	}
	options := to(other)
	options.Delete = true
	result, err = runlog.Sync(t.Context(), folder, options)
	must(t, err)
	if text, err := os.ReadFile(filepath.Join(folder, "refused")); result.Deleted || err != nil || !strings.Contains(string(text), "missing") {
		t.Errorf("what was refused is gone: %+v, %v", result, err)
	}
}

// forge writes a journal that claims what content says.
func forge(t *testing.T, contents ...string) string {
	t.Helper()
	data := []byte("ATLRUN1\n")
	for _, content := range contents {
		var head [8]byte
		binary.BigEndian.PutUint32(head[:4], uint32(len(content)))
		sum := crc32.Update(crc32.ChecksumIEEE(head[:4]), crc32.IEEETable, []byte(content))
		binary.BigEndian.PutUint32(head[4:], sum)
		data = append(append(data, head[:]...), content...)
	}
	folder := filepath.Join(t.TempDir(), "journal")
	must(t, os.MkdirAll(folder, 0o700))
	must(t, os.WriteFile(filepath.Join(folder, "000001.journal"), data, 0o600))
	return folder
}

// A journal may have come with somebody else's folder.
func TestAForgedJournalReachesNothingElse(t *testing.T) {
	c := house(t)
	secret := filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(secret, []byte("hello"), 0o600))
	const hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
	run := `{"type":"run","format":1,"id":"` + runID + `","start":"new","ends":true,"started_at":1}`
	for _, file := range []string{"../../secret", secret, "000001", "000002"} {
		name, err := json.Marshal(file)
		must(t, err)
		folder := forge(t, run, `{"type":"artifact","path":"x","file":`+string(name)+`,"sha256":"`+hello+`","size":5}`)
		must(t, os.MkdirAll(filepath.Join(folder, "files"), 0o700))
		must(t, os.Symlink(secret, filepath.Join(folder, "files", "000001")))
		must(t, os.Mkdir(filepath.Join(folder, "files", "000002"), 0o700))
		result, err := runlog.Sync(t.Context(), folder, to(c))
		if err != nil || len(result.Refused) != 1 {
			t.Errorf("the copy %q: %+v, %v", file, result, err)
		}
	}
	if contents, err := c.RunContents(t.Context(), runID); err != nil || len(contents.Files) > 0 {
		t.Errorf("files %v, %v", contents.Files, err)
	}
	for _, bad := range []string{
		`{"type":"run","format":1,"id":"../../x","start":"new"}`,
		`{"type":"run","format":2,"id":"` + runID + `","start":"new"}`,
		`{"type":"metrics","time":1,"step":1,"values":{"a":1}}`,
	} {
		if result, err := runlog.Sync(t.Context(), forge(t, bad), to(c)); err == nil {
			t.Errorf("%s: %+v", bad, result)
		}
	}
	if result, err := runlog.Sync(t.Context(), forge(t, run, `{"type":"dance"}`), to(c)); atelier.CodeOf(err) != atelier.NotImplemented {
		t.Errorf("an unknown record: %+v, %v", result, err)
	}
	result, err := runlog.Sync(t.Context(), forge(t, run, `{"type":"metrics","time":1,"step":1,"values":[1]}`, `{"type":"params","values":{"a":"1"}}`), to(c))
	if err != nil || len(result.Refused) != 1 || result.Sent.Params != 1 {
		t.Errorf("values that are none: %+v, %v", result, err)
	}
}

func TestJournalsAreFoundAtAnyDepth(t *testing.T) {
	root := t.TempDir()
	for _, folder := range []string{"a/b/c", "d"} {
		must(t, os.CopyFS(filepath.Join(root, folder), os.DirFS(golden)))
	}
	found, err := runlog.Find(root)
	must(t, err)
	if diff := cmp.Diff([]string{filepath.Join(root, "a/b/c"), filepath.Join(root, "d")}, found); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	if _, err := runlog.Find(filepath.Join(root, "nowhere")); !os.IsNotExist(err) {
		t.Errorf("a folder that is not there: %v", err)
	}
}
