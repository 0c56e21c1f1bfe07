package route

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atelier-ml/atelier"
)

// Detail is one of several faults in a request.
type Detail struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

// Failure is the body of every refusal of the native API.
type Failure struct {
	status int
	Fault  Fault `json:"error"`
}

// Fault says what was wrong, where, and what to do.
type Fault struct {
	Code      atelier.Code `json:"code"`
	Message   string       `json:"message"`
	Field     string       `json:"field,omitempty"`
	Hint      string       `json:"hint,omitempty"`
	RequestID string       `json:"request_id,omitempty"`
	Details   []Detail     `json:"details,omitempty"`
}

func (f *Failure) Error() string  { return f.Fault.Message }
func (f *Failure) GetStatus() int { return f.status }

// Status returns the HTTP status of a Code.
func Status(code atelier.Code) int {
	return map[atelier.Code]int{
		atelier.Invalid:         http.StatusBadRequest,
		atelier.Unauthenticated: http.StatusUnauthorized,
		atelier.Forbidden:       http.StatusForbidden,
		atelier.NotFound:        http.StatusNotFound,
		atelier.Conflict:        http.StatusConflict,
		atelier.Precondition:    http.StatusPreconditionFailed,
		atelier.Exhausted:       http.StatusTooManyRequests,
		atelier.Unavailable:     http.StatusServiceUnavailable,
		atelier.NotImplemented:  http.StatusNotImplemented,
		atelier.Internal:        http.StatusInternalServerError,
	}[code]
}

func codeOfStatus(status int) atelier.Code {
	for _, code := range atelier.Codes() {
		if Status(code) == status {
			return code
		}
	}
	if status >= 500 {
		return atelier.Internal
	}
	return atelier.Invalid
}

// failure turns any error into what is sent. Causes go to the log only.
func failure(ctx context.Context, err error) *Failure {
	id := exchangeOf(ctx).id
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		f := &Failure{status: http.StatusRequestEntityTooLarge}
		f.Fault = Fault{Code: atelier.Exhausted, RequestID: id, Message: "The request's body is too large."}
		return f
	}
	public := atelier.Public(err)
	if Status(public.Code) >= http.StatusInternalServerError {
		exchangeOf(ctx).cause = err
	}
	return &Failure{status: Status(public.Code), Fault: Fault{
		Code: public.Code, Message: public.Message, Field: public.Field, Hint: public.Hint, RequestID: id}}
}

// WriteError answers a request with err in the native API's form.
func WriteError(w http.ResponseWriter, req *http.Request, err error) {
	f := failure(req.Context(), err)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(f.status)
	json.NewEncoder(w).Encode(f)
}

// refusal builds the answer to a request that does not fit its schema. The
// offending values are left out: one of them may be a secret in a wrong place.
func refusal(ctx huma.Context, status int, message string, faults ...error) huma.StatusError {
	if status == http.StatusUnprocessableEntity {
		status = http.StatusBadRequest
	}
	f := &Failure{status: status, Fault: Fault{Code: codeOfStatus(status), Message: message}}
	if status == http.StatusRequestEntityTooLarge {
		f.Fault.Code, f.Fault.Message = atelier.Exhausted, "The request's body is too large."
	}
	if ctx != nil {
		f.Fault.RequestID = exchangeOf(ctx.Context()).id
	}
	for _, fault := range faults {
		if fault == nil {
			continue
		}
		detail := Detail{Message: fault.Error()}
		if located, ok := fault.(huma.ErrorDetailer); ok {
			found := located.ErrorDetail()
			detail = Detail{Location: found.Location, Message: found.Message}
		}
		f.Fault.Details = append(f.Fault.Details, detail)
	}
	if len(f.Fault.Details) > 0 {
		f.Fault.Field = f.Fault.Details[0].Location
		f.Fault.Message = "The request is not valid: " + f.Fault.Details[0].Message + "."
	}
	return f
}
