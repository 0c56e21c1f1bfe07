package app_test

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/big"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/app"
	"github.com/atelier-ml/atelier/internal/cli"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/credential"
)

const publicURL = "http://atelier.test"

// federated is a server that signs people in with a provider.
func federated(t *testing.T, config access.OIDC) *app.App {
	t.Helper()
	server, err := app.New(t.Context(), app.Config{DataDir: filepath.Join(t.TempDir(), "data"), Log: slog.New(slog.DiscardHandler),
		PublicURL: publicURL, OIDC: config})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return server
}

// browser follows redirects between the server, which it finds at publicURL, and the
// provider, with cookies as a browser keeps them.
type browser struct {
	*http.Client
	t *testing.T
}

type toServer struct{ server *app.App }

func (to toServer) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host != "atelier.test" {
		return http.DefaultTransport.RoundTrip(req)
	}
	inner := req.Clone(req.Context())
	inner.Host, inner.RequestURI = req.URL.Host, req.URL.RequestURI()
	if inner.Body == nil {
		inner.Body = http.NoBody
	}
	answer := httptest.NewRecorder()
	to.server.Table().ServeHTTP(answer, inner)
	result := answer.Result()
	result.Request = req
	return result, nil
}

func newBrowser(t *testing.T, server *app.App) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, Client: &http.Client{Transport: toServer{server}, Jar: jar, CheckRedirect: func(req *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(req.URL.Path, "/runs") || req.URL.Host == "127.0.0.1:9" {
			return http.ErrUseLastResponse // a page of the Studio, or a command line
		}
		return nil
	}}}
}

func (b *browser) get(address string) (*http.Response, string) {
	b.t.Helper()
	answer, err := b.Get(address)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer, string(body)
}

// me is who the server takes the browser for.
func (b *browser) me() access.User {
	_, body := b.get(publicURL + "/api/v1/me")
	var me struct{ User access.User }
	if err := json.Unmarshal([]byte(body), &me); err != nil {
		b.t.Fatal(err)
	}
	return me.User
}

var hiddenID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// A real provider, of other people's making: somebody signs in with a password there,
// becomes a user without a role, is given one, signs out, and is disabled.
func TestSignInWithARealProvider(t *testing.T) {
	issuer := os.Getenv("ATELIER_TEST_OIDC")
	if issuer == "" {
		t.Log("a real identity provider is not tried: ATELIER_TEST_OIDC is not set, see scripts/with-oidc")
		return
	}
	server := federated(t, access.OIDC{Issuer: issuer, ClientID: "web", ClientSecret: "secret", Scopes: []string{"profile", "email"}, GroupsClaim: "groups"})
	b := newBrowser(t, server)
	enter := func(begin string) *http.Response {
		answer, page := b.get(begin)
		id := hiddenID.FindStringSubmatch(page)
		if id == nil {
			t.Fatalf("the provider shows no form: %d %s", answer.StatusCode, page)
		}
		form := url.Values{"username": {"test-user2"}, "password": {"verysecure"}, "id": {id[1]}}
		answer, err := b.PostForm(answer.Request.URL.ResolveReference(&url.URL{Path: "/login/username"}).String(), form)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer
	}
	answer := enter(publicURL + "/api/v1/sign-in/oidc?return_to=" + url.QueryEscape("/runs?x=1"))
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/runs?x=1" {
		t.Fatalf("after signing in: %d %v", answer.StatusCode, answer.Header)
	}
	user := b.me()
	if user.Name != "test-user2" || user.Email != "test-user2@zitadel.ch" || user.ServerRole != access.ServerUser {
		t.Errorf("the user is %+v", user)
	}
	if answer, _ := b.get(publicURL + "/api/v1/workspaces/default"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("without a role: %d", answer.StatusCode)
	}
	must(t, server, server.Token(), "PUT", "/api/v1/workspaces/default/members/test-user2", `{"role":"Reader"}`, nil)
	if answer, _ := b.get(publicURL + "/api/v1/workspaces/default"); answer.StatusCode != http.StatusOK {
		t.Errorf("with a role: %d", answer.StatusCode)
	}

	verifier := strings.Repeat("v", 43)
	sum := sha256.Sum256([]byte(verifier))
	answer = enter(publicURL + "/api/v1/sign-in/oidc?loopback=" + url.QueryEscape("http://127.0.0.1:9/") + "&challenge=" + base64.RawURLEncoding.EncodeToString(sum[:]))
	back, err := answer.Location()
	if err != nil || back.Host != "127.0.0.1:9" {
		t.Fatalf("the command line is sent to %v: %v", back, err)
	}
	var token access.Token
	must(t, server, "", "POST", "/api/v1/sign-in/token", fmt.Sprintf(`{"code":%q,"verifier":%q}`, back.Query().Get("code"), verifier), &token)
	must(t, server, token.Secret, "GET", "/api/v1/workspaces/default", "", nil)
	if again := call(t, server, "POST", "/api/v1/sign-in/token", "", fmt.Sprintf(`{"code":%q,"verifier":%q}`, back.Query().Get("code"), verifier)); again.Code != http.StatusUnauthorized {
		t.Errorf("a code twice: %d", again.Code)
	}

	must(t, server, server.Token(), "PATCH", "/api/v1/users/test-user2", `{"disabled":true}`, nil)
	if answer, _ := b.get(publicURL + "/api/v1/me"); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("when disabled: %d", answer.StatusCode)
	}
	if answer := enter(publicURL + "/api/v1/sign-in/oidc"); answer.StatusCode != http.StatusForbidden {
		t.Errorf("signing in when disabled: %d", answer.StatusCode)
	}
}

