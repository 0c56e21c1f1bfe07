package trace

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestSpansReachTheCollector(t *testing.T) {
	sent := make(chan string, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		sent <- req.URL.Path + " " + string(body)
	}))
	defer collector.Close()
	tracer, err := New(t.Context(), collector.URL, "1.2")
	if err != nil {
		t.Fatal(err)
	}
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	header := http.Header{"Traceparent": {parent}}
	span := tracer.Start(t.Context(), header, "score")
	span.Set("atelier.deployment", "blue")
	span.End(500)
	if err := tracer.Close(); err != nil {
		t.Fatal(err)
	}
	passed := header.Get("Traceparent")
	if passed == parent || !strings.HasPrefix(passed, "00-0af7651916cd43dd8448eb211c80319c-") {
		t.Errorf("passed on %q, want another part of the same trace", passed)
	}
	got := <-sent
	for _, want := range []string{"/v1/traces ", "score", "atelier.deployment", "blue", "service.name", "1.2"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q was not sent", want)
		}
	}
}

func TestNothingIsSentWithoutAnAddress(t *testing.T) {
	tracer, err := New(t.Context(), "", "1.2")
	if tracer != nil || err != nil {
		t.Fatalf("%v, %v", tracer, err)
	}
	header := http.Header{}
	span := tracer.Start(t.Context(), header, "score")
	span.Set("a", "b")
	span.End(200)
	if err := tracer.Close(); err != nil || len(header) != 0 {
		t.Errorf("%v, %v", err, header)
	}
}
