package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func builtApp(t *testing.T) fstest.MapFS {
	t.Helper()
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, _ = writer.Write([]byte("console.log(1)"))
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{
		"index.html":             {Data: []byte(`<meta name="csp-nonce" content="%CSP_NONCE%">`)},
		"theme.js":               {Data: []byte("theme")},
		"assets/app-1a2b.js":     {Data: []byte("console.log(1)")},
		"assets/app-1a2b.js.gz":  {Data: packed.Bytes()},
		"assets/plain-3c4d.woff": {Data: []byte("font")},
	}
}

func get(t *testing.T, handler http.Handler, target, encoding string) *http.Response {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	request.Header.Set("Accept-Encoding", encoding)
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder.Result()
}

func body(t *testing.T, response *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestPagesFallBackToTheIndexWithAFreshNonce(t *testing.T) {
	handler := serve(builtApp(t))
	nonce := regexp.MustCompile(`content="([A-Za-z0-9+/]{22})"`)
	seen := map[string]bool{}
	for _, target := range []string{"/", "/index.html", "/w/default/runs/abc", "/sign-in?code=x"} {
		response := get(t, handler, target, "")
		found := nonce.FindStringSubmatch(body(t, response))
		if response.StatusCode != http.StatusOK || found == nil {
			t.Fatalf("%s: status %d and no nonce in the page", target, response.StatusCode)
		}
		if seen[found[1]] {
			t.Errorf("%s: the nonce was used before", target)
		}
		seen[found[1]] = true
		policy := response.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "'nonce-"+found[1]+"'") {
			t.Errorf("%s: the policy %q does not have the page's nonce", target, policy)
		}
		if strings.Contains(policy, "unsafe") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: the policy %q is not strict", target, policy)
		}
		if got := response.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control is %q", target, got)
		}
	}
}

func TestHashedFilesAreCompressedAndKeptForGood(t *testing.T) {
	handler := serve(builtApp(t))
	packed := get(t, handler, "/assets/app-1a2b.js", "br, gzip")
	if got := packed.Header.Get("Content-Encoding"); got != "gzip" {
		t.Fatalf("Content-Encoding is %q", got)
	}
	reader, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := io.ReadAll(reader); string(text) != "console.log(1)" {
		t.Errorf("unpacked %q", text)
	}
	if got := packed.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/javascript") {
		t.Errorf("Content-Type is %q", got)
	}
	for _, encoding := range []string{"", "br", "gzip;q=0"} {
		plain := get(t, handler, "/assets/app-1a2b.js", encoding)
		if plain.Header.Get("Content-Encoding") != "" || body(t, plain) != "console.log(1)" {
			t.Errorf("encoding %q: the answer is compressed", encoding)
		}
	}
	for target, want := range map[string]string{
		"/assets/plain-3c4d.woff": "public, max-age=31536000, immutable",
		"/theme.js":               "no-cache",
	} {
		response := get(t, handler, target, "gzip")
		if got := response.Header.Get("Cache-Control"); got != want {
			t.Errorf("%s: Cache-Control is %q, want %q", target, got, want)
		}
		if response.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: sniffing is allowed", target)
		}
	}
}

func TestAMissingAssetIsNotThePage(t *testing.T) {
	response := get(t, serve(builtApp(t)), "/assets/gone-9z.js", "")
	if response.StatusCode != http.StatusNotFound {
		t.Errorf("status %d, want 404", response.StatusCode)
	}
}

func TestOnlyReading(t *testing.T) {
	recorder := httptest.NewRecorder()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/w/default", nil)
	serve(builtApp(t)).ServeHTTP(recorder, request)
	if recorder.Code != http.StatusMethodNotAllowed {
		t.Errorf("status %d, want 405", recorder.Code)
	}
}

func TestWithoutABuildTheStubSaysHowToMakeOne(t *testing.T) {
	response := get(t, serve(fstest.MapFS{}), "/anything", "gzip")
	if text := body(t, response); !strings.Contains(text, "make web") {
		t.Errorf("the stub page says %q", text)
	}
}
