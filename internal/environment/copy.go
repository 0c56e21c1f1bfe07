package environment

import (
	"context"
	"fmt"
	"regexp"
	"slices"
)

// pipWord finds the name of pip in a command.
var pipWord = regexp.MustCompile(`\bpip3?\b`)

// Installs reports whether a command seems to install packages itself.
func Installs(command string) bool { return pipWord.MatchString(command) }

// Copy makes in options.Root an environment with all that r holds and pip
// besides, for one command that installs packages itself: r is shared, and what
// a command installs is its own. options.Definition is what r was made of.
func (r Ready) Copy(ctx context.Context, options BuildOptions) (Ready, error) {
	fmt.Fprintln(options.Log, "The command names pip, so it gets a copy of the environment: what it installs is its own, and gone when it ends.")
	options.Definition.Requirements = append(slices.Clone(r.Lock), "pip")
	return Build(ctx, options)
}
