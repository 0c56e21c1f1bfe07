package endpoint

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"
)

// The router and a scoring worker exchange frames: two big-endian 32-bit
// lengths, then a JSON header of the first length and a body of the second. A
// connection carries one request after another. An answer whose header says
// "stream" is followed by more frames, each with a part of the body, until one
// whose header says "end". The other end of this contract is
// sdk/python/src/atelier_serving/frames.py.

const (
	maxFrameHeader = 1 << 20
	// maxResponse bounds what a model may answer.
	maxResponse = 256 << 20
)

// scoreRequest is the header of a request's frame.
type scoreRequest struct {
	Method    string            `json:"method"`
	Path      string            `json:"path"`
	Query     string            `json:"query"`
	Headers   map[string]string `json:"headers"`
	TimeoutMS int               `json:"timeout_ms"`
	RequestID string            `json:"request_id"`
	// Stream says that the answer may come in parts.
	Stream bool `json:"stream,omitempty"`
}

// scoreResponse is the header of a response's frame.
type scoreResponse struct {
	Status    int         `json:"status"`
	Headers   [][2]string `json:"headers"`
	ElapsedMS float64     `json:"elapsed_ms"`
	// TimedOut is true when the worker ended the call because of TimeoutMS.
	TimedOut bool `json:"timed_out"`
	PID      int  `json:"pid"` // the process that answered
	// Stream is true when the body follows in parts, and End after the last.
	Stream bool `json:"stream"`
	End    bool `json:"end"`
}

// workerConn is a connection to a worker's socket.
type workerConn struct {
	net.Conn
	reader *bufio.Reader
}

func newWorkerConn(raw net.Conn) *workerConn {
	return &workerConn{Conn: raw, reader: bufio.NewReaderSize(raw, 32<<10)}
}

// send writes one request.
func (c *workerConn) send(header scoreRequest, body []byte) error {
	text, err := json.Marshal(header)
	if err != nil {
		return err
	}
	head := make([]byte, 8, 8+len(text))
	binary.BigEndian.PutUint32(head, uint32(len(text)))
	binary.BigEndian.PutUint32(head[4:], uint32(len(body)))
	frame := net.Buffers{append(head, text...), body}
	_, err = frame.WriteTo(c.Conn)
	return err
}

// receive reads one response.
func (c *workerConn) receive() (scoreResponse, []byte, error) {
	var header scoreResponse
	var head [8]byte
	if _, err := io.ReadFull(c.reader, head[:]); err != nil {
		return header, nil, err
	}
	headerSize, bodySize := binary.BigEndian.Uint32(head[:]), binary.BigEndian.Uint32(head[4:])
	if headerSize > maxFrameHeader || bodySize > maxResponse {
		return header, nil, fmt.Errorf("the worker's answer is too large: %d and %d bytes", headerSize, bodySize)
	}
	text := make([]byte, headerSize)
	if _, err := io.ReadFull(c.reader, text); err != nil {
		return header, nil, unexpected(err)
	}
	body := make([]byte, bodySize)
	if _, err := io.ReadFull(c.reader, body); err != nil {
		return header, nil, unexpected(err)
	}
	return header, body, json.Unmarshal(text, &header)
}

// giveUp tells the worker, and whoever reads its answer, that nobody waits for it any
// more. A call that has not begun is not made then; one that has goes on to its end.
func (c *workerConn) giveUp() {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
	c.SetReadDeadline(time.Unix(1, 0))
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// stale reports whether the worker has closed an idle connection, so that a
// request is not sent into the void after the worker was restarted.
func (c *workerConn) stale() bool {
	system, ok := c.Conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := system.SyscallConn()
	if err != nil {
		return true
	}
	alive := false
	err = raw.Read(func(fd uintptr) bool {
		var one [1]byte
		_, _, peekErr := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		alive = errors.Is(peekErr, syscall.EAGAIN)
		return true
	})
	return err != nil || !alive
}

// Healthy asks the worker, over a connection of its own, whether it is well. It
// returns the process that answered.
func Healthy(raw net.Conn, deadline time.Time) (pid int, err error) {
	defer raw.Close()
	raw.SetDeadline(deadline)
	conn := newWorkerConn(raw)
	if err := conn.send(scoreRequest{Method: "GET", Path: "/", Headers: map[string]string{}}, nil); err != nil {
		return 0, err
	}
	header, _, err := conn.receive()
	if err == nil && header.Status != 200 {
		err = fmt.Errorf("the worker's health is %d", header.Status)
	}
	return header.PID, err
}
