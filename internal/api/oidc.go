package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/route"
)

// attemptCookie ties an attempt to sign in to the browser that began it. Unlike a
// session it comes along when the identity provider sends the browser back.
const attemptCookie = "atelier_sign_in"

// CallbackPath is where the identity provider sends browsers back to.
const CallbackPath = "/api/v1/sign-in/callback"

// beginPath is where signing in with the identity provider begins.
const beginPath = "/api/v1/sign-in/oidc"

type federationRoutes struct {
	access     *access.Service
	federation *access.Federation // nil without an identity provider
	secure     bool               // whether browsers reach the server by https
}

// registerFederation adds the routes by which people sign in with an identity provider.
func registerFederation(t *route.Table, f *federationRoutes) {
	open := func(method, path, summary string) route.Route {
		return route.Route{Method: method, Path: path, Access: route.Public, Summary: summary, Tag: "access"}
	}
	t.HandleFunc(open("GET", beginPath, "Send a browser to the identity provider to sign in"), f.begin)
	callback := open("GET", CallbackPath, "Where the identity provider sends a browser back to")
	callback.Signs = true
	t.HandleFunc(callback, f.finish)
	route.Native(t, open("POST", "/api/v1/sign-in/token", "Change the code that a command line was sent for a token"), f.redeem)
}

var errNoProvider = atelier.Errorf(atelier.NotFound, "This server has no identity provider.").
	WithHint("Sign in with a link from `atelier sign-in-link`, or with a token.")

func (f *federationRoutes) begin(w http.ResponseWriter, req *http.Request) {
	if f.federation == nil {
		route.WriteError(w, req, errNoProvider)
		return
	}
	query := req.URL.Query()
	address, browser, err := f.federation.Begin(req.Context(),
		access.Ask{ReturnTo: query.Get("return_to"), Loopback: query.Get("loopback"), Challenge: query.Get("challenge")})
	if err != nil {
		route.WriteError(w, req, err)
		return
	}
	http.SetCookie(w, f.attemptCookie(browser, 10*60))
	leave(w, req, address)
}

func (f *federationRoutes) finish(w http.ResponseWriter, req *http.Request) {
	if f.federation == nil {
		route.WriteError(w, req, errNoProvider)
		return
	}
	query := req.URL.Query()
	answer := access.Answer{State: query.Get("state"), Code: query.Get("code"), Issuer: query.Get("iss"), Error: query.Get("error")}
	if cookie, err := req.Cookie(attemptCookie); err == nil {
		answer.Browser = cookie.Value
	}
	http.SetCookie(w, f.attemptCookie("", -1))
	welcome, err := f.federation.Finish(req.Context(), answer)
	if err != nil {
		route.WriteError(w, req, err)
		return
	}
	route.SignedInAs(req.Context(), atelier.Actor{Kind: atelier.User, ID: welcome.User.ID, Name: welcome.User.Name})
	if welcome.Loopback != "" {
		leave(w, req, welcome.Loopback)
		return
	}
	cookie := sessionCookie(welcome.Session, welcome.Lifetime, f.secure)
	http.SetCookie(w, &cookie)
	leave(w, req, welcome.ReturnTo)
}

// leave sends a browser elsewhere, without a trace of where it comes from: there was a
// code in the address.
func leave(w http.ResponseWriter, req *http.Request, address string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, req, address, http.StatusSeeOther)
}

func (f *federationRoutes) attemptCookie(value string, seconds int) *http.Cookie {
	return &http.Cookie{Name: attemptCookie, Value: value, Path: "/api/v1/sign-in/", MaxAge: seconds, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: f.secure}
}

type redeemRequest struct {
	Body struct {
		Code        string `json:"code" maxLength:"200"`
		Verifier    string `json:"verifier" maxLength:"200"`
		Description string `json:"description,omitempty" maxLength:"200"`
	}
}

func (f *federationRoutes) redeem(ctx context.Context, in *redeemRequest) (*Body[access.Token], error) {
	return answer(f.access.Redeem(ctx, in.Body.Code, in.Body.Verifier, in.Body.Description))
}

// sessionCookie carries a browser's session.
func sessionCookie(session string, lifetime time.Duration, secure bool) http.Cookie {
	return http.Cookie{Name: route.SessionCookie, Value: session, Path: "/", MaxAge: int(lifetime.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: secure}
}

// isSecure reports whether browsers reach the address by https.
func isSecure(address string) bool { return strings.HasPrefix(address, "https://") }
