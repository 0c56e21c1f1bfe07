package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// A service is made by a job's code: nobody but the browser that was given the whole
// address sees it, and it learns nothing of the address' secret.
func TestAServiceIsShownToOneBrowser(t *testing.T) {
	own := &ownOrigin{host: "localhost:6006", secret: "open_secret", service: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		io.WriteString(w, req.URL.RequestURI()+" "+req.Header.Get("Cookie"))
	})}
	for name, test := range map[string]struct {
		host, path, cookie string
		status             int
		text, location     string
	}{
		"the address":           {"localhost:6006", "/?atelier_open=open_secret", "", 303, "", "/"},
		"with a path":           {"localhost:6006", "//elsewhere.example?atelier_open=open_secret", "", 303, "", "/"},
		"the browser":           {"localhost:6006", "/data?run=a", "theme=dark; atelier_open=open_secret", 200, "/data?run=a theme=dark", ""},
		"another browser":       {"localhost:6006", "/", "", 403, "", ""},
		"a wrong secret":        {"localhost:6006", "/?atelier_open=guess", "atelier_open=guess", 403, "", ""},
		"another site's name":   {"evil.example:6006", "/", "atelier_open=open_secret", 403, "", ""},
		"this machine's number": {"127.0.0.1:6006", "/", "atelier_open=open_secret", 403, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			req := httptest.NewRequest("GET", "http://"+test.host+test.path, nil)
			if test.cookie != "" {
				req.Header.Set("Cookie", test.cookie)
			}
			w := httptest.NewRecorder()
			own.ServeHTTP(w, req)
			if w.Code != test.status || test.text != "" && w.Body.String() != test.text || w.Header().Get("Location") != test.location {
				t.Errorf("%d %q to %q", w.Code, w.Body, w.Header().Get("Location"))
			}
			if cookie := w.Result().Cookies(); test.status == 303 && (len(cookie) != 1 || !cookie[0].HttpOnly || cookie[0].SameSite != http.SameSiteStrictMode) {
				t.Errorf("cookies %v", cookie)
			}
		})
	}
}
