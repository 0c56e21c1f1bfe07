package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/atelier-ml/atelier/internal/snapshot"
	"github.com/atelier-ml/atelier/test/bench/internal/timing"
)

// The code folder: as many files as one may have, of the size of a page of source.
const (
	files     = snapshot.MaxCodeFiles
	fileBytes = 8 << 10
)

// snapshot measures what a job's code folder costs that was uploaded before: reading
// it, and the whole command that submits it, beside one without code. The limits are
// asking the system for each file's size and time, and reading and hashing them all.
func (b bench) snapshot([]kind) error {
	code, err := b.codeFolder()
	if err != nil {
		return err
	}
	if err := b.call("POST", "/computes", `{"name": "closed", "type": "local"}`, nil); err != nil {
		return err
	}
	if err := b.call("POST", "/computes/closed/stop", "", nil); err != nil {
		return err
	}
	const body = "command: \"true\"\nenvironment: system\ncompute: closed\n"
	bare, whole := filepath.Join(b.dir, "bare.yml"), filepath.Join(b.dir, "whole.yml")
	for file, text := range map[string]string{bare: body, whole: body + "code: code\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return err
		}
	}
	if err := b.create(whole); err != nil { // uploads it
		return err
	}
	stat, err := timing.Repeat(b.rounds, func() error { return each(code, func(path string) error { _, err := os.Lstat(path); return err }) })
	if err != nil {
		return err
	}
	hash, err := timing.Repeat(b.rounds, func() error { return each(code, hashFile) })
	if err != nil {
		return err
	}
	read, err := timing.Repeat(b.rounds, func() error { _, err := snapshot.Code(context.Background(), code); return err })
	if err != nil {
		return err
	}
	without, with, err := b.inTurns(bare, whole)
	if err != nil {
		return err
	}
	report(fmt.Sprintf("the system asked about %d files", files), stat, nil)
	report(fmt.Sprintf("%d files of %d KiB hashed on one processor", files, fileBytes>>10), hash, nil)
	report("snapshot of them read", read, hash)
	report("atelier job create without code", without, nil)
	report("atelier job create with them, unchanged", with, without)
	fmt.Printf("%-58s %8.1f ms\n", "so the snapshot takes, with asking what the server has", timing.Milliseconds(with.Median()-without.Median()))
	return nil
}

func (b bench) inTurns(bare, whole string) (without, with timing.Times, err error) {
	var times [2][]time.Duration
	for range b.rounds {
		for i, file := range []string{bare, whole} {
			began := time.Now()
			if err := b.create(file); err != nil {
				return nil, nil, err
			}
			times[i] = append(times[i], time.Since(began))
		}
	}
	return timing.Sorted(times[0]), timing.Sorted(times[1]), nil
}

// create submits a job as people do.
func (b bench) create(file string) error {
	command := exec.Command(b.bin, "job", "create", "--file", file)
	command.Env = append(os.Environ(), "ATELIER_SERVER="+b.URL, "ATELIER_TOKEN="+b.Token, "XDG_CONFIG_HOME="+filepath.Join(b.dir, "config"))
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, said)
	}
	return nil
}

// codeFolder makes the files, in folders of a hundred.
func (b bench) codeFolder() (string, error) {
	code := filepath.Join(b.dir, "code")
	random := rand.NewChaCha8([32]byte{1})
	for i := range files {
		folder := filepath.Join(code, fmt.Sprintf("part-%02d", i/100))
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return "", err
		}
		content := make([]byte, fileBytes/2)
		random.Read(content)
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("file-%04d.py", i)), fmt.Appendf(nil, "%x", content), 0o600); err != nil {
			return "", err
		}
	}
	return code, nil
}

func each(code string, do func(path string) error) error {
	found, err := filepath.Glob(filepath.Join(code, "*", "*"))
	for _, path := range found {
		if err := do(path); err != nil {
			return err
		}
	}
	return err
}

func hashFile(path string) error {
	content, err := os.ReadFile(path)
	if sum := sha256.Sum256(content); bytes.Equal(sum[:], nil) {
		return fmt.Errorf("%s has no hash", path)
	}
	return err
}
