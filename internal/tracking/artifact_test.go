package tracking_test

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/tracking"
)

// hostilePaths are the ways in which artifact paths have led out of other
// servers' folders.
func hostilePaths() []string {
	return []string{
		"..", "../a", "a/../b", "a/..", "a/../../b", "./a", "a/./b", ".", "...", "a/.../b",
		"/a", "//a", "a//b", "/proc/self/root", "//proc/self/root/etc/passwd",
		"%2e%2e/a", "%2E%2E%2Fa", "..%2fa", "%252e%252e/a", "%25252e%25252e%25252fa", "a/%2e%2e/b", "%2fetc/passwd", "%252fetc/passwd",
		"..\\a", "a\\..\\b", "\\\\host\\share", "a%5cb", "a%255c..%255cb", "C:\\a", "C:/a", "c:a", "%43%3a/a",
		"a#b", "a%23b", "a%2523/../b", "#", "a\x00b", "a%00b", "a%2500b", "a\nb", "a%0d%0ab",
		"..;/a", "a/..;x/b", "%2e%2e%3b/a", "file:///etc/passwd", "file:/etc/passwd", "http://host/a", "s3://b/a",
		"\xc0\xae\xc0\xae/a", "%c0%ae%c0%ae/a", "\xff", "․․/a", "‥/a", "．．/a", "｡｡/a", "%ef%bc%8e%ef%bc%8e/a",
		strings.Repeat("a/", 600) + "b", "%" + strings.Repeat("25", 12) + "2e", "%/%2e%2e/%2e%2e/a",
	}
}

func TestHostileArtifactPaths(t *testing.T) {
	each(t, func(b bench) {
		owner := tracking.Owner{Kind: tracking.RunArtifact, ID: b.run(tracking.NewRun{}).ID}
		for _, path := range hostilePaths() {
			err := b.Upload(b.ctx, ws, owner, path, strings.NewReader("x"))
			if err == nil {
				t.Errorf("%q was accepted", path)
			}
			b.refused(err, atelier.Invalid, "Invalid path")
			_, _, err = b.Open(b.ctx, ws, owner, path)
			b.refused(err, atelier.Invalid, "Invalid path")
			if path != "." {
				_, err = b.List(b.ctx, ws, owner, path)
				b.refused(err, atelier.Invalid, "Invalid path")
				b.refused(b.Remove(b.ctx, ws, owner, path), atelier.Invalid, "Invalid path")
			}
		}
		files, err := b.Files(b.ctx, ws, owner, "")
		b.must(err)
		if len(files) != 0 {
			t.Errorf("stored %v", files)
		}
	})
}

func TestOrdinaryArtifactPaths(t *testing.T) {
	for path, want := range map[string]string{
		"a.txt": "a.txt", "a/b/c": "a/b/c", "a b/ü&;=+'\".txt": "a b/ü&;=+'\".txt", "a%20b": "a%20b", "%zz%2e%2e/a": "%zz%2e%2e/a", ".hidden/..x": ".hidden/..x",
		"100%": "100%", "x:y": "", "日本/語": "日本/語",
	} {
		got, err := tracking.CheckArtifactPath(path)
		if want == "" {
			if err == nil {
				t.Errorf("%q was accepted: it begins like a drive", path)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("%q: %q, %v", path, got, err)
		}
	}
}

func FuzzArtifactPath(f *testing.F) {
	for _, path := range hostilePaths() {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		got, err := tracking.CheckArtifactPath(path)
		if err != nil {
			return
		}
		again, err := tracking.CheckArtifactPath(got)
		if err != nil || again != got {
			t.Fatalf("%q became %q, and that %q with %v", path, got, again, err)
		}
		for part := range strings.SplitSeq(got, "/") {
			if part == "" || part == "." || part == ".." {
				t.Fatalf("%q became %q", path, got)
			}
		}
	})
}