// forger is a provider that says whatever a test wants. It stands at an address of its
// own, signs with keys of its own, and lets everybody in.
type forger struct {
	*httptest.Server
	key      *rsa.PrivateKey
	keyID    string
	header   map[string]any             // instead of what is right
	claims   func(right map[string]any) // changes what is right
	info     map[string]any             // what its second address says
	sign     func(text string) []byte
	nonce    string
	tokens   int
	verifier string
}

func newForger(t *testing.T) *forger {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	f := &forger{key: key, keyID: "one", info: map[string]any{"sub": "s1"}}
	mux := http.NewServeMux()
	write := func(w http.ResponseWriter, value any) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(value)
	}
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		write(w, map[string]any{"issuer": f.URL, "authorization_endpoint": f.URL + "/authorize", "token_endpoint": f.URL + "/token",
			"jwks_uri": f.URL + "/keys", "userinfo_endpoint": f.URL + "/info", "id_token_signing_alg_values_supported": []string{"RS256", "none", "HS256"}})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		write(w, map[string]any{"keys": []any{map[string]any{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": f.keyID,
			"n": encode(f.key.N.Bytes()), "e": encode(big.NewInt(int64(f.key.E)).Bytes())}}})
	})
	mux.HandleFunc("/authorize", func(w http.ResponseWriter, req *http.Request) {
		f.nonce = req.URL.Query().Get("nonce")
		http.Redirect(w, req, req.URL.Query().Get("redirect_uri")+"?"+url.Values{"code": {"c"}, "state": {req.URL.Query().Get("state")}}.Encode(), http.StatusFound)
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, req *http.Request) {
		f.tokens++
		f.verifier = req.PostFormValue("code_verifier")
		write(w, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": f.token()})
	})
	mux.HandleFunc("/info", func(w http.ResponseWriter, _ *http.Request) { write(w, f.info) })
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	return f
}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// token is an ID token that is right but for what the test changed.
func (f *forger) token() string {
	header := map[string]any{"alg": "RS256", "kid": f.keyID}
	maps.Copy(header, f.header)
	claims := map[string]any{"iss": f.URL, "aud": "atelier", "sub": "s1", "nonce": f.nonce, "preferred_username": "mina",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix()}
	if f.claims != nil {
		f.claims(claims)
	}
	head, err := json.Marshal(header)
	if err != nil {
		panic(err)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	text := encode(head) + "." + encode(body)
	if f.sign != nil {
		return text + "." + encode(f.sign(text))
	}
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, f.key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return text + "." + encode(signature)
}

func (f *forger) config() access.OIDC {
	return access.OIDC{Issuer: f.URL, ClientID: "atelier", ClientSecret: "secret", GroupsClaim: "groups"}
}

const begin = publicURL + "/api/v1/sign-in/oidc?return_to=/runs"

func TestForgedTokensLetNobodyIn(t *testing.T) {
	cases := map[string]func(f *forger){
		"another issuer":    func(f *forger) { f.claims = func(c map[string]any) { c["iss"] = "https://evil.test" } },
		"another audience":  func(f *forger) { f.claims = func(c map[string]any) { c["aud"] = "another" } },
		"several audiences": func(f *forger) { f.claims = func(c map[string]any) { c["aud"] = []string{"atelier", "another"} } },
		"of another client": func(f *forger) { f.claims = func(c map[string]any) { c["azp"] = "another" } },
		"expired": func(f *forger) {
			f.claims = func(c map[string]any) { c["exp"] = time.Now().Add(-2 * time.Minute).Unix() }
		},
		"not yet good":  func(f *forger) { f.claims = func(c map[string]any) { c["nbf"] = time.Now().Add(time.Hour).Unix() } },
		"another nonce": func(f *forger) { f.claims = func(c map[string]any) { c["nonce"] = "replayed" } },
		"no nonce":      func(f *forger) { f.claims = func(c map[string]any) { delete(c, "nonce") } },
		"no subject":    func(f *forger) { f.claims = func(c map[string]any) { delete(c, "sub") } },
		"no signature":  func(f *forger) { f.header, f.sign = map[string]any{"alg": "none"}, func(string) []byte { return nil } },
		"signed with a password": func(f *forger) {
			f.header = map[string]any{"alg": "HS256"}
			f.sign = func(text string) []byte {
				mac := hmac.New(sha256.New, []byte("secret"))
				mac.Write([]byte(text))
				return mac.Sum(nil)
			}
		},
		"signed by somebody else": func(f *forger) { f.sign = func(string) []byte { return make([]byte, 256) } },
		"told of somebody else": func(f *forger) {
			f.info = map[string]any{"sub": "s2", "email": "owner@example.com", "email_verified": true}
		},
	}
	for name, forge := range cases {
		t.Run(name, func(t *testing.T) {
			f := newForger(t)
			forge(f)
			server := federated(t, f.config())
			b := newBrowser(t, server)
			if answer, body := b.get(begin); answer.StatusCode != http.StatusUnauthorized {
				t.Errorf("%d %s", answer.StatusCode, body)
			}
			if f.tokens != 1 {
				t.Errorf("the token was asked for %d times", f.tokens)
			}
			if user := b.me(); user.Name != "" {
				t.Errorf("%+v is signed in", user)
			}
		})
	}
}

// What is nearly wrong, and right all the same.
func TestTokensOfAProvidersClock(t *testing.T) {
	f := newForger(t)
	f.claims = func(c map[string]any) { c["exp"] = time.Now().Add(-20 * time.Second).Unix() }
	server := federated(t, f.config())
	b := newBrowser(t, server)
	if answer, body := b.get(begin); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("a clock that is 20 s off: %d %s", answer.StatusCode, body)
	}
	if user := b.me(); user.Name != "mina" || user.Email != "" {
		t.Errorf("%+v", user)
	}
	if len(f.verifier) < 43 {
		t.Errorf("the proof of the code's owner is %q", f.verifier)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048) // the provider changes its key
	if err != nil {
		t.Fatal(err)
	}
	f.key, f.keyID = key, "two"
	if answer, body := newBrowser(t, server).get(begin); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("with another key: %d %s", answer.StatusCode, body)
	}
}

