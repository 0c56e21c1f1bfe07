package atelier

import (
	"errors"
	"fmt"
	"syscall"
)

// Code says what kind of failure an Error is. There are ten, and every edge
// (HTTP, MLflow, command line, Python) has one table from Code to its own form.
type Code string

const (
	Invalid         Code = "invalid"         // the request is malformed or breaks a rule
	Unauthenticated Code = "unauthenticated" // nobody signed in, or the credential is no longer good
	Forbidden       Code = "forbidden"       // signed in, but not allowed
	NotFound        Code = "not_found"       // no such thing, or none that the actor may see
	Conflict        Code = "conflict"        // the name is taken, or somebody else changed it first
	Precondition    Code = "precondition"    // the thing is in a state that does not allow this
	Exhausted       Code = "exhausted"       // a limit, quota or rate is used up
	Unavailable     Code = "unavailable"     // something we depend on is away; try again
	NotImplemented  Code = "not_implemented" // part of a contract we speak, but do not offer
	Internal        Code = "internal"        // our fault; the message says nothing, the log says all
)

// Codes lists every Code, in the order of the tables in the documentation.
func Codes() []Code {
	return []Code{Invalid, Unauthenticated, Forbidden, NotFound, Conflict,
		Precondition, Exhausted, Unavailable, NotImplemented, Internal}
}

// Error is the only error that reaches a user. Message is a full sentence that
// says what was wrong; Hint, when there is one, says what to do next.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	// Field is where in the request the fault lies ("body.traffic.blue"), or
	// file:line:column for YAML. Empty when the fault is not in one place.
	Field string `json:"field,omitempty"`
	Hint  string `json:"hint,omitempty"`
	// Err is the cause. It goes to the log and never to a user.
	Err error `json:"-"`
}

func (e *Error) Error() string {
	text := e.Message
	if e.Field != "" {
		text = e.Field + ": " + text
	}
	if e.Hint != "" {
		text += " " + e.Hint
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error with a formatted message. A %w verb becomes its cause.
func Errorf(code Code, format string, args ...any) *Error {
	formatted := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: formatted.Error(), Err: errors.Unwrap(formatted)}
}

// At returns a copy of e that names the place of the fault.
func (e *Error) At(field string) *Error {
	located := *e
	located.Field = field
	return &located
}

// WithHint returns a copy of e that says what to do next.
func (e *Error) WithHint(format string, args ...any) *Error {
	hinted := *e
	hinted.Hint = fmt.Sprintf(format, args...)
	return &hinted
}

// CodeOf returns the Code of the first Error in err's chain, and Internal for
// an error that was not made for users. It returns "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var known *Error
	if errors.As(err, &known) {
		return known.Code
	}
	return Internal
}

// Public returns the Error to show for err: the Error in its chain, or a bland
// Internal one that keeps err as its cause for the log. A full disk is told as
// it is: everybody can see it, and only people can end it.
func Public(err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	if errors.Is(err, syscall.ENOSPC) {
		return &Error{
			Code:    Unavailable,
			Message: "The disk of the server is full.",
			Hint:    "Free some space where its data folder lies, then try again.",
			Err:     err,
		}
	}
	return &Error{
		Code:    Internal,
		Message: "Something went wrong on the server.",
		Hint:    "The server's log has the details under this request's id.",
		Err:     err,
	}
}
