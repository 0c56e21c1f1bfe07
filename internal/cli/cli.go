// Package cli is the command line: what people and scripts type.
//
// There is one file per noun, and each command is a small options struct with a
// run method: read the flags, call the client, print. Nouns and verbs are those
// of Azure Machine Learning's own command line, so that what people know works.
// Everything that a command sees of the world is in State.
//
// The server and the runner live in the same binary but not in this package:
// their commands are here, what they start comes in by Hooks.
package cli

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/atelier-ml/atelier"
)

// Hooks are the parts of the program that the command line starts but does not
// contain.
type Hooks struct {
	// Up runs the server until ctx ends.
	Up func(ctx context.Context, options UpOptions) error
	// Runner runs one task and returns the exit code of the process.
	Runner func(args []string, stdout, stderr io.Writer) int
	// Version is what `atelier version` prints.
	Version string
}

// command is what all commands share: the world, and the flags of the root.
type command struct {
	st    *State
	hooks Hooks

	server    string
	workspace string
	form      string
	quiet     bool

	passedOn int // the exit code of what ran in the place of a command
}

// Main runs the command in st.Args and returns the process's exit code.
func Main(ctx context.Context, st *State, hooks Hooks) int {
	c := &command{st: st, hooks: hooks}
	root := c.rootCommand()
	root.SetArgs(st.Args)
	root.SetIn(st.Stdin)
	root.SetOut(st.Stdout)
	root.SetErr(st.Stderr)
	err := asUsage(root.ExecuteContextC(ctx))
	if ctx.Err() != nil && err != nil && !errors.As(err, new(jobEnded)) {
		err = context.Canceled
	}
	st.report(err)
	if err == nil {
		return c.passedOn
	}
	return exitCode(err)
}

const rootLong = `Atelier keeps the history of every training run, runs the training, registers
the best model and serves it behind a REST endpoint: on machines that are yours.

The server is --server, else ATELIER_SERVER, else "server" in the nearest
config.json, else http://127.0.0.1:8700. The workspace is --workspace, else
ATELIER_WORKSPACE, else "workspace_name" in config.json, else "default".`

func (c *command) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "atelier",
		Short:         "The machine-learning workspace that you own",
		Long:          rootLong + "\n\n" + exitHelp,
		Example:       "  atelier up\n  atelier job create -f job.yml --stream\n  atelier run list --experiment diabetes --order-by \"metrics.rmse ASC\"",
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			return checkForm(c.form)
		},
	}
	flags := root.PersistentFlags()
	flags.StringVar(&c.server, "server", "", "address of the server")
	flags.StringVarP(&c.workspace, "workspace", "w", "", "workspace to work in")
	flags.StringVarP(&c.form, "output", "o", formTable, "how to print: table, json or yaml")
	flags.BoolVarP(&c.quiet, "quiet", "q", false, "print results only, no remarks")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError(cmd, err)
	})
	root.AddGroup(
		&cobra.Group{ID: "server", Title: "The server:"},
		&cobra.Group{ID: "work", Title: "Work:"},
		&cobra.Group{ID: "serve", Title: "Serving:"},
		&cobra.Group{ID: "access", Title: "Access:"},
	)
	addGroup(root, "server", c.upCommand(), c.workspaceCommand(), c.storageCommand(), c.gcCommand(), c.vaultCommand(), c.versionCommand())
	addGroup(root, "work", c.jobCommand(), c.computeCommand(), c.runCommand(), c.experimentCommand(), c.datastoreCommand(), c.dataCommand(), c.lineageCommand(), c.modelCommand(), c.environmentCommand(), c.secretCommand(), c.importCommand(), c.syncCommand(), c.validateCommand())
	addGroup(root, "serve", c.endpointCommand(), c.deploymentCommand(), c.batchEndpointCommand(), c.batchDeploymentCommand())
	addGroup(root, "access", c.loginCommand(), c.signInCommand(), c.signOutCommand(), c.signInLinkCommand(), c.tokenCommand(), c.memberCommand(), c.roleCommand(), c.teamCommand(), c.userCommand(), c.servicePrincipalCommand(), c.auditCommand(), c.envCommand())
	root.AddCommand(c.runnerCommand())
	root.SetGlobalNormalizationFunc(azureNames)
	return root
}

func addGroup(root *cobra.Command, group string, commands ...*cobra.Command) {
	for _, cmd := range commands {
		cmd.GroupID = group
		root.AddCommand(cmd)
	}
}

// azureNames lets flags be called as Azure's own command line calls them.
func azureNames(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	switch name {
	case "workspace-name":
		name = "workspace"
	}
	return pflag.NormalizedName(name)
}

// noun makes the command of a noun, which does nothing without a verb.
func noun(use, short string, verbs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  cobra.NoArgs,
		RunE:  needVerb,
	}
	cmd.AddCommand(verbs...)
	return cmd
}

