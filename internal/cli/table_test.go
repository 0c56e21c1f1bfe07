package cli

import (
	"strings"
	"testing"
	"time"
)

func TestTableAligns(t *testing.T) {
	var out strings.Builder
	table{
		header: []string{"name", "state", "note"},
		rows: [][]string{
			{"당뇨병", "Running", ""},
			{"b", "Done", "a\x1b[31mred\x1b[0m\nline"},
			{strings.Repeat("x", 70), "", "z"},
		},
	}.write(&out)
	long := strings.Repeat("x", 59) + "…"
	pad := func(n int) string { return strings.Repeat(" ", n) }
	want := "NAME" + pad(59) + "STATE     NOTE\n" +
		"당뇨병" + pad(57) + "Running\n" +
		"b" + pad(62) + "Done      a[31mred[0m line\n" +
		long + pad(13) + "z\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestHumanWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour: "just now", 3 * time.Second: "just now", 42 * time.Second: "42 s ago",
		2 * time.Minute: "2 min ago", 47 * time.Hour: "47 h ago", 49 * time.Hour: "2 days ago",
	} {
		if got := ago(d); got != want {
			t.Errorf("ago(%v) = %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		850 * time.Millisecond: "850 ms", 42 * time.Second: "42 s", 200 * time.Second: "3 min 20 s", 125 * time.Minute: "2 h 5 min",
	} {
		if got := lasted(d); got != want {
			t.Errorf("lasted(%v) = %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 1_500_000: "1.5 MB", 3_000_000_000_000: "3.0 TB"} {
		if got := bytesText(n); got != want {
			t.Errorf("bytesText(%d) = %q, want %q", n, got, want)
		}
	}
}
