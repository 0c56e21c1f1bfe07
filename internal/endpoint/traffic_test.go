package endpoint

import (
	"testing"

	"github.com/atelier-ml/atelier"
)

func TestTrafficCheck(t *testing.T) {
	deployments := []string{"blue", "green"}
	for _, test := range []struct {
		name  string
		t     Traffic
		field string // "" when it is accepted
	}{
		{"none", Traffic{}, ""},
		{"nil", nil, ""},
		{"zeros", Traffic{"blue": 0, "green": 0}, ""},
		{"all to one", Traffic{"blue": 100}, ""},
		{"split", Traffic{"blue": 90, "green": 10}, ""},
		{"nothing for one that is gone", Traffic{"blue": 100, "gone": 0}, ""},
		{"99", Traffic{"blue": 90, "green": 9}, "traffic"},
		{"101", Traffic{"blue": 100, "green": 1}, "traffic"},
		{"negative", Traffic{"blue": 110, "green": -10}, "traffic.blue"},
		{"unknown", Traffic{"red": 100}, "traffic.red"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.t.check(deployments)
			if test.field == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if atelier.CodeOf(err) != atelier.Invalid || atelier.Public(err).Field != test.field {
				t.Errorf("got %v, want Invalid at %s", err, test.field)
			}
		})
	}
}

func TestMirrorCheck(t *testing.T) {
	deployments, live := []string{"blue", "green", "red"}, Traffic{"blue": 100}
	for _, test := range []struct {
		name   string
		mirror Traffic
		ok     bool
	}{
		{"none", Traffic{}, true},
		{"half", Traffic{"green": 50}, true},
		{"more than half", Traffic{"green": 51}, false},
		{"two", Traffic{"green": 10, "red": 10}, false},
		{"one with live traffic", Traffic{"blue": 10}, false},
		{"unknown", Traffic{"pink": 10}, false},
	} {
		if err := test.mirror.checkMirror(deployments, live); (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// Every point from 0 to 99 falls to one deployment, and each gets exactly its share.
func TestPickGivesEachItsShare(t *testing.T) {
	for _, split := range []Traffic{{"blue": 100}, {"blue": 90, "green": 10}, {"a": 1, "b": 33, "c": 66}, {"a": 0, "b": 100}} {
		got := Traffic{}
		for point := range 100 {
			name, ok := split.pick(point)
			if !ok {
				t.Fatalf("%v: nothing at %d", split, point)
			}
			got[name]++
		}
		for name, share := range split {
			if got[name] != share {
				t.Errorf("%v: %s gets %d", split, name, got[name])
			}
		}
	}
	if name, ok := (Traffic{"blue": 0}).pick(0); ok {
		t.Errorf("no traffic picks %q", name)
	}
	if _, ok := (Traffic{"green": 10}).pick(10); ok {
		t.Error("a mirror of 10 percent copies the request at 10")
	}
}