func needVerb(cmd *cobra.Command, _ []string) error {
	var verbs []string
	for _, verb := range cmd.Commands() {
		if verb.IsAvailableCommand() {
			verbs = append(verbs, verb.Name())
		}
	}
	return atelier.Errorf(atelier.Invalid, "`%s` needs a verb.", cmd.CommandPath()).
		WithHint("Use one of: %s.", strings.Join(verbs, ", "))
}

// usageError is the error of a command line that cannot be understood.
func usageError(cmd *cobra.Command, err error) error {
	var known *atelier.Error
	if errors.As(err, &known) {
		return err
	}
	return atelier.Errorf(atelier.Invalid, "%s.", sentence(err.Error())).
		WithHint("`%s --help` shows what is allowed.", cmd.CommandPath())
}

// asUsage finds the errors that cobra made itself when it read the command line
// of cmd: an unknown command, a required flag left out.
func asUsage(cmd *cobra.Command, err error) error {
	var known *atelier.Error
	var ended jobEnded
	if err == nil || errors.As(err, &known) || errors.As(err, &ended) || errors.Is(err, context.Canceled) {
		return err
	}
	for _, start := range []string{"unknown command", "required flag", "if any flags", "at least one of", "invalid argument"} {
		if strings.HasPrefix(err.Error(), start) {
			text, _, _ := strings.Cut(err.Error(), "\n")
			text = strings.Replace(text, "required flag(s) \"", "required flag \"--", 1)
			return atelier.Errorf(atelier.Invalid, "%s.", sentence(text)).WithHint("See `%s --help`.", cmd.CommandPath())
		}
	}
	return err
}

// sentence begins text with a capital and ends it without a full stop.
func sentence(text string) string {
	text = strings.TrimRight(text, ".")
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// named adds -n/--name to a command whose thing may also be given as its only
// argument, and returns a function that reads it.
func named(cmd *cobra.Command, what string) func(args []string) (string, error) {
	name := cmd.Flags().StringP("name", "n", "", "name of the "+what)
	cmd.Args = atMostOne
	return func(args []string) (string, error) {
		switch {
		case len(args) == 1 && *name != "" && args[0] != *name:
			return "", atelier.Errorf(atelier.Invalid, "Two names were given: %q and %q.", *name, args[0])
		case len(args) == 1:
			return args[0], nil
		case *name == "":
			return "", atelier.Errorf(atelier.Invalid, "Which %s?", what).
				WithHint("Name it: `%s NAME`.", cmd.CommandPath())
		}
		return *name, nil
	}
}

// onlyOne is for commands with one argument, which their usage names.
func onlyOne(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		_, what, _ := strings.Cut(cmd.Use, " ")
		return atelier.Errorf(atelier.Invalid, "Which %s?", cmd.Parent().Name()).
			WithHint("Name it: `%s %s`.", cmd.CommandPath(), what)
	}
	return atMostOne(cmd, args)
}

// atMostOne is for commands whose one argument may be a flag instead.
func atMostOne(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return atelier.Errorf(atelier.Invalid, "`%s` takes one name, and there are %d: %s.",
			cmd.CommandPath(), len(args), atelier.Clip(strings.Join(args, ", "), 120))
	}
	return nil
}

// keyValues reads "a=1" words, as of --tag.
func keyValues(flag string, words []string) (map[string]string, error) {
	values := map[string]string{}
	for _, word := range words {
		key, value, ok := strings.Cut(word, "=")
		if !ok || key == "" {
			return nil, atelier.Errorf(atelier.Invalid, "%q is not KEY=VALUE.", atelier.Clip(word, 60)).At(flag)
		}
		values[key] = value
	}
	return values, nil
}

// tagChanges reads the values of --tag as tags to set.
func tagChanges(words []string) (map[string]*string, error) {
	values, err := keyValues("--tag", words)
	changes := make(map[string]*string, len(values))
	for key, value := range values {
		changes[key] = &value
	}
	return changes, err
}

func (c *command) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of this program",
		Example: "  atelier version",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return c.emit(map[string]string{"version": c.hooks.Version}, func() table {
				return table{rows: [][]string{{"atelier " + c.hooks.Version}}}
			})
		},
	}
}

// runnerCommand passes everything on: the runner reads its own arguments.
func (c *command) runnerCommand() *cobra.Command {
	return &cobra.Command{
		Use:                "runner --dir DIR",
		Short:              "Run one task (the server starts this)",
		Hidden:             true,
		DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error {
			if c.hooks.Runner == nil {
				return atelier.Errorf(atelier.NotImplemented, "This program contains no runner.")
			}
			c.passedOn = c.hooks.Runner(args, c.st.Stdout, c.st.Stderr)
			return nil
		},
	}
}
