package datastore

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/atelier-ml/atelier"
)

func TestEveryPlaceIsWrittenAlike(t *testing.T) {
	places(t, func(t *testing.T, b bench, made Datastore) {
		if made.Endpoint != "" && made.Endpoint == os.Getenv("ATELIER_TEST_GCS") {
			return // Google's stand-in takes objects by its own API alone; the signed place is written below
		}
		const name = "out of here/Tabelle ü.csv"
		for _, text := range []string{"a,b\n", "", strings.Repeat("long ", 1<<20)} { // the last replaces the others
			b.must(b.Put(b.ctx, ws, made.Name, name, strings.NewReader(text), int64(len(text))))
			content, size, err := b.Content(b.ctx, ws, made.Name, name)
			b.must(err)
			got, err := io.ReadAll(content)
			b.must(err)
			b.must(content.Close())
			if string(got) != text || size != int64(len(text)) {
				t.Errorf("%d bytes came back for %d", len(got), len(text))
			}
		}
		page, err := b.Files(b.ctx, ws, made.Name, "out of here", "")
		b.must(err)
		if len(page.Items) != 1 {
			t.Errorf("there lie %+v", page.Items)
		}
		for _, bad := range []string{"", "../x", "/x", "a//b", "a/./b", "a\x00b"} {
			if err := b.Put(b.ctx, ws, made.Name, bad, strings.NewReader("x"), 1); atelier.CodeOf(err) != atelier.Invalid {
				t.Errorf("%q was written: %v", bad, err)
			}
		}
		refused(t, b.Put(b.ctx, ws, atelier.DefaultDatastore, "x", strings.NewReader("x"), 1), atelier.Invalid, "keeps files by their content")
	})
}
