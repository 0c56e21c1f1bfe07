package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// idle is after how long a connection is not used again: servers close those that
// are silent for some seconds.
const idle = time.Second

// wire sends requests over connections that stay open, each by whoever has one to
// send. net/http's own transport would hand it to two goroutines and back, which
// on a machine that client and server share costs a quick server a third of its
// rate, and a slow one nothing.
type wire struct {
	address string

	mu   sync.Mutex
	free []*connection
}

type connection struct {
	net.Conn
	reader *bufio.Reader
	writer *bufio.Writer
	used   time.Time
}

// RoundTrip sends a request. The connection is free again when the answer's body
// was read to its end and closed.
func (w *wire) RoundTrip(request *http.Request) (*http.Response, error) {
	c, err := w.take(request.Context())
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(request.Context(), func() { c.Close() })
	answer, err := c.send(request)
	if err != nil {
		stop()
		return nil, errors.Join(err, request.Context().Err(), c.Close())
	}
	answer.Body = &answerBody{ReadCloser: answer.Body, done: func(whole bool) error {
		if whole && stop() && !answer.Close {
			w.giveBack(c)
			return nil
		}
		return c.Close()
	}}
	return answer, nil
}

func (w *wire) take(ctx context.Context) (*connection, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.free) > 0 {
		last := len(w.free) - 1
		c := w.free[last]
		w.free = w.free[:last]
		if time.Since(c.used) < idle {
			return c, nil
		}
		c.Close()
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", w.address)
	if err != nil {
		return nil, err
	}
	return &connection{Conn: conn, reader: bufio.NewReader(conn), writer: bufio.NewWriter(conn)}, nil
}

func (w *wire) giveBack(c *connection) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.used = time.Now()
	w.free = append(w.free, c)
}

// close closes the connections that nobody uses.
func (w *wire) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.free {
		c.Close()
	}
	w.free = nil
}

func (c *connection) send(request *http.Request) (*http.Response, error) {
	if err := request.Write(c.writer); err != nil {
		return nil, err
	}
	if err := c.writer.Flush(); err != nil {
		return nil, err
	}
	return http.ReadResponse(c.reader, request)
}

// answerBody tells, when it is closed, whether it was read to its end.
type answerBody struct {
	io.ReadCloser
	whole bool
	done  func(whole bool) error
}

func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.whole = b.whole || err == io.EOF
	return n, err
}

// Close reads the little that may be left: whoever decodes stops before the end.
func (b *answerBody) Close() error {
	if !b.whole {
		_, err := io.CopyN(io.Discard, b.ReadCloser, 4096)
		b.whole = err == io.EOF
	}
	return b.done(b.whole)
}
