package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"path"
)

const mebibyte = 1 << 20

func artifactScenarios() []scenario {
	return []scenario{
		{"upload-1mib", "MiB", uploads(4, func(target) int64 { return mebibyte })},
		{"download-1mib", "MiB", downloads(4, func(target) int64 { return mebibyte })},
		{"list-artifacts", "calls", listArtifacts},
		{"upload-big", "MiB", uploads(1, func(t target) int64 { return t.big })},
		{"download-big", "MiB", downloads(1, func(t target) int64 { return t.big })},
	}
}

// noise is bytes that cannot be compressed, from which every file is made.
var noise = func() []byte {
	source := rand.NewChaCha8([32]byte{1})
	text := make([]byte, 4*mebibyte)
	source.Read(text)
	return text
}()

// file gives the content of a file: no two numbers give the same.
func file(number, size int64) io.Reader {
	head := fmt.Sprintf("%32d", number)
	return io.LimitReader(io.MultiReader(bytes.NewReader([]byte(head)), &loop{}), size)
}

// loop repeats the noise without end.
type loop struct{ at int }

func (l *loop) Read(p []byte) (int, error) {
	n := copy(p, noise[l.at:])
	l.at = (l.at + n) % len(noise)
	return n, nil
}

// WriteTo hands the noise over in long pieces.
func (l *loop) WriteTo(w io.Writer) (int64, error) {
	for sum := int64(0); ; {
		n, err := w.Write(noise)
		sum += int64(n)
		if err != nil {
			return sum, err
		}
	}
}

// holder is a run with a place for files.
func (b *bench) holder(ctx context.Context) (run string, place string, err error) {
	experiment, err := b.experiment(ctx)
	if err != nil {
		return "", "", err
	}
	made, err := b.client.createRun(ctx, experiment)
	if err != nil {
		return "", "", err
	}
	place, err = made.artifacts()
	return made.Info.ID, place, err
}

func (c *client) upload(ctx context.Context, place string, number, size int64) error {
	answer, err := c.send(ctx, "PUT", place, file(number, size), size)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

func (c *client) download(ctx context.Context, place string, size int64, to io.Writer) error {
	answer, err := c.send(ctx, "GET", place, nil, 0)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	got, err := io.CopyBuffer(struct{ io.Writer }{to}, answer.Body, make([]byte, 256<<10))
	if err == nil && got != size {
		err = fmt.Errorf("%d bytes came instead of %d", got, size)
	}
	return err
}

func fileName(client, number int) string { return fmt.Sprintf("file-%d-%d.bin", client, number) }

// bigTimes is how often a big file is sent each way.
const bigTimes = 2

// times bounds how often big files are sent; small ones go on until time is up.
func times(size int64) int {
	if size > mebibyte {
		return bigTimes
	}
	return 0
}

func uploads(clients int, size func(target) int64) measure {
	return func(ctx context.Context, b *bench) (result, error) {
		bytes := size(b.target)
		id, place, err := b.holder(ctx)
		if err != nil {
			return result{}, err
		}
		r, err := b.drive(ctx, load{clients: clients, most: times(bytes), do: func(ctx context.Context, c *caller) error {
			name := fileName(c.number, c.done)
			number := int64(c.done*clients + c.number)
			return c.timed(int(bytes/mebibyte), func() error { return b.client.upload(ctx, place+name, number, bytes) })
		}})
		if err != nil {
			return r, err
		}
		return r, b.checkFiles(ctx, r, id, place, bytes)
	}
}

// checkFiles looks whether every file is listed with its size, and whether the
// first is what was sent.
func (b *bench) checkFiles(ctx context.Context, r result, id, place string, size int64) error {
	var listed struct {
		Files []struct {
			Path string `json:"path"`
			Size int64  `json:"file_size"`
		} `json:"files"`
	}
	if err := b.client.get(ctx, api+"artifacts/list", url.Values{"run_id": {id}}, &listed); err != nil {
		return err
	}
	sizes := map[string]int64{}
	for _, f := range listed.Files {
		sizes[path.Base(f.Path)] = f.Size
	}
	for _, c := range r.callers {
		for i := range c.done {
			if got := sizes[fileName(c.number, i)]; got != size {
				return fmt.Errorf("%s has %d bytes instead of %d", fileName(c.number, i), got, size)
			}
		}
	}
	return b.checkContent(ctx, place+fileName(0, 0), 0, size)
}

func (b *bench) checkContent(ctx context.Context, place string, number, size int64) error {
	sent, got := sha256.New(), sha256.New()
	if _, err := io.Copy(sent, file(number, size)); err != nil {
		return err
	}
	if err := b.client.download(ctx, place, size, got); err != nil {
		return err
	}
	if !bytes.Equal(sent.Sum(nil), got.Sum(nil)) {
		return fmt.Errorf("%s has other bytes than were sent", place)
	}
	return nil
}

func downloads(clients int, size func(target) int64) measure {
	return func(ctx context.Context, b *bench) (result, error) {
		bytes := size(b.target)
		_, place, err := b.holder(ctx)
		if err != nil {
			return result{}, err
		}
		if err := b.client.upload(ctx, place+"file.bin", 1, bytes); err != nil {
			return result{}, err
		}
		r, err := b.drive(ctx, load{clients: clients, most: times(bytes), do: func(ctx context.Context, c *caller) error {
			return c.timed(int(bytes/mebibyte), func() error { return b.client.download(ctx, place+"file.bin", bytes, io.Discard) })
		}})
		if err != nil || bytes > mebibyte { // that of a big file was looked at when it was sent
			return r, err
		}
		return r, b.checkContent(ctx, place+"file.bin", 1, bytes)
	}
}

// listed is how many files the folder has that is listed.
const listed = 20

func listArtifacts(ctx context.Context, b *bench) (result, error) {
	id, place, err := b.holder(ctx)
	if err != nil {
		return result{}, err
	}
	for i := range listed {
		if err := b.client.upload(ctx, place+fileName(0, i), int64(i), 100); err != nil {
			return result{}, err
		}
	}
	query := url.Values{"run_id": {id}}
	var all struct{ Files []struct{} }
	if err := b.client.get(ctx, api+"artifacts/list", query, &all); err != nil || len(all.Files) != listed {
		return result{}, fmt.Errorf("%d files are listed instead of %d: %v", len(all.Files), listed, err)
	}
	return b.drive(ctx, load{clients: 1, do: func(ctx context.Context, c *caller) error {
		return c.timed(1, func() error { return b.client.get(ctx, api+"artifacts/list", query, nil) })
	}})
}
