package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/atelier-ml/atelier/test/bench/internal/timing"
)

// limits is what the machine itself can do, measured in the same run.
type limits struct {
	sync      time.Duration // write 4 KiB and make it durable
	roundTrip time.Duration // an empty HTTP request over the loopback
	disk      float64       // write a big file and make it durable, MiB/s
	loopback  float64       // send a big file over a connection, MiB/s
	hash      float64       // SHA-256 on one processor, MiB/s
}

func (l limits) String() string {
	return fmt.Sprintf("fdatasync of 4 KiB %.2f ms (%.0f/s), HTTP round trip %.3f ms (%.0f/s), file written and synced %.0f MiB/s, file over the loopback %.0f MiB/s, SHA-256 %.0f MiB/s",
		timing.Milliseconds(l.sync), 1/l.sync.Seconds(), timing.Milliseconds(l.roundTrip), 1/l.roundTrip.Seconds(), l.disk, l.loopback, l.hash)
}

func measureLimits(ctx context.Context, folder string) (limits, error) {
	var l limits
	var err error
	if l.sync, err = measureSync(folder); err != nil {
		return l, err
	}
	if l.roundTrip, err = measureRoundTrip(ctx); err != nil {
		return l, err
	}
	big := filepath.Join(folder, "big")
	defer os.Remove(big)
	if l.disk, err = measureDisk(big); err != nil {
		return l, err
	}
	if l.loopback, err = measureLoopback(big); err != nil {
		return l, err
	}
	l.hash, err = speed(limitSize, func() error {
		_, err := io.Copy(sha256.New(), file(0, limitSize))
		return err
	})
	return l, err
}

// limitSize is how long the file is that limits are measured with.
const limitSize = 1 << 30

func speed(size int64, do func() error) (float64, error) {
	began := time.Now()
	err := do()
	return float64(size) / mebibyte / time.Since(began).Seconds(), err
}

func measureSync(folder string) (time.Duration, error) {
	f, err := os.CreateTemp(folder, "sync-")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	times, err := timing.Repeat(500, func() error {
		if _, err := f.Write(noise[:4096]); err != nil {
			return err
		}
		return syscall.Fdatasync(int(f.Fd()))
	})
	return times.Median(), err
}

func measureRoundTrip(ctx context.Context) (time.Duration, error) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	c := newClient(server.URL, "")
	times, err := timing.Repeat(5000, func() error { return c.get(ctx, "/", nil, nil) })
	return times.Median(), err
}

func measureDisk(name string) (float64, error) {
	f, err := os.Create(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return speed(limitSize, func() error {
		for at := 0; at < limitSize; at += mebibyte {
			if _, err := f.Write(noise[at%len(noise):][:mebibyte]); err != nil {
				return err
			}
		}
		return f.Sync()
	})
}

// measureLoopback sends the file, which is in memory now, as fast as the kernel can.
func measureLoopback(name string) (float64, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	sent := make(chan error, 1)
	go func() { sent <- sendFile(listener, name) }()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	rate, err := speed(limitSize, func() error {
		_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, conn, make([]byte, 256<<10))
		return err
	})
	if err != nil {
		return 0, err
	}
	return rate, <-sent
}

func sendFile(listener net.Listener, name string) error {
	conn, err := listener.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(conn, f)
	return err
}
