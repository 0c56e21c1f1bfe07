package access

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/atelier-ml/atelier"
)

// OIDC says by which identity provider people sign in (OpenID Connect Core 1.0). The
// zero OIDC is none.
type OIDC struct {
	Issuer, ClientID, ClientSecret string
	// Scopes are asked for besides "openid".
	Scopes []string
	// GroupsClaim names the claim that lists a person's groups.
	GroupsClaim string
	// Closed keeps out whom nobody invited; otherwise they become users without a role.
	Closed bool
}

const (
	// attemptLifetime is how long somebody may take to sign in at the provider.
	attemptLifetime = 10 * time.Minute
	// oidcSession is how long a session lasts before the provider is asked again.
	oidcSession = 12 * time.Hour
	// clockSkew is how far the provider's clock may be from ours.
	clockSkew = time.Minute
	// providerPatience is how long the provider may take to answer.
	providerPatience = 10 * time.Second
)

// Federation signs people in with an identity provider.
type Federation struct {
	service  *Service
	config   OIDC
	callback func() string // the address to which the provider sends people back
	client   *http.Client

	mu       sync.Mutex
	provider *oidc.Provider // nil until it has been found
}

// NewFederation returns what signs people in as config says, or nil when it names no
// provider. The provider is asked for nothing yet: it may be away when we start.
func NewFederation(s *Service, config OIDC, callback func() string) *Federation {
	if config.Issuer == "" {
		return nil
	}
	return &Federation{service: s, config: config, callback: callback, client: &http.Client{Timeout: providerPatience}}
}

// Ask is how somebody wants to sign in.
type Ask struct {
	// ReturnTo is the page of the Studio to go to afterwards.
	ReturnTo string
	// Loopback is where a command line on the person's machine waits for a code, which
	// it can change for a token with what Challenge is the SHA-256 of (RFC 7636).
	Loopback, Challenge string
}

// attempt is one try to sign in, known to the server and to one browser.
type attempt struct {
	stateHash, browserHash, nonce, verifier string
	ask                                     Ask
	expiresAt                               time.Time
}

// Answer is what the provider sent the browser back with.
type Answer struct {
	State, Code, Issuer, Error string
	Browser                    string // the secret of the browser that began
}

// Welcome is somebody who has signed in.
type Welcome struct {
	User     User
	Session  string // for a browser, or
	Loopback string // the address that has the code, for a command line
	ReturnTo string
	Lifetime time.Duration
}

var errSignIn = atelier.Errorf(atelier.Unauthenticated, "Signing in did not succeed: it was begun elsewhere, took too long, or was used already.").
	WithHint("Begin again.")

// find returns the provider, which it looks up when that has not been done.
func (f *Federation) find() (*oidc.Provider, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.provider != nil {
		return f.provider, nil
	}
	// The provider's keys are fetched anew later with the same context.
	provider, err := oidc.NewProvider(f.context(context.Background()), f.config.Issuer)
	if err != nil {
		return nil, &atelier.Error{Code: atelier.Unavailable, Message: "The identity provider cannot be used now.",
			Hint: "Try again; the server's log says why, and oidc_issuer must be as the provider writes it.", Err: err}
	}
	f.provider = provider
	return provider, nil
}

func (f *Federation) context(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, f.client)
}

func (f *Federation) oauth(provider *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{ClientID: f.config.ClientID, ClientSecret: f.config.ClientSecret, Endpoint: provider.Endpoint(),
		RedirectURL: f.callback(), Scopes: append([]string{oidc.ScopeOpenID}, f.config.Scopes...)}
}

// Begin returns the provider's address to send a browser to, and the secret by which
// the browser must show afterwards that it is the same.
func (f *Federation) Begin(ctx context.Context, ask Ask) (address, browser string, err error) {
	if ask.Loopback != "" || ask.Challenge != "" {
		if err := checkLoopback(ask); err != nil {
			return "", "", err
		}
	}
	ask.ReturnTo = safeReturn(ask.ReturnTo)
	provider, err := f.find()
	if err != nil {
		return "", "", err
	}
	state := atelier.NewSecret("")
	browser = atelier.NewSecret("")
	a := attempt{stateHash: hashSecret(state), browserHash: hashSecret(browser), nonce: atelier.NewSecret(""),
		verifier: oauth2.GenerateVerifier(), ask: ask, expiresAt: f.service.clock.Now().Add(attemptLifetime)}
	if err := f.service.keepAttempt(ctx, a); err != nil {
		return "", "", err
	}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(a.verifier), oidc.Nonce(a.nonce)}
	if ask.Loopback != "" { // no program gets a token without somebody's doing
		options = append(options, oauth2.SetAuthURLParam("prompt", "select_account"))
	}
	return f.oauth(provider).AuthCodeURL(state, options...), browser, nil
}

// Finish checks what the provider answered and signs the person in. An answer is
// good once, in the browser that began.
func (f *Federation) Finish(ctx context.Context, answer Answer) (Welcome, error) {
	a, err := f.service.takeAttempt(ctx, hashSecret(answer.State))
	if err != nil {
		return Welcome{}, err
	}
	if subtle.ConstantTimeCompare([]byte(a.browserHash), []byte(hashSecret(answer.Browser))) != 1 {
		return Welcome{}, errSignIn
	}
	if answer.Issuer != "" && answer.Issuer != f.config.Issuer { // RFC 9207: another provider's answer
		return Welcome{}, errSignIn
	}
	if answer.Error != "" {
		return Welcome{}, atelier.Errorf(atelier.Unauthenticated, "The identity provider let nobody in: %s.", plainWord(answer.Error)).WithHint("Begin again.")
	}
	claims, err := f.redeem(ctx, a, answer.Code)
	if err != nil {
		return Welcome{}, err
	}
	return f.service.welcome(ctx, f.config, a, claims)
}

