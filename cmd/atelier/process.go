package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/mattn/go-isatty"

	"github.com/atelier-ml/atelier/internal/cli"
	"github.com/atelier-ml/atelier/internal/clock"
)

// process is the world of this process, for the command line.
func process() *cli.State {
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	configDir, err := os.UserConfigDir()
	if err == nil { // without a home there is no folder for tokens
		configDir = filepath.Join(configDir, "atelier")
	}
	return &cli.State{
		Args: os.Args[1:], Env: environment(), Dir: dir,
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		StdinTerminal:  isatty.IsTerminal(os.Stdin.Fd()),
		StdoutTerminal: isatty.IsTerminal(os.Stdout.Fd()),
		StderrTerminal: isatty.IsTerminal(os.Stderr.Fd()),
		ConfigDir:      configDir,
		Clock:          clock.System{},
		OpenBrowser:    openBrowser,
	}
}

func environment() map[string]string {
	variables := map[string]string{}
	for _, line := range os.Environ() {
		if name, value, ok := strings.Cut(line, "="); ok {
			variables[name] = value
		}
	}
	return variables
}

// openBrowser shows an address with the program that the desktop has for it.
func openBrowser(address string) error {
	switch runtime.GOOS {
	case "darwin":
		return exec.Command("open", address).Start()
	case "linux":
		return exec.Command("xdg-open", address).Start()
	}
	return errors.New("no browser is known on this system")
}