func TestFoldersOfArtifacts(t *testing.T) {
	each(t, func(b bench) {
		run := b.run(tracking.NewRun{})
		owner := tracking.Owner{Kind: tracking.RunArtifact, ID: run.ID}
		for _, path := range []string{"b.txt", "a/one", "a/deep/two", "a0/x", "a-b"} {
			b.must(b.Upload(b.ctx, ws, owner, path, strings.NewReader(path)))
		}
		list := func(folder string) (names []string) {
			entries, err := b.List(b.ctx, ws, owner, folder)
			b.must(err)
			for _, e := range entries {
				if e.IsDir {
					e.Path += "/"
				}
				names = append(names, e.Path)
			}
			return names
		}
		for folder, want := range map[string][]string{
			"": {"a-b", "a/", "a0/", "b.txt"}, "a": {"a/deep/", "a/one"}, "a/": {"a/deep/", "a/one"}, "a/deep": {"a/deep/two"}, "b.txt": nil, "nothing": nil,
		} {
			if diff := cmp.Diff(want, list(folder)); diff != "" {
				t.Errorf("%q: %s", folder, diff)
			}
		}
		content, file, err := b.Open(b.ctx, ws, owner, "a/deep/two")
		b.must(err)
		defer content.Close()
		text, err := io.ReadAll(content)
		b.must(err)
		if string(text) != "a/deep/two" || file.Size != 10 {
			t.Errorf("read %q, %+v", text, file)
		}
		b.refused(b.Upload(b.ctx, ws, owner, "a", strings.NewReader("x")), atelier.Conflict, "there is a folder")
		b.refused(b.Upload(b.ctx, ws, owner, "b.txt/x", strings.NewReader("x")), atelier.Conflict, "there is a file")
		b.must(b.Remove(b.ctx, ws, owner, "a"))
		if diff := cmp.Diff([]string{"a-b", "a0/", "b.txt"}, list("")); diff != "" {
			t.Error(diff)
		}
		b.refused(b.Remove(b.ctx, ws, owner, "a"), atelier.NotFound, "no artifact")
	})
}

func TestLoggedModelsAreSeenAsFoldersOfTheirRun(t *testing.T) {
	each(t, func(b bench) {
		run := b.run(tracking.NewRun{})
		b.must(b.Upload(b.ctx, ws, tracking.Owner{Kind: tracking.RunArtifact, ID: run.ID}, "plot.png", strings.NewReader("p")))
		model, err := b.CreateLoggedModel(b.ctx, ws, tracking.NewLoggedModel{ExperimentID: run.ExperimentID, Name: "forest", SourceRunID: run.ID, Params: pairs("n", "3")})
		b.must(err)
		b.must(b.Upload(b.ctx, ws, tracking.Owner{Kind: tracking.LoggedModelArtifact, ID: model.ID}, "data/w.bin", strings.NewReader("weights")))
		root, err := b.ListRun(b.ctx, ws, run.ID, "")
		b.must(err)
		if len(root) != 2 || root[1].Path != "forest" || !root[1].IsDir || root[1].Size != 7 {
			t.Errorf("root is %+v", root)
		}
		inside, err := b.ListRun(b.ctx, ws, run.ID, "forest/data")
		b.must(err)
		if len(inside) != 1 || inside[0].Path != "forest/data/w.bin" {
			t.Errorf("folder is %+v", inside)
		}
		content, _, err := b.OpenRun(b.ctx, ws, run.ID, "forest/data/w.bin")
		b.must(err)
		content.Close()
		b.must(b.FinishLoggedModel(b.ctx, ws, model.ID, tracking.ModelReady))
		b.must(b.AddOutputs(b.ctx, ws, run.ID, []tracking.ModelLink{{ModelID: model.ID, Step: 4}}))
		measured := metric("acc", 0.9, 0, 0)
		measured.ModelID = model.ID
		b.must(b.Log(b.ctx, ws, run.ID, tracking.Batch{Metrics: []tracking.Metric{measured}}))
		page, err := b.SearchLoggedModels(b.ctx, ws, tracking.LoggedModelSearch{Filter: "metrics.acc > 0.5 AND params.n = '3' AND status = 'LOGGED_MODEL_READY'", OrderBy: []tracking.LoggedModelOrder{{Field: "metrics.acc DESC"}}})
		b.must(err)
		if len(page.Items) != 1 || page.Items[0].ID != model.ID || len(page.Items[0].Metrics) != 1 {
			t.Errorf("found %+v", page.Items)
		}
		got, err := b.Run(b.ctx, ws, run.ID)
		b.must(err)
		if diff := cmp.Diff([]tracking.ModelLink{{ModelID: model.ID, Step: 4}}, got.Outputs); diff != "" {
			t.Error(diff)
		}
	})
}

// Free files may be anybody's: a job adds to them, and touches no other's.
func TestJobsAddFreeFilesOnly(t *testing.T) {
	each(t, func(b bench) {
		job := atelier.WithActor(b.ctx, atelier.Actor{Kind: atelier.JobActor, ID: "job-1"})
		free := tracking.Owner{Kind: tracking.FreeArtifact}
		b.must(b.Upload(job, ws, free, "shared/new.txt", strings.NewReader("new")))
		b.refused(b.Upload(job, ws, free, "shared/new.txt", strings.NewReader("other")), atelier.Forbidden, "replace a file")
		b.refused(b.Remove(job, ws, free, "shared"), atelier.Forbidden, "remove files")
		b.must(b.Upload(b.ctx, ws, free, "shared/new.txt", strings.NewReader("by a person")))
		b.must(b.Remove(b.ctx, ws, free, "shared"))
	})
}