// An answer is good once, in the browser that began, and from this provider.
func TestAnswersAreTiedToTheirAttempt(t *testing.T) {
	f := newForger(t)
	server := federated(t, f.config())
	stopped := func() (*browser, *url.URL) { // before the answer reaches the server
		b := newBrowser(t, server)
		b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		answer, _ := b.get(begin)
		answer, _ = b.get(answer.Header.Get("Location"))
		callback, err := answer.Location()
		if err != nil {
			t.Fatal(err)
		}
		return b, callback
	}
	want := func(what string, b *browser, callback *url.URL, status int) {
		t.Helper()
		if answer, body := b.get(callback.String()); answer.StatusCode != status {
			t.Errorf("%s: %d %s", what, answer.StatusCode, body)
		}
	}
	b, callback := stopped()
	want("in another browser", newBrowser(t, server), callback, http.StatusUnauthorized)
	want("after another browser tried", b, callback, http.StatusUnauthorized)
	b, callback = stopped()
	want("as it should be", b, callback, http.StatusSeeOther)
	want("a second time", b, callback, http.StatusUnauthorized)
	for what, change := range map[string]url.Values{"another state": {"state": {"x"}}, "no state": {"state": nil},
		"another provider's": {"iss": {"https://evil.test"}}, "an error": {"error": {"access_denied"}}} {
		b, callback = stopped()
		query := callback.Query()
		maps.Copy(query, change)
		callback.RawQuery = query.Encode()
		before := f.tokens
		want(what, b, callback, http.StatusUnauthorized)
		if f.tokens != before {
			t.Errorf("%s: the code was sent to the provider", what)
		}
	}
}

