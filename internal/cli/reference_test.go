package cli

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "rewrite docs/reference/cli.md from the commands")

// The reference is made from the commands, so that it cannot tell another story.
func TestReferenceIsUpToDate(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "reference", "cli.md")
	want := reference((&command{st: &State{}}).rootCommand())
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/reference/cli.md is behind; run `go test ./internal/cli -update` (-want +got):\n%s", diff)
	}
}

// Every command says what it does, and shows how in an example that exists.
func TestEveryCommandHasAnExample(t *testing.T) {
	visit((&command{st: &State{}}).rootCommand(), func(cmd *cobra.Command) {
		if cmd.Short == "" {
			t.Errorf("%s does not say what it does", cmd.CommandPath())
		}
		if len(cmd.Commands()) > 0 || cmd.Hidden {
			return
		}
		if !strings.Contains(cmd.Example, cmd.CommandPath()) {
			t.Errorf("%s has no example of itself", cmd.CommandPath())
		}
	})
}

func visit(cmd *cobra.Command, do func(*cobra.Command)) {
	do(cmd)
	for _, child := range cmd.Commands() {
		visit(child, do)
	}
}

func reference(root *cobra.Command) string {
	var b strings.Builder
	fmt.Fprint(&b, "<!-- Made by `go test ./internal/cli -update`. Do not edit. -->\n\n# Command line\n\n")
	fmt.Fprintf(&b, "%s\n\n", fence(root.Long))
	fmt.Fprintf(&b, "Flags of every command:\n\n%s\n", flagList(root.PersistentFlags()))
	visit(root, func(cmd *cobra.Command) {
		if cmd == root || cmd.Hidden || len(cmd.Commands()) > 0 {
			return
		}
		fmt.Fprintf(&b, "\n## %s\n\n", cmd.CommandPath())
		fmt.Fprintf(&b, "%s\n\n", strings.TrimSpace(first(cmd.Long, cmd.Short+".")))
		fmt.Fprintf(&b, "%s\n", fence(cmd.UseLine()+"\n\n# for example\n"+unindent(cmd.Example)))
		if flags := flagList(cmd.LocalNonPersistentFlags()); flags != "" {
			fmt.Fprintf(&b, "\n%s", flags)
		}
	})
	return b.String()
}

func fence(text string) string { return "```\n" + strings.TrimSpace(text) + "\n```" }

func unindent(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.TrimSpace(line))
	}
	return strings.Join(lines, "\n")
}

func flagList(flags *pflag.FlagSet) string {
	var b strings.Builder
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		fmt.Fprintf(&b, "- `%s` %s", name, f.Usage)
		if f.DefValue != "" && f.DefValue != "[]" && f.DefValue != "false" {
			fmt.Fprintf(&b, " (default %s)", f.DefValue)
		}
		b.WriteString("\n")
	})
	return b.String()
}
