package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/atelier-ml/atelier"

	"github.com/atelier-ml/atelier/internal/client"
)

// address is where the server listens, known once it does.
type address struct{ value atomic.Value }

func (a *address) url() string {
	text, _ := a.value.Load().(string)
	return text
}

// welcome is what the first start has to say.
type welcome struct {
	token, code string
}

// openFolder makes the data folder and locks it: one server works on it, no two.
func (a *App) openFolder() error {
	dir := a.config.DataDir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return atelier.Errorf(atelier.Invalid, "The data folder %s cannot be made: %w", dir, reason(err)).
			WithHint("Choose one that you may write to with --data-dir.")
	}
	lock, err := os.OpenFile(a.path("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return atelier.Errorf(atelier.Invalid, "The data folder %s cannot be written to: %w", dir, reason(err)).
			WithHint("Choose one that you may write to with --data-dir.")
	}
	if err := takeLock(lock); err != nil {
		holder, _ := os.ReadFile(a.path("lock"))
		lock.Close()
		return atelier.Errorf(atelier.Conflict, "Another Atelier server (process %s) works on the data folder %s.",
			strings.TrimSpace(string(holder)), dir).WithHint("Stop it, or choose another folder with --data-dir.")
	}
	a.onClose(lock.Close)
	return errors.Join(lock.Truncate(0), writeAt(lock, strconv.Itoa(os.Getpid())))
}

// takeLock tries for a moment: a server that was killed while it started a
// runner shares its lock with the runner until that has come up.
func takeLock(lock *os.File) error {
	var err error
	for range 40 {
		if err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
			return nil
		}
		time.Sleep(25 * time.Millisecond)
	}
	return err
}

func writeAt(file *os.File, text string) error {
	_, err := file.WriteAt([]byte(text), 0)
	return err
}

// reason is the part of a file error that is not the path again.
func reason(err error) error {
	if at := (*os.PathError)(nil); errors.As(err, &at) {
		return at.Err
	}
	return err
}

func (a *App) listen() error {
	host := a.config.Host
	if host == "" {
		host = "127.0.0.1"
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(a.config.Port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return atelier.Errorf(atelier.Conflict, "Port %d on %s is in use, perhaps by another Atelier server.", a.config.Port, host).
			WithHint("Stop what uses it, or choose another port with --port.")
	}
	if err != nil {
		return atelier.Errorf(atelier.Invalid, "The server cannot listen on %s, port %d: %w", host, a.config.Port, err).
			WithHint("Choose an address of this machine with --host and a free port with --port.")
	}
	a.listener = listener
	a.onClose(func() error {
		if err := listener.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	a.address.value.Store("http://" + net.JoinHostPort(shownHost(host), strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)))
	return nil
}

// shownHost is the name under which this machine reaches a server that listens
// on every address.
func shownHost(host string) string {
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		return "127.0.0.1"
	}
	return host
}

// announce tells runners and people where the server is.
func (a *App) announce() error {
	if err := a.writeServerFile(); err != nil {
		return err
	}
	commandLine := "The command line on this machine is signed in already."
	if a.welcome.token != "" && a.config.SaveToken != nil {
		if err := a.config.SaveToken(a.URL(), a.welcome.token); err != nil {
			a.log.Warn("the owner's token could not be kept for the command line", "error", err)
			commandLine = "The command line is not signed in, because its token could not be kept. Make that\nfolder writable and start again."
		}
	}
	if a.config.Stdout == nil {
		return nil
	}
	storage := "SQLite"
	if a.config.Database != "" {
		storage = "PostgreSQL"
	}
	if a.config.Storage != "" {
		storage += ", files in S3"
	}
	fmt.Fprintf(a.config.Stdout, "Atelier %s is ready at %s\n", Version, a.URL())
	fmt.Fprintf(a.config.Stdout, "  data       %s (%s)\n  workspace  default\n", a.config.DataDir, storage)
	if a.welcome.code != "" {
		fmt.Fprintf(a.config.Stdout, "\nSign in to the Studio with this link. It works once, within the next hour:\n  %s/sign-in?code=%s\n",
			a.URL(), a.welcome.code)
		fmt.Fprintf(a.config.Stdout, "\n%s\n", commandLine)
	} else {
		fmt.Fprint(a.config.Stdout, "\nOpen the Studio with a link from `atelier sign-in-link`.\n")
	}
	if a.URL() != client.DefaultServer {
		fmt.Fprintf(a.config.Stdout, "The command line and the SDK find this server with\n  export ATELIER_SERVER=%s\n", a.URL())
	}
	return nil
}

// writeServerFile tells runners, which outlive the server, where it is now.
func (a *App) writeServerFile() error {
	text, err := json.Marshal(map[string]any{"url": a.URL(), "pid": os.Getpid()})
	if err != nil {
		return err
	}
	temporary := a.path("server.json.new")
	if err := os.WriteFile(temporary, text, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, a.path("server.json"))
}
