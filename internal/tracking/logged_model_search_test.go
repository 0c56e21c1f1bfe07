package tracking_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/tracking"
)

// measure makes three logged models: on the dataset "train" a is best, on "test"
// c is; b was measured on "test" twice, by two runs, and got worse.
func (b bench) measure() (experiment string, names map[string]string) {
	b.t.Helper()
	run, other := b.run(tracking.NewRun{Experiment: "e"}), b.run(tracking.NewRun{Experiment: "e"})
	names = map[string]string{}
	for _, name := range []string{"a", "b", "c"} {
		model, err := b.CreateLoggedModel(b.ctx, ws, tracking.NewLoggedModel{ExperimentID: run.ExperimentID, Name: name,
			ModelType: "kind-" + name, SourceRunID: run.ID, Params: pairs("p", name), Tags: pairs("my tag", "x")})
		b.must(err)
		names[model.ID] = name
		log := func(run string, value float64, at int64, dataset, digest string) {
			m := metric("acc", value, at, at)
			m.ModelID, m.DatasetName, m.DatasetDigest = model.ID, dataset, digest
			b.must(b.Log(b.ctx, ws, run, tracking.Batch{Metrics: []tracking.Metric{m}}))
		}
		switch name {
		case "a":
			log(run.ID, 0.9, 1, "train", "d1")
		case "b":
			log(run.ID, 0.7, 1, "train", "d1")
			log(run.ID, 0.8, 2, "test", "d1")
			log(other.ID, 0.1, 3, "test", "d2")
		case "c":
			log(run.ID, 0.5, 1, "train", "d2")
			log(run.ID, 0.6, 2, "test", "d2")
		}
	}
	return run.ExperimentID, names
}

func TestSearchLoggedModels(t *testing.T) {
	each(t, func(b bench) {
		experiment, names := b.measure()
		on := func(nameAndDigest ...string) (list []tracking.DatasetFilter) {
			for _, text := range nameAndDigest {
				name, digest, _ := strings.Cut(text, ":")
				list = append(list, tracking.DatasetFilter{Name: name, Digest: digest})
			}
			return list
		}
		by := func(fields ...string) (orders []tracking.LoggedModelOrder) {
			for _, field := range fields {
				name, dataset, _ := strings.Cut(field, "@")
				order := tracking.LoggedModelOrder{Field: name}
				if dataset != "" {
					order.Dataset = on(dataset)[0]
				}
				orders = append(orders, order)
			}
			return orders
		}
		for _, c := range []struct {
			what string
			q    tracking.LoggedModelSearch
			want string
		}{
			{"all, the newest first", tracking.LoggedModelSearch{}, "c b a"},
			{"any run on any dataset", tracking.LoggedModelSearch{Filter: "metrics.acc > 0.75"}, "b a"},
			{"on a dataset", tracking.LoggedModelSearch{Filter: "metrics.acc > 0.75", Datasets: on("test")}, "b"},
			{"on its digest", tracking.LoggedModelSearch{Filter: "metrics.acc > 0.75", Datasets: on("test:d2")}, ""},
			{"on either of two", tracking.LoggedModelSearch{Filter: "metrics.acc > 0.55", Datasets: on("test:d2", "train")}, "c b a"},
			{"two conditions", tracking.LoggedModelSearch{Filter: "metrics.acc > 0.55 AND metrics.acc < 0.65", Datasets: on("test")}, "c b"},
			{"measured there at all", tracking.LoggedModelSearch{Datasets: on("test")}, "c b"},
			{"measured there at all, by digest", tracking.LoggedModelSearch{Filter: "params.p != 'c'", Datasets: on("train:d2")}, ""},
			{"a dataset that nobody read", tracking.LoggedModelSearch{Datasets: on("x' OR '1'='1")}, ""},
			{"latest, whatever the dataset", tracking.LoggedModelSearch{OrderBy: by("metrics.acc DESC")}, "a c b"},
			{"latest on a dataset", tracking.LoggedModelSearch{OrderBy: by("metrics.acc DESC@train")}, "a b c"},
			{"latest on a digest", tracking.LoggedModelSearch{OrderBy: by("metrics.acc ASC@test:d1")}, "b c a"},
			{"one metric on two datasets", tracking.LoggedModelSearch{OrderBy: by("metrics.acc DESC@test:d1", "metrics.acc ASC@train")}, "b c a"},
			{"an attribute", tracking.LoggedModelSearch{OrderBy: by("name ASC")}, "a b c"},
			{"lists", tracking.LoggedModelSearch{Filter: "params.p IN ('a', 'b') AND model_type NOT IN ('kind-b') AND tags.`my tag` = 'x'"}, "a"},
			{"another experiment", tracking.LoggedModelSearch{Experiments: []string{"0"}}, ""},
		} {
			if c.q.Experiments == nil {
				c.q.Experiments = []string{experiment}
			}
			c.q.MaxResults = 1 // every page has a token
			var found []string
			for {
				page, err := b.SearchLoggedModels(b.ctx, ws, c.q)
				b.must(err)
				for _, model := range page.Items {
					found = append(found, names[model.ID])
				}
				if c.q.PageToken = page.NextPageToken; page.NextPageToken == "" {
					break
				}
			}
			if diff := cmp.Diff(c.want, strings.Join(found, " ")); diff != "" {
				t.Errorf("%s: %s", c.what, diff)
			}
		}
	})
}

