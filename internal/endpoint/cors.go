package endpoint

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier"
)

// originsVariable lists, separated by commas, the pages of other sites that may
// call a deployment from a browser, as in Azure's server.
const originsVariable = "AML_CORS_ORIGINS"

// origins are patterns of the sites whose pages may call a deployment.
type origins []*regexp.Regexp

// parseOrigins reads the variable. A part with a character that has a meaning
// in patterns is one, and "*" stands for every site.
func parseOrigins(text string) (origins, error) {
	var all origins
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		switch {
		case part == "":
			continue
		case part == "*":
			part = ".*"
		case !strings.ContainsAny(part, `*\]?$^[]()`):
			part = regexp.QuoteMeta(part)
		}
		pattern, err := regexp.Compile("(?i)^(?:" + part + ")$")
		if err != nil {
			return nil, atelier.Errorf(atelier.Invalid, "%q is no pattern of origins: %w", atelier.Clip(part, 80), err).
				At("environment_variables." + originsVariable).WithHint("Give origins such as https://app.example, or *.")
		}
		all = append(all, pattern)
	}
	return all, nil
}

// allow reports whether pages of the site may call.
func (o origins) allow(site string) bool {
	return site != "" && slices.ContainsFunc(o, func(pattern *regexp.Regexp) bool { return pattern.MatchString(site) })
}

// answer tells the browser that its page may have the answer.
func (o origins) answer(header http.Header, req *http.Request) {
	site := req.Header.Get("Origin")
	if len(o) == 0 || !o.allow(site) {
		return
	}
	header.Set("Access-Control-Allow-Origin", site)
	header.Add("Vary", "Origin")
	if !isPreflight(req) {
		return
	}
	if wanted := req.Header.Get("Access-Control-Request-Method"); wanted == "GET" || wanted == "POST" {
		header.Set("Access-Control-Allow-Methods", "GET, POST")
		if names := req.Header.Get("Access-Control-Request-Headers"); names != "" {
			header.Set("Access-Control-Allow-Headers", sortedList(names))
		}
	}
}

func sortedList(names string) string {
	all := strings.Split(names, ",")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// isPreflight reports whether a browser asks if its page may call at all.
func isPreflight(req *http.Request) bool {
	return req.Method == http.MethodOptions && req.Header.Get("Origin") != "" && req.Header.Get("Access-Control-Request-Method") != ""
}

// preflight answers such a question for a deployment that has opened itself to
// other sites. A browser sends it without a key, so this is all that is said
// without one.
func (r *Router) preflight(w http.ResponseWriter, req *http.Request, key endpointKey) bool {
	t, ok := r.find(key)
	if !ok || req.Header.Get("Authorization") != "" {
		return false
	}
	name, p, err := r.choose(call{key: key, target: t})
	if err != nil || !p.origins().allow(req.Header.Get("Origin")) {
		return false
	}
	p.origins().answer(w.Header(), req)
	w.Header().Set(deploymentHeader, name)
	w.WriteHeader(http.StatusOK)
	return true
}
