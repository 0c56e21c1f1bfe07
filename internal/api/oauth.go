package api

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/route"
)

// registerOAuth adds the route at which service principals get access tokens: OAuth 2's
// grant "client_credentials" (RFC 6749, section 4.4), with OAuth's own refusals.
func registerOAuth(t *route.Table, who *access.Service) {
	t.HandleFunc(route.Route{Method: "POST", Path: "/api/v1/oauth2/token", Access: route.Public, MaxBody: 16 << 10,
		Summary: "Get an access token for a service principal's secret", Tag: "access"}, func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Type", "application/json")
		if err := req.ParseForm(); err != nil {
			refuseGrant(w, http.StatusBadRequest, "invalid_request", "The body is no form.")
			return
		}
		if req.PostForm.Get("grant_type") != "client_credentials" {
			refuseGrant(w, http.StatusBadRequest, "unsupported_grant_type", "The grant is client_credentials.")
			return
		}
		id, secret := req.PostForm.Get("client_id"), req.PostForm.Get("client_secret")
		if user, password, ok := req.BasicAuth(); ok {
			id, secret = user, password
		}
		token, lifetime, err := who.ClientCredentials(req.Context(), id, strings.TrimSpace(secret))
		if atelier.CodeOf(err) == atelier.Unauthenticated {
			w.Header().Set("WWW-Authenticate", `Basic realm="atelier"`)
			refuseGrant(w, http.StatusUnauthorized, "invalid_client", atelier.Public(err).Message)
			return
		}
		if err != nil {
			route.WriteError(w, req, err)
			return
		}
		json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": int(lifetime.Seconds())})
	})
}

func refuseGrant(w http.ResponseWriter, status int, code, description string) {
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": description})
}
