package runner

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/coder/websocket"
	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/atelier-ml/atelier/internal/compute"
)

// maxKeys bounds one message of what somebody types or pastes.
const maxKeys = 1 << 20

// shell gives a terminal in the command's place, with the command's own variables.
// It ends when the shell does, when its user leaves, or with the command.
func (d *door) shell(w http.ResponseWriter, req *http.Request) {
	conn, err := websocket.Accept(w, req, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return
	}
	defer conn.CloseNow()
	conn.SetReadLimit(maxKeys)
	words := []string{"-i"}
	if line := req.URL.Query().Get("command"); line != "" {
		words = []string{"-c", line}
	}
	cmd := exec.Command(shell(), words...)
	cmd.Dir = d.place.code
	cmd.Env = append(d.r.variables(d.place), "TERM="+terminal(req.URL.Query().Get("term")))
	screen, err := openTerminal(cmd, sizeOf(req))
	if err != nil {
		conn.Close(websocket.StatusInternalError, "the shell could not be started: "+err.Error())
		return
	}
	d.r.kept.add(cmd.Process.Pid)
	d.r.log.Info("somebody opened a shell", "pid", cmd.Process.Pid)
	code := converse(req.Context(), &screenReader{screen: screen, hidden: redactor{patterns: d.r.patterns.Load()}}, conn, cmd)
	d.r.kept.remove(cmd.Process.Pid)
	text, _ := json.Marshal(compute.ShellEnd{ExitCode: code})
	conn.Write(context.WithoutCancel(req.Context()), websocket.MessageText, text)
	conn.Close(websocket.StatusNormalClosure, "")
}

// openTerminal starts cmd in a terminal of its own, whose other end it returns. Reads
// of it can be given a deadline, which those of the library cannot.
func openTerminal(cmd *exec.Cmd, size *pty.Winsize) (*os.File, error) {
	blocking, err := pty.StartWithSize(cmd, size)
	if err != nil {
		return nil, err
	}
	defer blocking.Close()
	fd, err := unix.FcntlInt(blocking.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	return os.NewFile(uintptr(fd), "terminal"), err
}

// resize tells a terminal its size.
func resize(screen *os.File, size compute.ShellSize) {
	raw, err := screen.SyscallConn()
	if err == nil {
		raw.Control(func(fd uintptr) {
			unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: size.Rows, Col: size.Columns})
		})
	}
}

// terminal is the kind of the user's terminal, as far as it can be one.
func terminal(kind string) string {
	for _, c := range kind {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '+' {
			return "xterm"
		}
	}
	if kind == "" || len(kind) > 40 {
		return "xterm"
	}
	return kind
}

func sizeOf(req *http.Request) *pty.Winsize {
	number := func(name string, usual uint16) uint16 {
		n, err := strconv.ParseUint(req.URL.Query().Get(name), 10, 16)
		if err != nil || n == 0 {
			return usual
		}
		return uint16(n)
	}
	return &pty.Winsize{Rows: number("rows", 24), Cols: number("columns", 80)}
}

const (
	// lastWords is how long what a shell printed may take to come after its end: what
	// it left running may keep the terminal open.
	lastWords = 200 * time.Millisecond
	// holdBack is how long what may be the beginning of a secret waits for its end.
	holdBack = 100 * time.Millisecond
	// hangUp is how long a shell may go on when its user is gone.
	hangUp = 2 * time.Second
)

// converse carries what is typed to the shell, and back what it prints, until it
// ends. It returns the shell's exit code.
func converse(ctx context.Context, reader *screenReader, conn *websocket.Conn, cmd *exec.Cmd) int {
	screen, ended := reader.screen, make(chan struct{})
	var printing sync.WaitGroup
	printing.Go(func() { reader.show(ctx, conn) })
	go func() {
		readKeys(ctx, conn, screen)
		for _, signal := range []syscall.Signal{syscall.SIGHUP, syscall.SIGKILL} {
			select {
			case <-ended: // the process may be another's by now
				return
			default:
				syscall.Kill(-cmd.Process.Pid, signal)
			}
			select {
			case <-ended:
			case <-time.After(hangUp):
			}
		}
	}()
	cmd.Wait() // what it returns is in ProcessState, unless somebody else collected the process
	close(ended)
	reader.end()
	printing.Wait()
	screen.Close()
	if cmd.ProcessState == nil {
		return 0
	}
	m := member{cmd: cmd}
	return m.exitCode()
}

// screenReader reads what a shell prints, without the task's secrets.
type screenReader struct {
	screen *os.File
	hidden redactor

	mu    sync.Mutex
	ended bool // the shell has
	last  bool // so has the time for what it printed
}

// show sends what the shell prints, to its end.
func (s *screenReader) show(ctx context.Context, conn *websocket.Conn) {
	piece := make([]byte, 32<<10)
	for over := false; !over; {
		n, err := s.screen.Read(piece)
		words := s.mask(piece[:n])
		if err != nil {
			words = append(words, s.pause()...)
		}
		if len(words) > 0 && conn.Write(ctx, websocket.MessageBinary, words) != nil {
			return
		}
		over = s.goOn(err)
	}
}

// goOn sets until when the next piece is waited for, and reports whether none is:
// err is what the last read said. What is kept back waits for a moment only, for
// somebody may be typing it.
func (s *screenReader) goOn(err error) (over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil && (s.last || !errors.Is(err, os.ErrDeadlineExceeded)):
		return true
	case s.last:
	case s.ended:
		s.last = true
		s.screen.SetReadDeadline(time.Now().Add(lastWords))
	case len(s.hidden.held) > 0:
		s.screen.SetReadDeadline(time.Now().Add(holdBack))
	default:
		s.screen.SetReadDeadline(time.Time{})
	}
	return false
}

// end has show come to an end.
func (s *screenReader) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.screen.SetReadDeadline(time.Now())
}

func (s *screenReader) mask(piece []byte) []byte {
	if s.hidden.patterns == nil {
		return piece
	}
	return s.hidden.push(piece)
}

func (s *screenReader) pause() []byte {
	if s.hidden.patterns == nil {
		return nil
	}
	return s.hidden.pause()
}

// readKeys gives the shell what is typed, and the terminal its size, until the user
// leaves.
func readKeys(ctx context.Context, conn *websocket.Conn, screen *os.File) {
	for {
		kind, message, err := conn.Read(ctx)
		if err != nil {
			return
		}
		if kind == websocket.MessageBinary {
			if _, err := screen.Write(message); err != nil && !errors.Is(err, syscall.EIO) {
				return
			}
			continue
		}
		var size compute.ShellSize
		if json.Unmarshal(message, &size) == nil && size.Rows > 0 && size.Columns > 0 {
			resize(screen, size)
		}
	}
}
