package mlflow

import (
	"errors"
	"net/http"
	"strings"

	"github.com/atelier-ml/atelier"
)

// failure is how MLflow's clients read an error.
type failure struct {
	Code    string `json:"error_code"`
	Message string `json:"message"`
}

// meaning is MLflow's word for a Code, with the HTTP status that its clients
// expect. A permanent failure is never a 5xx: clients try those again for minutes.
func meaning(code atelier.Code) (string, int) {
	switch code {
	case atelier.Invalid, atelier.Precondition:
		return "INVALID_PARAMETER_VALUE", http.StatusBadRequest
	case atelier.Unauthenticated:
		return "UNAUTHENTICATED", http.StatusUnauthorized
	case atelier.Forbidden:
		return "PERMISSION_DENIED", http.StatusForbidden
	case atelier.NotFound:
		return "RESOURCE_DOES_NOT_EXIST", http.StatusNotFound
	case atelier.Conflict: // 400, not 409
		return "RESOURCE_ALREADY_EXISTS", http.StatusBadRequest
	case atelier.Exhausted:
		return "RESOURCE_EXHAUSTED", http.StatusTooManyRequests
	case atelier.Unavailable:
		return "TEMPORARILY_UNAVAILABLE", http.StatusServiceUnavailable
	case atelier.NotImplemented:
		return "NOT_IMPLEMENTED", http.StatusNotImplemented
	}
	return "INTERNAL_ERROR", http.StatusInternalServerError
}

func (s *server) writeError(w http.ResponseWriter, req *http.Request, err error) {
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		err = atelier.Errorf(atelier.Invalid, "The request's body is too large: at most %d bytes are read.", tooLarge.Limit)
	}
	public := atelier.Public(err)
	if public.Code == atelier.Internal {
		s.log.ErrorContext(req.Context(), "a request failed", "request_id", req.Header.Get("X-Request-Id"), "path", req.URL.Path, "error", err)
	}
	writeRefusal(w, public)
}

func writeRefusal(w http.ResponseWriter, public *atelier.Error) {
	code, status := meaning(public.Code)
	message := public.Message
	if public.Hint != "" {
		message += " " + public.Hint
	}
	if strings.HasPrefix(message, "Invalid path ") {
		message = "Invalid path" // which is all that MLflow says
	}
	writeJSON(w, status, failure{code, message})
}

// alone makes an error about the only element of a list one about a request that
// has no list.
func alone(err error, list string) error {
	if err == nil {
		return nil
	}
	fault, place := *atelier.Public(err), list+"[0]."
	fault.Message = strings.Replace(fault.Message, "'"+place, "'", 1)
	return fault.At(strings.TrimPrefix(fault.Field, place))
}

// missing is MLflow's text for a required parameter that is absent.
func missing(name string) error {
	return atelier.Errorf(atelier.Invalid, "Missing value for required parameter '%s'. See the API docs for more information about request parameters.", name).At(name)
}

// required returns an error for the first of name, value, name, value, ... whose
// value is empty.
func required(namesAndValues ...string) error {
	for i := 0; i+1 < len(namesAndValues); i += 2 {
		if namesAndValues[i+1] == "" {
			return missing(namesAndValues[i])
		}
	}
	return nil
}
