// Package web serves Studio, the web pages of Atelier, from inside the binary.
//
// The pages are written in TypeScript under src/ and built into dist/app by
// `make web`. What is built is embedded and not committed, so a plain `go build`
// needs no Node: a binary without the pages serves one that says how to build
// them.
package web

import (
	"bytes"
	"crypto/rand"
	"embed"
	"encoding/base64"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed all:dist
var embedded embed.FS

// noncePlaceholder stands in index.html where each answer gets its own nonce.
// The component library and the editor add style elements while they run; the
// nonce allows those and no others.
const noncePlaceholder = "%CSP_NONCE%"

// Handler serves Studio: files by their path, and index.html for every other
// path, because the pages route themselves.
func Handler() http.Handler {
	app, err := fs.Sub(embedded, "dist/app")
	if err != nil {
		panic("web: the embedded folder is missing: " + err.Error())
	}
	return serve(app)
}

func serve(app fs.FS) http.Handler {
	index, notBuilt := fs.ReadFile(app, "index.html")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "Studio's pages can only be read.", http.StatusMethodNotAllowed)
			return
		}
		if notBuilt != nil {
			serveStub(w, r)
			return
		}
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		switch info, err := fs.Stat(app, name); {
		case err == nil && !info.IsDir() && name != "index.html":
			serveFile(w, r, app, name)
		case strings.HasPrefix(name, "assets/"):
			// A page from before an upgrade asks for a file that is gone. The
			// index in its place would be run as a script.
			http.Error(w, "There is no such file in this version of Studio. Reload the page.", http.StatusNotFound)
		default:
			serveIndex(w, index)
		}
	})
}

// serveFile answers with the file, compressed where the build made a
// compressed twin and the browser takes it.
func serveFile(w http.ResponseWriter, r *http.Request, app fs.FS, name string) {
	setCommonHeaders(w.Header())
	header := w.Header()
	header.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(name, "assets/") { // their names carry a hash of their content
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		header.Set("Content-Type", kind)
	}
	if _, err := fs.Stat(app, name+".gz"); err == nil {
		header.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r) {
			header.Set("Content-Encoding", "gzip")
			name += ".gz"
		}
	}
	http.ServeFileFS(w, r, app, name)
}

func serveIndex(w http.ResponseWriter, index []byte) {
	nonce := newNonce()
	setCommonHeaders(w.Header())
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", policy("'self' 'nonce-"+nonce+"'"))
	_, _ = w.Write(bytes.ReplaceAll(index, []byte(noncePlaceholder), []byte(nonce))) // the reader went away
}

func setCommonHeaders(header http.Header) {
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Content-Security-Policy", policy("'self'"))
}

// policy allows what Studio itself brings and nothing from anywhere else.
func policy(style string) string {
	return strings.Join([]string{
		"default-src 'none'",
		"script-src 'self'",
		"style-src " + style,
		"img-src 'self' data: blob:",
		"font-src 'self'",
		"connect-src 'self'",
		"base-uri 'none'",
		"form-action 'self'",
		"frame-ancestors 'none'",
	}, "; ")
}

func newNonce() string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails: crypto/rand ends the process instead
	return base64.RawStdEncoding.EncodeToString(random[:])
}

func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, quality, _ := strings.Cut(part, ";")
		refused := strings.ReplaceAll(quality, " ", "") == "q=0"
		if strings.TrimSpace(name) == "gzip" && !refused {
			return true
		}
	}
	return false
}

const stub = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Atelier</title>
<h1>Atelier is running, without its Studio</h1>
<p>This binary was built without the web pages. With Node 20 or newer, run</p>
<pre>make web build</pre>
<p>in the source folder, and start the server again. The command line, the Python
package and every API work without them.</p>
</html>
`

func serveStub(w http.ResponseWriter, _ *http.Request) {
	setCommonHeaders(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(stub)) // the reader went away
}
