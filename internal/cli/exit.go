package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/atelier-ml/atelier"
)

// exitJob is how a command ends that waited for a job which ended badly.
const exitJob = 10

// exitDiffers is how a command ends that compared two jobs which do not agree.
const exitDiffers = 11

// exitInterrupted is the shell's own number for a command stopped by Ctrl-C.
const exitInterrupted = 130

// exitCode is the command line's table from the kind of a failure to the number
// that a script sees.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	var ended jobEnded
	if errors.As(err, &ended) {
		if ended.differs {
			return exitDiffers
		}
		return exitJob
	}
	if errors.Is(err, context.Canceled) {
		return exitInterrupted
	}
	switch atelier.CodeOf(err) {
	case atelier.Invalid:
		return 2
	case atelier.Unauthenticated, atelier.Forbidden:
		return 3
	case atelier.NotFound:
		return 4
	case atelier.Conflict, atelier.Precondition:
		return 5
	case atelier.Exhausted:
		return 6
	case atelier.Unavailable:
		return 7
	case atelier.NotImplemented:
		return 8
	default:
		return 1
	}
}

// exitHelp is the table above for people, in the help of the root command.
const exitHelp = `Exit codes:
  0   done
  1   a fault of ours: the server's log says more
  2   the request is not valid: a wrong flag, file or value
  3   not signed in, or not allowed
  4   no such thing
  5   the name is taken, or the thing is not in a state that allows this
  6   a limit is used up
  7   the server is away
  8   not offered
  10  the job ended badly
  11  the two jobs do not agree
  130 stopped by Ctrl-C`

// jobEnded says that the job which a command waited for did not complete, or
// differs from what it was compared with. The command has printed what happened
// already.
type jobEnded struct {
	status  string
	differs bool
}

func (e jobEnded) Error() string { return "The job ended as " + e.status + "." }

// report prints err for people: what went wrong, then what to do. It is silent
// about what the command has said itself.
func (st *State) report(err error) {
	var ended jobEnded
	if err == nil || errors.As(err, &ended) || errors.Is(err, context.Canceled) {
		return
	}
	var known *atelier.Error
	if !errors.As(err, &known) {
		fmt.Fprintf(st.Stderr, "atelier: %s\n", strings.TrimSpace(err.Error()))
		return
	}
	text := known.Message
	if known.Field != "" {
		text = known.Field + ": " + text
	}
	if known.Hint != "" {
		text += separator(text) + known.Hint
	}
	fmt.Fprintf(st.Stderr, "atelier: %s\n", harmless(st.short(text)))
}

// harmless puts a sign for what a terminal would do and not print: a message may
// hold the name of a file from somebody else.
func harmless(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return '\uFFFD'
		}
		return r
	}, text)
}

// separator is what stands between a message and its hint.
func separator(message string) string {
	switch {
	case strings.Contains(message, "\n"):
		return "\n"
	case strings.ContainsAny(message[max(0, len(message)-1):], ".?!"):
		return " "
	}
	return ". "
}

// short names files below the working folder as the user would.
func (st *State) short(text string) string {
	if len(st.Dir) < 2 {
		return text
	}
	return strings.ReplaceAll(text, filepath.ToSlash(st.Dir)+"/", "")
}
