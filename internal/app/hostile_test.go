package app_test

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atelier-ml/atelier/internal/app"
	"github.com/atelier-ml/atelier/internal/route"
)

// hostile are the ways by which others in this field were made to read, write
// or delete files that were not theirs, and what broke their parsers.
var hostile = []string{
	"../../../../../../etc/passwd", "..%2f..%2f..%2f..%2fetc%2fpasswd", "..%252f..%252f..%252fetc%252fpasswd",
	"%2e%2e/%2e%2e/%2e%2e/etc/passwd", "%252e%252e%252fetc%252fpasswd", "..;/..;/..;/etc/passwd", "....//....//etc/passwd",
	"/etc/passwd", "//etc/passwd", "///proc/self/root/etc/passwd", "%2fetc%2fpasswd", "file:///etc/passwd", "file:/etc/passwd",
	`..\..\..\etc\passwd`, "..%5c..%5cetc%5cpasswd", `C:\Windows\win.ini`, `\\attacker\share`, "#/../../etc/passwd", "a#b", "?a=b",
	"%00", "a%00b", "\x00", "%c0%ae%c0%ae/etc/passwd", "\xff\xfe", "․․/etc/passwd", "．．/etc/passwd", "con", ".", "..",
	"x' OR '1'='1", "x\"; DROP TABLE runs; --", "{{7*7}}", "${{inputs.x}}", "$(touch x)", "`touch x`", "; touch x", "-rf", "--help",
	"<script>alert(1)</script>", "\u202efdp.exe", strings.Repeat("a", 3000), "%", "%zz", "*", "azureml://jobs/../outputs/x",
	"runs:/../../etc/passwd", "mlflow-artifacts:/../../etc/passwd",
}

// parameters are the query parameters that name a thing, on whatever route.
var parameters = []string{"path", "name", "key", "run_id", "run_uuid", "filter", "order_by", "experiment", "experiment_id",
	"page_token", "offset", "deployment", "version", "metric_key", "artifact_file_path", "artifact_directory_path", "tail"}

// No string in a path or a query makes a route read a file of the machine,
// fail inside, or answer a page that a browser would run.
func TestHostileStringsOnEveryRoute(t *testing.T) {
	server := newServer(t)
	for _, r := range server.Table().Routes() {
		if r.Access == route.Public && r.Method != http.MethodGet {
			continue
		}
		base := strings.ReplaceAll(r.Path, "{workspace}", "default")
		for _, text := range hostile {
			for _, part := range []string{text, url.PathEscape(text), url.PathEscape(url.PathEscape(text))} {
				if placeholder.MatchString(base) {
					checkHarmless(t, server, r, placeholder.ReplaceAllLiteralString(base, part))
				}
			}
			query := url.Values{}
			for _, name := range parameters {
				query.Set(name, text)
			}
			checkHarmless(t, server, r, placeholder.ReplaceAllString(base, "x")+"?"+query.Encode())
		}
	}
	outside, err := filepath.Glob("touch*")
	if err != nil || len(outside) > 0 {
		t.Errorf("files appeared beside the test: %v, %v", outside, err)
	}
}

func checkHarmless(t *testing.T, server *app.App, r route.Route, target string) {
	t.Helper()
	if _, err := url.ParseRequestURI(target); err != nil || strings.ContainsAny(target, " \x00") {
		return // net/http's own server refuses it before any of our code
	}
	got := call(t, server, r.Method, target, server.Token(), "{}")
	if got.Code >= 500 && got.Code != http.StatusNotImplemented {
		t.Errorf("%s %q: status %d: %s", r.Method, target, got.Code, got.Body)
	}
	if strings.Contains(got.Body.String(), "root:x:0:0") {
		t.Errorf("%s %q gave a file of the machine away", r.Method, target)
	}
	if kind := got.Header().Get("Content-Type"); strings.HasPrefix(kind, "text/html") && got.Code != http.StatusMovedPermanently && got.Code != http.StatusTemporaryRedirect {
		t.Errorf("%s %q: answered as a page: %s", r.Method, target, kind)
	}
	if got.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s %q: a browser may guess what the answer is", r.Method, target)
	}
}