// plainWord is an error code of OAuth, or "unknown".
func plainWord(code string) string {
	if len(code) > 60 || strings.ContainsFunc(code, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') }) {
		return "unknown"
	}
	return code
}

// claims are what the provider says of a person.
type claims struct {
	Subject           string
	Email             string `json:"email"`
	EmailVerified     bool   `json:"-"`
	PreferredUsername string `json:"preferred_username"`
	groups            []string
}

// redeem changes the code for the person's claims.
func (f *Federation) redeem(ctx context.Context, a attempt, code string) (claims, error) {
	provider, err := f.find()
	if err != nil {
		return claims{}, err
	}
	ctx = f.context(ctx)
	token, err := f.oauth(provider).Exchange(ctx, code, oauth2.VerifierOption(a.verifier))
	if err != nil {
		return claims{}, refusedBy(err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return claims{}, refusedBy(nil)
	}
	now := f.service.clock.Now().Add(-clockSkew)
	verifier := provider.Verifier(&oidc.Config{ClientID: f.config.ClientID, Now: func() time.Time { return now }})
	id, err := verifier.Verify(ctx, raw)
	if err != nil {
		return claims{}, refusedBy(err)
	}
	all := map[string]any{}
	if err := id.Claims(&all); err != nil {
		return claims{}, refusedBy(err)
	}
	party, named := all["azp"].(string)
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(a.nonce)) != 1 || id.Subject == "" ||
		named && party != f.config.ClientID || !named && len(id.Audience) > 1 {
		return claims{}, refusedBy(nil)
	}
	if err := f.addUserInfo(ctx, provider, token, id.Subject, all); err != nil {
		return claims{}, err
	}
	return readClaims(id.Subject, all, f.config.GroupsClaim), nil
}

func refusedBy(err error) error {
	if err == nil {
		return atelier.Errorf(atelier.Unauthenticated, "The identity provider's answer is not for this sign-in.").WithHint("Begin again.")
	}
	return atelier.Errorf(atelier.Unauthenticated, "The identity provider's answer cannot be accepted: %s.", atelier.Clip(reasonOf(err), 200)).WithHint("Begin again.")
}

// reasonOf leaves out what the provider sent along, in which there may be a code.
func reasonOf(err error) string {
	text := err.Error()
	if first, _, ok := strings.Cut(text, "\n"); ok {
		text = first
	}
	return strings.TrimPrefix(text, "oidc: ")
}

// addUserInfo adds what only the provider's second address tells: not all put the
// mail address and the groups into the token.
func (f *Federation) addUserInfo(ctx context.Context, provider *oidc.Provider, token *oauth2.Token, subject string, all map[string]any) error {
	if provider.UserInfoEndpoint() == "" || all["email"] != nil && all[f.config.GroupsClaim] != nil {
		return nil
	}
	info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return refusedBy(err)
	}
	if info.Subject != subject {
		return refusedBy(nil)
	}
	more := map[string]any{}
	if err := info.Claims(&more); err != nil {
		return refusedBy(err)
	}
	for name, value := range more {
		if _, known := all[name]; !known {
			all[name] = value
		}
	}
	return nil
}

func readClaims(subject string, all map[string]any, groupsClaim string) claims {
	text := func(name string) string { value, _ := all[name].(string); return value }
	c := claims{Subject: subject, PreferredUsername: text("preferred_username"), Email: text("email")}
	c.EmailVerified = c.Email != "" && (all["email_verified"] == true || all["email_verified"] == "true")
	if !c.EmailVerified || checkEmail(c.Email) != nil {
		c.Email = "" // anybody could have said so
	}
	switch groups := all[groupsClaim].(type) {
	case string:
		c.groups = []string{groups}
	case []any:
		for _, group := range groups {
			if name, ok := group.(string); ok {
				c.groups = append(c.groups, name)
			}
		}
	}
	return c
}

// safeReturn returns where to go in the Studio, and its first page instead of anything
// that might lead elsewhere.
func safeReturn(target string) string {
	parsed, err := url.Parse(target)
	bad := strings.ContainsFunc(target, func(r rune) bool { return unicode.IsControl(r) || r == '\\' || unicode.Is(unicode.Bidi_Control, r) })
	if err != nil || bad || len(target) > 2000 || parsed.Scheme != "" || parsed.Host != "" || parsed.User != nil ||
		!strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") ||
		slices.ContainsFunc([]string{"/api/", "/ajax-api/"}, func(p string) bool { return strings.HasPrefix(parsed.Path, p) }) {
		return "/"
	}
	return parsed.String()
}

// checkLoopback allows nothing but an address of the person's own machine: a code must
// not travel further (RFC 8252, section 7.3).
func checkLoopback(ask Ask) error {
	target, err := url.Parse(ask.Loopback)
	if err != nil || target.Scheme != "http" || target.User != nil || target.Port() == "" || target.RawQuery != "" || target.Fragment != "" ||
		target.Hostname() != "127.0.0.1" && target.Hostname() != "::1" {
		return atelier.Errorf(atelier.Invalid, "A command line waits at http://127.0.0.1:PORT/.").At("loopback")
	}
	if sum, err := base64.RawURLEncoding.DecodeString(ask.Challenge); err != nil || len(sum) != sha256.Size {
		return atelier.Errorf(atelier.Invalid, "The challenge is no SHA-256 in base64url.").At("challenge")
	}
	return nil
}
