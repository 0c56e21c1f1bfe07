package endpoint

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/atelier-ml/atelier/internal/clock"
)

func packed(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestRouterUnpacksBodies(t *testing.T) {
	r := newRouted(t, RequestSettings{}, echo)
	whole := packed(t, "hello")
	for name, test := range map[string]struct {
		body, answer string
		status       int
	}{
		"good":          {whole, "hello", 200},
		"two in a row":  {whole + whole, "hellohello", 200},
		"at the limit":  {packed(t, strings.Repeat("x", 1000)), strings.Repeat("x", 1000), 200},
		"one more":      {packed(t, strings.Repeat("x", 1001)), "", 413},
		"a bomb":        {packed(t, strings.Repeat("x", 400_000)), "", 413},
		"cut":           {whole[:len(whole)-3], "", 400},
		"a wrong sum":   {whole[:len(whole)-8] + "\x00\x00\x00\x00" + whole[len(whole)-4:], "", 400},
		"no gzip":       {"hello", "", 400},
		"nothing":       {"", "", 400},
		"gzip and more": {whole + "rubbish", "", 400},
	} {
		answer := r.ask("/score", test.body, "Content-Encoding", "gzip")
		if answer.Code != test.status || test.status == 200 && answer.Body.String() != test.answer {
			t.Errorf("%s: %d %.60s, want %d", name, answer.Code, answer.Body, test.status)
		}
	}
	answer := r.ask("/score", whole, "Content-Encoding", "gzip")
	var seen scoreRequest
	if err := json.Unmarshal([]byte(answer.Header().Get("X-Seen")), &seen); err != nil {
		t.Fatal(err)
	}
	if seen.Headers["content-length"] != "5" || seen.Headers["content-encoding"] != "" {
		t.Errorf("the worker was told %v", seen.Headers)
	}
	if answer := r.ask("/score", "\x0b\x02", "Content-Encoding", "br"); answer.Code != 200 || answer.Body.String() != "\x0b\x02" {
		t.Errorf("another encoding is the script's business: %d %q", answer.Code, answer.Body)
	}
}

// An answer in parts goes out as its parts come in.
func TestRouterPassesPartsOn(t *testing.T) {
	next := make(chan string)
	r := newRouted(t, RequestSettings{}, nil)
	r.add("one", newPartsWorker(t, next))
	server := r.listen()
	answer, err := http.DefaultClient.Do(r.request(server, "go"))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != 201 || answer.Header.Get("X-Mine") != "yes" || answer.ContentLength != -1 {
		t.Errorf("answered %d %v", answer.StatusCode, answer.Header)
	}
	for _, part := range []string{"one", "two"} {
		next <- part
		got := make([]byte, 3)
		if _, err := answer.Body.Read(got); err != nil || string(got) != part {
			t.Errorf("read %q %v, want %q", got, err, part)
		}
	}
	if busy, _ := r.pool.load(); busy != 1 {
		t.Errorf("%d places are taken while the answer goes on, want 1", busy)
	}
	close(next)
	if n, err := answer.Body.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("after the end: %d bytes, %v", n, err)
	}
	waitFor(t, "the place to be free again", func() bool { busy, _ := r.pool.load(); return busy == 0 })
}

// What breaks off must not look whole.
func TestAnAnswerThatBreaksOffDoesNotEndWell(t *testing.T) {
	next := make(chan string, 2)
	r := newRouted(t, RequestSettings{}, nil)
	r.add("one", newPartsWorker(t, next))
	next <- "one"
	next <- "break"
	answer, err := http.DefaultClient.Do(r.request(r.listen(), "go"))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(answer.Body); err == nil {
		t.Errorf("the sender took %q for the whole answer", body.String())
	}
	waitFor(t, "the place to be free again", func() bool { busy, _ := r.pool.load(); return busy == 0 })
}

// A sender that stops amid its body is given up, and takes no place meanwhile.
func TestASlowSenderIsGivenUp(t *testing.T) {
	r := newRouted(t, RequestSettings{}, echo)
	address := strings.TrimPrefix(r.listen(), "http://")
	r.router.clock = clock.NewFake(time.Unix(0, 0)) // the time that a sender has is over at once
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "POST /score HTTP/1.1\r\nHost: here\r\nX-Key: %s\r\nContent-Length: 10\r\n\r\n12345", r.key); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, "408") {
		t.Errorf("answered %q, %v, want 408", line, err)
	}
	if busy, waiting := r.pool.load(); busy+waiting != 0 {
		t.Errorf("%d places are taken, %d wait", busy, waiting)
	}
}

// Thousands of connections that say nothing, or half of something, hold nobody up.
func TestIdleConnectionsHoldNobodyUp(t *testing.T) {
	r := newRouted(t, RequestSettings{}, echo)
	url := r.listen()
	for i := range 2000 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if i%2 == 0 {
			if _, err := io.WriteString(conn, "POST /score HTTP/1.1\r\nContent-Le"); err != nil {
				t.Fatal(err)
			}
		}
	}
	answer, err := http.DefaultClient.Do(r.request(url, "1"))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != 200 {
		t.Errorf("answered %d", answer.StatusCode)
	}
}

func TestTheAccessLogNamesTheRequest(t *testing.T) {
	r := newRouted(t, RequestSettings{}, echo)
	var out bytes.Buffer
	r.router.log, r.router.verbose = slog.New(slog.NewTextHandler(&out, nil)), true
	r.ask("/score", "1", "X-Request-Id", "r-7")
	r.ask("/score", "1", "azureml-model-deployment", "green", "X-Request-Id", "r-8")
	for _, want := range []string{"endpoint=doubler deployment=blue method=POST path=/score status=200", "request_id=r-7",
		`deployment="" method=POST path=/score status=404`, "request_id=r-8"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is not in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), r.key) {
		t.Error("the key is in the log")
	}
}