func TestSearchLoggedModelsRefuses(t *testing.T) {
	each(t, func(b bench) {
		condition := "metrics.acc > 0"
		for name, q := range map[string]tracking.LoggedModelSearch{
			"a dataset without a name": {Datasets: []tracking.DatasetFilter{{Digest: "d"}}},
			"too many datasets":        {Datasets: slices.Repeat([]tracking.DatasetFilter{{Name: "d"}}, 1000)},
			"too costly":               {Datasets: slices.Repeat([]tracking.DatasetFilter{{Name: "d"}}, 30), Filter: condition + strings.Repeat(" AND "+condition, 30)},
			"too many orders":          {OrderBy: slices.Repeat([]tracking.LoggedModelOrder{{Field: "metrics.acc"}}, 100)},
			"too long a page":          {MaxResults: 1 << 20},
			"an unknown attribute":     {Filter: "artifact_uri = 'x'"},
			"a quoted number":          {Filter: "metrics.acc > '0'"},
		} {
			if _, err := b.SearchLoggedModels(b.ctx, ws, q); atelier.CodeOf(err) != atelier.Invalid {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// The status is asked for in the words that MLflow's users see, and in its wire's.
func TestLoggedModelsByStatus(t *testing.T) {
	each(t, func(b bench) {
		run := b.run(tracking.NewRun{})
		for _, status := range tracking.LoggedModelStatuses() {
			m, err := b.CreateLoggedModel(b.ctx, ws, tracking.NewLoggedModel{ExperimentID: run.ExperimentID, Name: string(status)})
			b.must(err)
			if status != tracking.ModelPending {
				b.must(b.FinishLoggedModel(b.ctx, ws, m.ID, status))
			}
		}
		for text, want := range map[string]string{
			"status = 'READY'":                                      "LOGGED_MODEL_READY",
			"status='LOGGED_MODEL_READY'":                           "LOGGED_MODEL_READY",
			"attributes.status = 'PENDING'":                         "LOGGED_MODEL_PENDING",
			"status = 'FAILED'":                                     "LOGGED_MODEL_UPLOAD_FAILED",
			"status LIKE 'FAIL%'":                                   "LOGGED_MODEL_UPLOAD_FAILED",
			"status != 'READY'":                                     "LOGGED_MODEL_PENDING LOGGED_MODEL_UPLOAD_FAILED",
			"status IN ('READY', 'LOGGED_MODEL_PENDING')":           "LOGGED_MODEL_PENDING LOGGED_MODEL_READY",
			"status NOT IN ('READY', 'LOGGED_MODEL_UPLOAD_FAILED')": "LOGGED_MODEL_PENDING",
			"status = 'ready'":                                      "",
			"name = 'LOGGED_MODEL_READY' AND status = 'READY'":      "LOGGED_MODEL_READY",
		} {
			page, err := b.SearchLoggedModels(b.ctx, ws, tracking.LoggedModelSearch{Filter: text, OrderBy: []tracking.LoggedModelOrder{{Field: "name ASC"}}})
			b.must(err)
			var names []string
			for _, m := range page.Items {
				names = append(names, m.Name)
			}
			if got := strings.Join(names, " "); got != want {
				t.Errorf("%s: found %q, want %q", text, got, want)
			}
		}
	})
}