func TestSigningInLeadsNowhereElse(t *testing.T) {
	f := newForger(t)
	server := federated(t, f.config())
	for target, want := range map[string]string{"/runs/x?a=b#c": "/runs/x?a=b#c", "": "/", "//evil.test": "/", "https://evil.test": "/", `/\evil.test`: "/",
		"/\t/evil.test": "/", "javascript:alert(1)": "/", "/api/v1/sign-out": "/", "runs": "/", "http:evil.test": "/", "///evil.test": "/", "/\u202eruns": "/"} {
		b := newBrowser(t, server)
		b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		address := publicURL + "/api/v1/sign-in/oidc?return_to=" + url.QueryEscape(target)
		var answer *http.Response
		for range 3 {
			answer, _ = b.get(address)
			address = answer.Header.Get("Location")
		}
		if address != want {
			t.Errorf("%q leads to %q, want %q", target, address, want)
		}
	}
	challenge := "&challenge=" + encode(make([]byte, 32))
	for _, loopback := range []string{"http://evil.test:80/", "https://127.0.0.1:80/", "http://127.0.0.1/", "http://127.0.0.1@evil.test:80/", "http://localhost:80/",
		"http://127.0.0.1:80/?x", "http://127.0.0.1.evil.test:80/"} {
		answer, _ := newBrowser(t, server).get(publicURL + "/api/v1/sign-in/oidc?loopback=" + url.QueryEscape(loopback) + challenge)
		if answer.StatusCode != http.StatusBadRequest {
			t.Errorf("a code is sent to %s: %d", loopback, answer.StatusCode)
		}
	}
}

// Who somebody is follows from the provider's subject. A mail address counts when it is
// verified, once, for whom it was entered by an owner; a name counts for nothing.
func TestWhoSomebodyIs(t *testing.T) {
	f := newForger(t)
	server := federated(t, f.config())
	owner := server.Token()
	must(t, server, owner, "POST", "/api/v1/users", `{"name":"kim","email":"kim@example.com"}`, nil)
	must(t, server, owner, "POST", "/api/v1/users", `{"name":"mina"}`, nil)
	must(t, server, owner, "POST", "/api/v1/teams", `{"name":"vision","group":"ml-vision"}`, nil)
	must(t, server, owner, "POST", "/api/v1/teams", `{"name":"audio","group":"ml-audio"}`, nil)
	must(t, server, owner, "PUT", "/api/v1/workspaces/default/members/team:vision", `{"role":"Reader"}`, nil)
	as := func(subject string, claims map[string]any) access.User {
		f.claims = func(right map[string]any) { right["sub"] = subject; maps.Copy(right, claims) }
		f.info = map[string]any{"sub": subject}
		b := newBrowser(t, server)
		if answer, body := b.get(begin); answer.StatusCode != http.StatusSeeOther {
			t.Fatalf("%d %s", answer.StatusCode, body)
		}
		return b.me()
	}
	mayRead := func(name string) bool {
		var members struct{ Members []access.TeamMember }
		must(t, server, owner, "GET", "/api/v1/teams/vision", "", &members)
		for _, m := range members.Members {
			if m.User == name {
				return true
			}
		}
		return false
	}
	if user := as("s1", map[string]any{"email": "kim@example.com", "email_verified": false}); user.Name != "mina-2" || user.Email != "" {
		t.Errorf("with an address that anybody could have entered: %+v", user)
	}
	kim := as("s2", map[string]any{"email": "Kim@example.com", "email_verified": true, "groups": []string{"ml-vision", "other"}})
	if kim.Name != "kim" || !mayRead("kim") {
		t.Errorf("who was invited: %+v", kim)
	}
	if user := as("s3", map[string]any{"email": "kim@example.com", "email_verified": true}); user.Name == "kim" || user.Email != "" {
		t.Errorf("with an address that was given away anew: %+v", user)
	}
	if user := as("s2", map[string]any{"groups": []string{"ml-audio"}}); user.ID != kim.ID || mayRead("kim") {
		t.Errorf("the second time, in another group: %+v", user)
	}
	closed := f.config()
	closed.Closed = true
	b := newBrowser(t, federated(t, closed))
	if answer, body := b.get(begin); answer.StatusCode != http.StatusForbidden {
		t.Errorf("where nobody is let in uninvited: %d %s", answer.StatusCode, body)
	}
}

