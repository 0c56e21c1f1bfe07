package collect

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/blob/blobtest"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
)

const ws = "one"

var key = Key{"shop", "blue", ModelInputs}

// noon is when the tests' clock begins.
var noon = time.Date(2026, 3, 4, 12, 30, 0, 0, time.UTC)

type bench struct {
	*Service
	t     *testing.T
	ctx   context.Context
	clock *clock.Fake
	blobs blob.Store
}

// each runs test on every database and every store.
func each(t *testing.T, test func(b bench)) {
	blobtest.Each(t, func(t *testing.T, blobs blob.Store) {
		clk := clock.NewFake(noon)
		sqldbtest.EachAt(t, clk, func(t *testing.T, db *sqldb.DB) {
			for _, id := range []string{ws, "two"} {
				err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
					_, err := tx.Exec(t.Context(), `INSERT INTO workspaces (id, name, display_name, description, tags, created_by, created_at, updated_at)
						VALUES ($1, $1, '', '', '{}', '', 0, 0)`, id)
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			test(bench{New(db, blobs, clk), t, t.Context(), clk, blobs})
		})
	})
}

func event(id string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"type":"azureml.inference.model_inputs","time":"2026-03-04T12:30:00Z","data":[{"x":1}]}`+"\n", id)
}

func (b bench) append(to Place, name string, at time.Time, lines string) {
	b.t.Helper()
	if err := b.Append(b.ctx, ws, to, Batch{Writer: "replica-1", Name: name, At: at, Lines: []byte(lines)}); err != nil {
		b.t.Fatal(err)
	}
}

func (b bench) paths(folder string) (names []string) {
	b.t.Helper()
	files, err := b.Files(b.ctx, ws, folder)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, f := range files {
		names = append(names, f.Path)
	}
	return names
}

// ids reads a whole collection, in pages of a size.
func (b bench) ids(of Key, size int) (found []string) {
	b.t.Helper()
	for token := ""; ; {
		page, err := b.Rows(b.ctx, ws, of, size, token)
		if err != nil {
			b.t.Fatal(err)
		}
		for _, e := range page.Items {
			found = append(found, e.ID)
		}
		if token = page.NextPageToken; token == "" {
			return found
		}
	}
}

func TestFoldersAreThoseThatAzureDocuments(t *testing.T) {
	each(t, func(b bench) {
		for rolling, want := range map[Rolling]string{
			"": "2026/03/04/12", Minute: "2026/03/04/12/30", Hour: "2026/03/04/12", Day: "2026/03/04", Month: "2026/03", Year: "2026",
		} {
			settings := &Settings{RollingRate: rolling}
			to := Key{"shop", "blue", "by" + string(rolling)}
			b.append(settings.Place(to), "1", noon, event("a"))
			if diff := cmp.Diff([]string{want + "/replica-1-1.jsonl"}, b.paths("modelDataCollector/shop/blue/"+to.Collection)); diff != "" {
				b.t.Errorf("rolling %q: %s", rolling, diff)
			}
		}
		own := &Settings{Collections: map[string]Collection{ModelInputs: {Enabled: true,
			Data: &Data{Path: "azureml://datastores/workspaceblobstore/paths/my/rows"}}}}
		b.append(own.Place(key), "1", noon, event("a"))
		if diff := cmp.Diff([]string{"2026/03/04/12/replica-1-1.jsonl"}, b.paths("my/rows")); diff != "" {
			b.t.Error(diff)
		}
	})
}

func TestABatchThatIsSentTwiceIsKeptOnce(t *testing.T) {
	each(t, func(b bench) {
		to := (&Settings{}).Place(key)
		for range 3 {
			b.append(to, "1", noon, event("a")+event("b"))
		}
		b.append(to, "2", noon, event("c"))
		if diff := cmp.Diff([]string{"c", "b", "a"}, b.ids(key, 2)); diff != "" {
			b.t.Error(diff)
		}
		b.Counts(ws, func(_ string, _ Key, c Count) {
			if c.Kept != 3 {
				b.t.Errorf("%d rows were counted, and 3 kept", c.Kept)
			}
		})
	})
}

func TestManySmallFilesBecomeOne(t *testing.T) {
	each(t, func(b bench) {
		to := (&Settings{}).Place(key)
		var want []string
		for i := range 3 * mergeAt {
			id := fmt.Sprint(i)
			b.append(to, fmt.Sprintf("%05d", i), noon.Add(time.Duration(i)*time.Millisecond), event(id))
			want = append([]string{id}, want...)
			b.clock.Advance(time.Millisecond)
		}
		if n := len(b.paths(to.Folder)); n > mergeAt+1 {
			b.t.Errorf("there are %d files", n)
		}
		if diff := cmp.Diff(want, b.ids(key, 7)); diff != "" {
			b.t.Error(diff)
		}
		b.append(to, fmt.Sprintf("%05d", 3*mergeAt-1), noon, event("again")) // the last one, whose answer was lost
		if n := len(b.ids(key, 500)); n != len(want) {
			b.t.Errorf("there are %d rows, and %d were sent", n, len(want))
		}
	})
}

func TestALargePayloadLiesBesideItsLine(t *testing.T) {
	each(t, func(b bench) {
		to := (&Settings{}).Place(key)
		large := `["` + strings.Repeat("x", maxInline) + `"]`
		b.append(to, "1", noon, event("small")+`{"specversion":"1.0","id":"large","time":"2026-03-04T12:30:00Z","data":`+large+`}`+"\n")
		page, err := b.Rows(b.ctx, ws, key, 10, "")
		if err != nil {
			b.t.Fatal(err)
		}
		if got := page.Items[0]; got.ID != "large" || got.Data != nil || !strings.HasPrefix(got.DataRef, URI(to.Folder)+"/2026/03/04/12/large/") {
			b.t.Errorf("the large one: %q %q", got.ID, got.DataRef)
		}
		files, err := b.Files(b.ctx, ws, strings.TrimPrefix(page.Items[0].DataRef, URI("")))
		if err != nil || len(files) != 1 {
			b.t.Fatalf("its file: %v %v", files, err)
		}
		content, _, err := b.blobs.Open(b.ctx, ws, files[0].Hash)
		if err != nil {
			b.t.Fatal(err)
		}
		defer content.Close()
		if text, err := io.ReadAll(content); err != nil || string(text) != large {
			b.t.Errorf("its file holds %d bytes: %v", len(text), err)
		}
	})
}

func TestWhatIsNoLineIsRefused(t *testing.T) {
	each(t, func(b bench) {
		to := (&Settings{}).Place(key)
		for _, lines := range []string{"", "\n", "no json\n", `{"half": `, `["a list"]` + "\n", event("a") + "{\n"} {
			err := b.Append(b.ctx, ws, to, Batch{Writer: "replica-1", Name: "1", At: noon, Lines: []byte(lines)})
			if atelier.CodeOf(err) != atelier.Invalid {
				b.t.Errorf("%q: %v", lines, err)
			}
		}
		for _, name := range []string{"", "../up", "a/b", "a.b", strings.Repeat("x", 200)} {
			err := b.Append(b.ctx, ws, to, Batch{Writer: "replica-1", Name: name, At: noon, Lines: []byte(event("a"))})
			if atelier.CodeOf(err) != atelier.Invalid {
				b.t.Errorf("the batch %q: %v", name, err)
			}
		}
		if names := b.paths(to.Folder); names != nil {
			b.t.Errorf("there is %v", names)
		}
	})
}

func TestAWorkspaceSeesItsOwnRows(t *testing.T) {
	each(t, func(b bench) {
		b.append((&Settings{}).Place(key), "1", noon, event("a"))
		page, err := b.Rows(b.ctx, "two", key, 10, "")
		if err != nil || len(page.Items) != 0 {
			b.t.Errorf("another workspace reads %v %v", page.Items, err)
		}
		if files, err := b.Files(b.ctx, "two", "modelDataCollector"); err != nil || files != nil {
			b.t.Errorf("another workspace has %v %v", files, err)
		}
		if gone, err := b.Delete(b.ctx, "two", key, noon.Add(time.Hour)); err != nil || gone.Files != 0 {
			b.t.Errorf("another workspace deletes %v %v", gone, err)
		}
	})
}

func TestOldRowsAreDeleted(t *testing.T) {
	each(t, func(b bench) {
		to := (&Settings{}).Place(key)
		b.append(to, "1", noon.Add(-48*time.Hour), event("old"))
		b.append(to, "2", noon, event("new"))
		gone, err := b.Delete(b.ctx, ws, Key{Endpoint: "shop", Deployment: "blue"}, noon.Add(-24*time.Hour))
		if err != nil || gone.Rows != 1 || gone.Files != 1 || gone.Bytes == 0 {
			b.t.Errorf("%+v %v", gone, err)
		}
		if diff := cmp.Diff([]string{"new"}, b.ids(key, 10)); diff != "" {
			b.t.Error(diff)
		}
		all, err := b.Collections(b.ctx, ws, "shop", "blue")
		if err != nil || len(all) != 1 || all[0].Rows != 1 || !all[0].LastAt.Equal(noon) {
			b.t.Errorf("%+v %v", all, err)
		}
	})
}

func TestRequestsAreRecordedWithinBounds(t *testing.T) {
	each(t, func(b bench) {
		var log bytes.Buffer
		r := NewRecorder(b.Service, slog.New(slog.NewTextHandler(&log, nil)))
		to := Key{"shop", "blue", Request}
		for range maxWaiting + 5 {
			r.Record(Payload{Workspace: ws, To: (&Settings{}).Place(to), RequestID: "r", Type: "application/json", Body: []byte("{\n\"x\": 1.10}")})
		}
		ctx, cancel := context.WithCancel(b.ctx)
		cancel()
		if err := r.Run(ctx); err != nil { // writes what waits, and ends
			b.t.Fatal(err)
		}
		if n := len(b.ids(to, 500)); n != maxWaiting {
			b.t.Errorf("%d rows are kept", n)
		}
		all, err := b.Collections(b.ctx, ws, "shop", "blue")
		if err != nil || all[0].Dropped != 5 {
			b.t.Errorf("%+v %v", all, err)
		}
		if !strings.Contains(log.String(), "dropped=5") {
			b.t.Errorf("the log says %s", &log)
		}
		page, err := b.Rows(b.ctx, ws, to, 1, "")
		if err != nil || string(page.Items[0].Data) != `{"x":1.10}` || page.Items[0].XRequestID != "r" || page.Items[0].Type != "azureml.inference.request" {
			b.t.Errorf("%+v %v", page.Items, err)
		}
	})
}

func TestAPayloadOfAnyKindIsKept(t *testing.T) {
	for _, c := range []struct{ body, data, base64, rest string }{
		{`{"a": [1, 2]}`, `{"a":[1,2]}`, "", "bytes 0-12/13"},
		{`just text`, `"just text"`, "", "bytes 0-8/9"},
		{"\xff\xfe", "", "//4=", "bytes 0-1/2"},
		{"", "", "", ""},
	} {
		var got Event
		if err := json.Unmarshal(Payload{Body: []byte(c.body)}.line(), &got); err != nil {
			t.Fatal(err)
		}
		if string(got.Data) != c.data || got.DataBase64 != c.base64 || got.ContentRange != c.rest {
			t.Errorf("%q: %+v", c.body, got)
		}
	}
}

func TestFieldsAreDroppedWhereverTheyAre(t *testing.T) {
	fields, err := ParseFields("customer, email")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ body, want string }{
		{`{"customer": "Ada", "age": 36}`, `{"age":36}`},
		{`{"rows": [{"email": "a@b", "x": 1.10}]}`, `{"rows":[{"x":1.10}]}`},
		{`{"input_data": {"columns": ["age", "customer", "x"], "index": [0], "data": [[36, "Ada", 1]]}}`, `{"input_data":{"columns":["age","x"],"data":[[36,1]],"index":[0]}}`},
		{`{"dataframe_split": {"columns": ["email"], "data": [["a@b"], ["c@d"]]}}`, `{"dataframe_split":{"columns":[],"data":[[],[]]}}`},
		{`{"inputs": {"customer": ["Ada"], "age": [36]}}`, `{"inputs":{"age":[36]}}`},
		{`{"inputs": [{"name": "email", "datatype": "BYTES", "data": ["a@b"]}, {"name": "age", "data": [36]}]}`, `{"inputs":[{"data":[36],"name":"age"}]}`},
		{`{"body": "{\"customer\": \"Ada\", \"age\": 36}"}`, `{"body":"{\"age\":36}"}`},
		{`"plain"`, `"plain"`},
		{``, ``},
	} {
		if got, ok := fields.Drop([]byte(c.body)); !ok || string(got) != c.want {
			t.Errorf("%s: %s", c.body, got)
		}
	}
	for _, body := range []string{"customer=Ada&age=36", "customer,age\nAda,36", `{"customer": "Ada"`, `{"age": 1} {"customer": "Ada"}`} {
		if got, ok := fields.Drop([]byte(body)); ok {
			t.Errorf("%q was understood as %s", body, got)
		}
		if line := (Payload{Body: []byte(body), Without: fields}).line(); bytes.Contains(line, []byte("Ada")) {
			t.Errorf("%q was kept: %s", body, line)
		}
	}
	if _, err := ParseFields("customer,,email"); atelier.CodeOf(err) != atelier.Invalid {
		t.Errorf("two commas: %v", err)
	}
}

func TestTheSampleIsWhatItShouldBe(t *testing.T) {
	kept := 0
	for i := range 10_000 {
		if id := fmt.Sprintf("%x", i*7919); Sampled(id, 0.1) {
			kept++
		}
		if id := fmt.Sprint(i); !Sampled(id, 1) || Sampled(id, 0) {
			t.Fatalf("%s: all and none", id)
		}
	}
	if kept < 800 || kept > 1200 {
		t.Errorf("%d of 10,000 are kept, and a tenth was asked for", kept)
	}
}

func TestBadSettingsAreRefused(t *testing.T) {
	half, two := 0.5, 2.0
	on := map[string]Collection{ModelInputs: {Enabled: true}}
	for field, s := range map[string]Settings{
		"data_collector.collections":                     {},
		"data_collector.sampling_rate":                   {Collections: on, SamplingRate: &two},
		"data_collector.rolling_rate":                    {Collections: on, RollingRate: "week"},
		"data_collector.collections.a.data.path":         {Collections: map[string]Collection{"a": {Data: &Data{Path: "azureml://datastores/lake/paths/x"}}}},
		"data_collector.collections.b.data.path":         {Collections: map[string]Collection{"b": {Data: &Data{Path: "azureml://datastores/workspaceblobstore/paths/../x"}}}},
		"data_collector.collections.c.data.path":         {Collections: map[string]Collection{"c": {Data: &Data{Path: "azureml://datastores/workspaceblobstore/paths/azureml/job"}}}},
		"data_collector.collections.d.data.name":         {Collections: map[string]Collection{"d": {Data: &Data{Name: "a/b"}}}},
		"data_collector.request_logging.capture_headers": {Collections: on, RequestLogging: &RequestLogging{[]string{"Authorization"}}},
	} {
		if err := s.Check(); atelier.CodeOf(err) != atelier.Invalid || atelier.Public(err).Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if err := (&Settings{Collections: map[string]Collection{"../up": {}}}).Check(); atelier.CodeOf(err) != atelier.Invalid {
		t.Errorf("a hostile name: %v", err)
	}
	good := &Settings{Collections: on, SamplingRate: &half, RollingRate: Day}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
}
