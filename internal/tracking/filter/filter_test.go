package filter

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

func language() Language {
	return Language{
		Entities: []Entity{Metric, Param, Tag, Dataset},
		Attributes: map[string]Field{
			"run_id": {Name: "run_id", Kind: ID}, "run name": {Name: "name"}, "name": {Name: "name"},
			"status": {Name: "status"}, "start_time": {Name: "start_time", Kind: Time}, "version": {Name: "version", Kind: Number},
		},
	}
}

func source() Source {
	return Source{
		Columns: map[string]string{"run_id": "r.id", "name": "r.name", "status": "r.status", "start_time": "r.started", "version": "r.version"},
		Tables: map[Entity]Table{Metric: {Name: "metrics", Owner: "t.run_id = r.id"}, Param: {Name: "params", Owner: "t.run_id = r.id"},
			Tag: {Name: "tags", Owner: "t.run_id = r.id"}, Dataset: {Name: "datasets", Owner: "t.run_id = r.id"}},
	}
}

// show writes a condition in one plain form.
func show(c Condition) string {
	value := fmt.Sprintf("%q", c.Text)
	switch {
	case c.List != nil:
		value = fmt.Sprintf("%q", c.List)
	case strings.HasSuffix(string(c.Operator), "NULL"):
		value = ""
	case c.Kind == Number || c.Kind == Time:
		value = fmt.Sprint(c.Number)
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %s", c.Entity, c.Key, c.Operator, value))
}

func TestParse(t *testing.T) {
	cases := map[string][]string{
		"":                                                nil,
		"  \n ":                                           nil,
		"metrics.rmse < 60":                               {"metric rmse < 60"},
		"metric.rmse>=-1.5e-3":                            {"metric rmse >= -0.0015"},
		"metrics.a.b.c = 1 and params.x = 'y'":            {"metric a.b.c = 1", `param x = "y"`},
		"METRICS.Loss != 2 AND Tags.A LIKE 'x%'":          {"metric Loss != 2", `tag A LIKE "x%"`},
		"tags.mlflow.source.type = \"JOB\"":               {`tag mlflow.source.type = "JOB"`},
		"params.\"my key\" = 'it''s'":                     {`param my key = "it's"`},
		"params.`with/all.of-it and` ilike 'a'":           {`param with/all.of-it and ILIKE "a"`},
		"tag.a IS NULL AND parameter.b is not null":       {"tag a IS NULL", "param b IS NOT NULL"},
		"attributes.run_id IN ('a', \"b\")":               {`attribute run_id IN ["a" "b"]`},
		"run_id not in ('a')":                             {`attribute run_id NOT IN ["a"]`},
		"name = ''":                                       {`attribute name = ""`},
		"`Run name` = 'x' AND attribute.\"run name\"='y'": {`attribute name = "x"`, `attribute name = "y"`},
		"start_time > 1700000000000 AND version <= 3":     {"attribute start_time > 1.7e+12", "attribute version <= 3"},
		"datasets.name = 'd' AND dataset.digest IN ('x')": {`dataset name = "d"`, `dataset digest IN ["x"]`},
		"params.größe = 'ä'":                              {`param größe = "ä"`},
		"params.and = 'and' AND tags.null != 'or'":        {`param and = "and"`, `tag null != "or"`},
	}
	for text, want := range cases {
		conditions, err := Parse(text, language())
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		var got []string
		for _, c := range conditions {
			got = append(got, show(c))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestWhatParseRefuses(t *testing.T) {
	for _, text := range []string{
		"metrics.rmse", "metrics.rmse <", "< 3", "= 'a'", "metrics.rmse = 'a'", "metrics.rmse = NaN", "metrics.rmse = 0x10", "metrics.rmse = 1_0",
		"metrics.rmse LIKE '1'", "metrics.rmse IS NULL", "metrics.rmse IN ('1')", "metrics. = 1", "metrics.\"\" = 1",
		"params.a = 1", "params.a = b", "params.a > 'b'", "params.a IN ('b')", "params.a == 'b'", "params.a <> 'b'",
		"unknown.a = 'b'", "unknown = 'b'", "status IS NULL", "start_time = '1'", "start_time > 1.5", "start_time > 1e300", "datasets.other = 'a'",
		"name = 'a' OR name = 'b'", "(name = 'a')", "NOT name = 'a'", "name = 'a' AND", "AND name = 'a'", "name = 'a' name = 'b'", "name = 'a',",
		"name = 'a", "name = \"a", "`name = 'a'", "run_id IN 'a'", "run_id IN ('a'", "run_id IN ()", "run_id IN ('a',)", "run_id IN (1)", "run_id NOT 'a'",
		"name = 'a'; DROP TABLE runs", "name = 'a' -- x", "name = 'a\x00'", "lower(name) = 'a'", "name IS", "name IS NOT 3",
		strings.Repeat("name = 'a' AND ", maxConditions) + "name = 'a'", "name = '" + strings.Repeat("a", maxText) + "'",
		"name LIKE '" + strings.Repeat("%a", maxPattern) + "'", "name ILIKE '" + strings.Repeat("%a", maxPattern) + "'",
	} {
		if conditions, err := Parse(text, language()); atelier.CodeOf(err) != atelier.Invalid {
			t.Errorf("%.60q: parsed as %v with error %v", text, conditions, err)
		}
	}
}

func TestParseOrder(t *testing.T) {
	orders, err := ParseOrder([]string{"metrics.rmse DESC", "params.`my key` asc", "start_time", "tags.a.b desc"}, language())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range orders {
		got = append(got, fmt.Sprint(o.Entity, " ", o.Key, " ", o.Descending))
	}
	if diff := cmp.Diff([]string{"metric rmse true", "param my key false", "attribute start_time false", "tag a.b true"}, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range [][]string{{""}, {"metrics.a UP"}, {"unknown"}, {"metrics.a ASC DESC"}, {"metrics.a", "metric.a DESC"}, {"metrics.a, metrics.b"},
		{"1; DROP TABLE runs"}, {"a", "b", "c", "d", "e", "f", "g", "h", "i"}} {
		if _, err := ParseOrder(bad, language()); atelier.CodeOf(err) != atelier.Invalid {
			t.Errorf("%q: error %v", bad, err)
		}
	}
}

func TestGlobMeansWhatLikeMeant(t *testing.T) {
	for pattern, want := range map[string]string{"a%b_c": "a*b?c", "100*": "100[*]", "what?": "what[?]", "[a]": "[[]a]", "%": "*"} {
		if got := globOf(pattern); got != want {
			t.Errorf("%q becomes %q, want %q", pattern, got, want)
		}
	}
}

// No input crashes the parser, nothing of it becomes SQL text, and the number of
// parameters stays within what a statement may have.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"metrics.rmse < 60 AND params.model = 'ridge'", "tags.\"a b\" IS NOT NULL", "run_id IN ('a','b')", "name LIKE '%x_'",
		"`a", "params.a = '''' AND datasets.name NOT IN (\"x\")", "start_time >= 12", "metrics.a.b.", "\xff\xfe", "name = 'Robert''); DROP TABLE runs; --'"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		conditions, err := Parse(text, language())
		if err != nil {
			if atelier.CodeOf(err) != atelier.Invalid {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		for _, engine := range []sqldb.Engine{sqldb.SQLite, sqldb.Postgres} {
			s := &Statement{Engine: engine}
			query := s.Where(conditions, source())
			if len(s.Args) > 180 {
				t.Fatalf("%q: %d parameters", text, len(s.Args))
			}
			plain := strings.NewReplacer("1 = 1", "", "''", "", "$", "").Replace(query)
			if strings.ContainsAny(plain, "'\";`\\-%") {
				t.Fatalf("%q became %q", text, query)
			}
		}
	})
}
