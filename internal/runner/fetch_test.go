package runner

import "testing"

func TestNameUnder(t *testing.T) {
	tests := []struct {
		path, from, want string
		ok               bool
	}{
		{"a/b.txt", "", "a/b.txt", true},
		{"a/b.txt", "a", "b.txt", true},
		{"a/b.txt", "a/b.txt", "b.txt", true},
		{"ab/c.txt", "a", "", false},
		{"c.txt", "a", "", false},
		{"x $(reboot);`id` 'y'.csv", "x $(reboot);`id` 'y'.csv", "x___reboot___id___y_.csv", true},
		{"값.csv", "값.csv", "값.csv", true},
	}
	for _, test := range tests {
		got, ok := nameUnder(test.path, test.from)
		if ok != test.ok || ok && got != test.want {
			t.Errorf("%q under %q is %q, %v; want %q, %v", test.path, test.from, got, ok, test.want, test.ok)
		}
	}
}

func TestFillPathsReplacesEachOnce(t *testing.T) {
	p := &place{
		inputs:  map[string]string{"a": "/in/${{outputs.b}}", "ab": "/in/ab"},
		outputs: map[string]string{"b": "/out/b"},
	}
	got := fillPaths("run ${{inputs.a}} ${{inputs.ab}} ${{outputs.b}} $HOME", p)
	if want := "run /in/${{outputs.b}} /in/ab /out/b $HOME"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