// A command line's code is for whoever made the challenge, and is tried once.
func TestACodeIsItsOwnersAlone(t *testing.T) {
	f := newForger(t)
	server := federated(t, f.config())
	verifier := strings.Repeat("w", 50)
	sum := sha256.Sum256([]byte(verifier))
	code := func() string {
		answer, _ := newBrowser(t, server).get(publicURL + "/api/v1/sign-in/oidc?loopback=" + url.QueryEscape("http://127.0.0.1:9/") + "&challenge=" + encode(sum[:]))
		back, err := answer.Location()
		if err != nil {
			t.Fatal(err)
		}
		return back.Query().Get("code")
	}
	redeem := func(code, verifier string) int {
		return call(t, server, "POST", "/api/v1/sign-in/token", "", fmt.Sprintf(`{"code":%q,"verifier":%q}`, code, verifier)).Code
	}
	one := code()
	if status := call(t, server, "GET", "/api/v1/me", one, "").Code; status != http.StatusUnauthorized {
		t.Errorf("a code is a token: %d", status)
	}
	if status := redeem(one, "guess"); status != http.StatusUnauthorized {
		t.Errorf("with another verifier: %d", status)
	}
	if status := redeem(one, verifier); status != http.StatusUnauthorized {
		t.Errorf("after a wrong one: %d", status)
	}
	if status := redeem(code(), verifier); status != http.StatusOK {
		t.Errorf("as it should be: %d", status)
	}
}

func TestAProviderThatIsAway(t *testing.T) {
	f := newForger(t)
	config := f.config()
	f.Close()
	server := federated(t, config)
	if answer, body := newBrowser(t, server).get(begin); answer.StatusCode != http.StatusServiceUnavailable || strings.Contains(body, "connect:") {
		t.Errorf("%d %s", answer.StatusCode, body)
	}
	if got := call(t, newServer(t), "GET", "/api/v1/sign-in/oidc", "", ""); got.Code != http.StatusNotFound {
		t.Errorf("without a provider: %d", got.Code)
	}
}

// The command line opens a browser, gets a code at an address of its own machine, and
// keeps the token that it changes the code for.
func TestLoginFromTheCommandLine(t *testing.T) {
	f := newForger(t)
	server, err := app.New(t.Context(), app.Config{DataDir: filepath.Join(t.TempDir(), "data"), Log: slog.New(slog.DiscardHandler), OIDC: f.config()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- server.Run(ctx) }()
	defer func() { stop(); <-stopped }()
	var said, page strings.Builder
	state := &cli.State{Args: []string{"login", "--server", server.URL()}, Env: map[string]string{}, Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: &said,
		ConfigDir: t.TempDir(), Dir: t.TempDir(), Clock: clock.System{}, OpenBrowser: func(address string) error {
			jar, err := cookiejar.New(nil)
			if err != nil {
				return err
			}
			answer, err := (&http.Client{Jar: jar}).Get(address)
			if err != nil {
				return err
			}
			defer answer.Body.Close()
			_, err = io.Copy(&page, answer.Body)
			return err
		}}
	if code := cli.Main(t.Context(), state, cli.Hooks{Version: "test"}); code != 0 {
		t.Fatalf("exit code %d: %s", code, said.String())
	}
	if !strings.Contains(said.String(), "as mina") || !strings.Contains(page.String(), "You are signed in") {
		t.Errorf("%s\n%s", said.String(), page.String())
	}
	token, err := credential.Token(state.ConfigDir, server.URL())
	if err != nil {
		t.Fatal(err)
	}
	must(t, server, token, "GET", "/api/v1/me", "", nil)
}
