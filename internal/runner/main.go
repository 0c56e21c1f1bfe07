package runner

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/compute/process"
)

// lockTries bounds the wait for another runner of the same task to end.
const lockTries = 20

// Main runs `atelier runner` and returns the exit code of the process: 0 once
// the server knows everything, whatever became of the command.
func Main(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("atelier runner", flag.ContinueOnError)
	flags.SetOutput(stderr)
	dir := flags.String("dir", "", "the task's folder, prepared by the server")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if *dir == "" || flags.NArg() > 0 {
		fmt.Fprintln(stderr, "The server starts runners by itself; it passes --dir FOLDER.")
		return 2
	}
	if err := runTask(*dir, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

func runTask(dir string, stdout, stderr io.Writer) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	// Taken and dropped, not ignored: what is ignored stays so in the command.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP, syscall.SIGINT)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	lock, err := takeLock(filepath.Join(dir, compute.LockFile))
	if lock == nil {
		return err // another runner works on this task, or the folder is gone
	}
	defer lock.Close()
	if err := process.AdoptOrphans(); err != nil {
		return err
	}
	r, err := open(dir, stderr)
	if err != nil {
		return err
	}
	defer r.close()
	if _, err := io.WriteString(stdout, compute.RunnerReady); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	go func() {
		<-stop
		cancel(errCanceled)
	}()
	if r.task.Kind == compute.Build {
		return r.build(ctx)
	}
	return r.run(ctx, cancel)
}

// takeLock returns nil and no error when another runner holds the lock.
func takeLock(path string) (*os.File, error) {
	for range lockTries {
		file, held, err := process.Lock(path)
		if held || err != nil {
			return file, err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, nil
}

func open(dir string, stderr io.Writer) (*runner, error) {
	content, err := os.ReadFile(filepath.Join(dir, compute.TaskFile))
	if err != nil {
		return nil, err
	}
	r := &runner{dir: dir, came: make(chan struct{}, 1)}
	if err := json.Unmarshal(content, &r.task); err != nil {
		return nil, fmt.Errorf("read %s: %w", compute.TaskFile, err)
	}
	if r.plainDir, r.linkDir, err = plainPath(dir); err != nil {
		return nil, err
	}
	if r.journal, err = openJournal(filepath.Join(dir, "journal")); err != nil {
		return nil, err
	}
	if r.queue, err = openQueue(dir); err != nil {
		return nil, err
	}
	if r.streams, err = openStreams(filepath.Join(dir, "logs"), r.task.Distribution.Processes()); err != nil {
		return nil, err
	}
	words := io.MultiWriter(masked{stderr, r}, r.streams.runner)
	r.log = slog.New(slog.NewTextHandler(words, nil))
	r.server = newServer(r.task, dir, r.log)
	return r, nil
}

func (r *runner) close() error {
	if r.linkDir != "" {
		os.RemoveAll(r.linkDir) // removes the link, not what it leads to
	}
	if r.ready != nil {
		r.ready.Release()
	}
	return errors.Join(r.journal.close(), r.queue.close(), r.streams.close())
}
