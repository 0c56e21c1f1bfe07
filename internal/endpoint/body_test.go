package endpoint

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
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
