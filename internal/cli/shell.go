package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/coder/websocket"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/compute"
)

const jobShellLong = `Open a shell in a running job: in its folder, with its environment, its variables
and its GPUs. It ends when you leave it, and with the job at the latest.

A command after "--" runs there in place of a shell, and its exit code is passed on.
The shell is for whoever submitted the job, and for owners and contributors of the
workspace.`

func (c *command) jobShell() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "shell NAME [-- COMMAND...]",
		Aliases: []string{"connect-ssh"}, // Azure's word
		Short:   "Open a shell in a running job",
		Long:    jobShellLong,
		Example: "  atelier job shell calm-heron-412\n  atelier job shell calm-heron-412 -- nvidia-smi",
	}
	name := named(cmd, "job")
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var line []string
		if at := cmd.ArgsLenAtDash(); at >= 0 {
			args, line = args[:at], args[at:]
		}
		if err := atMostOne(cmd, args); err != nil {
			return err
		}
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error { return c.shell(cmd.Context(), api, which, strings.Join(line, " ")) })
	}
	return cmd
}

// shell connects the user's terminal with a shell in a job until that ends.
func (c *command) shell(ctx context.Context, api *client.Client, job, line string) error {
	ask := client.Shell{Command: line, Terminal: c.st.Env["TERM"], Size: c.size()}
	conn, err := api.OpenShell(ctx, job, ask)
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if file, ok := c.st.Stdin.(*os.File); ok && c.st.StdinTerminal {
		before, err := term.MakeRaw(int(file.Fd()))
		if err != nil {
			return err
		}
		defer term.Restore(int(file.Fd()), before)
		go c.tellSize(ctx, conn)
	}
	go typeInto(ctx, conn, c.st.Stdin)
	for {
		kind, message, err := conn.Read(ctx)
		if err != nil {
			return shellBroke(ctx, err)
		}
		if kind == websocket.MessageBinary {
			if _, err := c.st.Stdout.Write(message); err != nil {
				return err
			}
			continue
		}
		var end compute.ShellEnd
		if err := json.Unmarshal(message, &end); err != nil {
			return err
		}
		c.passedOn = end.ExitCode
		return nil
	}
}

// shellBroke is why a shell ended without saying how: the job has, mostly.
func shellBroke(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if close := (websocket.CloseError{}); errors.As(err, &close) && close.Reason != "" {
		return errors.New(close.Reason)
	}
	return errors.New("the shell was closed; the job may have ended")
}

// endOfInput is what a terminal sends when somebody presses Control and D.
const endOfInput = "\x04"

// typeInto sends what the user types, and its end.
func typeInto(ctx context.Context, conn *websocket.Conn, keys io.Reader) {
	piece := make([]byte, 32<<10)
	for {
		n, err := keys.Read(piece)
		if n > 0 && conn.Write(ctx, websocket.MessageBinary, piece[:n]) != nil {
			return
		}
		if err != nil {
			conn.Write(ctx, websocket.MessageBinary, []byte(endOfInput))
			return
		}
	}
}

// size is that of the user's terminal; zero where there is none.
func (c *command) size() compute.ShellSize {
	file, ok := c.st.Stdout.(*os.File)
	if !ok || !c.st.StdoutTerminal {
		return compute.ShellSize{}
	}
	columns, rows, err := term.GetSize(int(file.Fd()))
	if err != nil || columns < 1 || rows < 1 || columns > 1<<15 || rows > 1<<15 {
		return compute.ShellSize{}
	}
	return compute.ShellSize{Rows: uint16(rows), Columns: uint16(columns)}
}

// tellSize tells the shell of every change of the terminal's size.
func (c *command) tellSize(ctx context.Context, conn *websocket.Conn) {
	changes := make(chan os.Signal, 1)
	signal.Notify(changes, syscall.SIGWINCH)
	defer signal.Stop(changes)
	for {
		select {
		case <-changes:
			text, _ := json.Marshal(c.size())
			conn.Write(ctx, websocket.MessageText, text)
		case <-ctx.Done():
			return
		}
	}
}
