package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/atelier-ml/atelier"
)

// envelope is the body of every answer that is not a success.
type envelope struct {
	Error struct {
		atelier.Error
		RequestID string `json:"request_id"`
		Details   []struct {
			Location string `json:"location"`
			Message  string `json:"message"`
		} `json:"details"`
	} `json:"error"`
}

// maxErrorBody bounds what is read of an answer that only says what went wrong.
const maxErrorBody = 1 << 20

// readError closes response and returns the error that it carries.
func readError(server string, response *http.Response) error {
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, maxErrorBody))
	var answer envelope
	if json.Unmarshal(text, &answer) != nil || answer.Error.Code == "" {
		if deployment := response.Header.Get(deploymentHeader); deployment != "" {
			return refusedByScript(deployment, response.StatusCode, text)
		}
		if failure := readMLflow(text); failure != nil {
			return failure
		}
		return foreign(server, response)
	}
	failure := answer.Error.Error
	for _, detail := range answer.Error.Details[min(1, len(answer.Error.Details)):] { // the message tells the first
		line := detail.Message
		if detail.Location != "" {
			line = detail.Location + ": " + line
		}
		failure.Message += "\n  " + line
	}
	if failure.Code == atelier.Internal && answer.Error.RequestID != "" {
		failure.Hint = "The server's log has the details under request " + answer.Error.RequestID + "."
	}
	return &failure
}

// readMLflow reads an error of the routes that speak MLflow's API; nil for
// anything else.
func readMLflow(text []byte) error {
	var answer struct {
		Code    string `json:"error_code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(text, &answer) != nil || answer.Code == "" {
		return nil
	}
	code, known := map[string]atelier.Code{
		"INVALID_PARAMETER_VALUE": atelier.Invalid, "UNAUTHENTICATED": atelier.Unauthenticated, "PERMISSION_DENIED": atelier.Forbidden,
		"RESOURCE_DOES_NOT_EXIST": atelier.NotFound, "RESOURCE_ALREADY_EXISTS": atelier.Conflict, "RESOURCE_EXHAUSTED": atelier.Exhausted,
		"TEMPORARILY_UNAVAILABLE": atelier.Unavailable, "NOT_IMPLEMENTED": atelier.NotImplemented,
	}[answer.Code]
	if !known {
		code = atelier.Internal
	}
	return atelier.Errorf(code, "%s", answer.Message)
}

// deploymentHeader names the deployment that an answer comes from.
const deploymentHeader = "azureml-model-deployment"

// refusedByScript is the error for what a scoring script answered itself: its
// own refusal, or that it failed.
func refusedByScript(deployment string, status int, text []byte) error {
	code := atelier.Precondition
	if status < http.StatusInternalServerError {
		code = atelier.Invalid
	}
	return atelier.Errorf(code, "The deployment %q answered %d: %s", deployment, status, atelier.Clip(strings.TrimSpace(string(text)), 2000)).
		WithHint("Its log says more: `atelier online-deployment get-logs --endpoint-name ENDPOINT --name %s`.", deployment)
}

// foreign is the error for an answer that no Atelier server gives: another
// program listens there, or a proxy stands between.
func foreign(server string, response *http.Response) error {
	code := atelier.Internal
	switch {
	case response.StatusCode == http.StatusUnauthorized:
		code = atelier.Unauthenticated
	case response.StatusCode == http.StatusForbidden:
		code = atelier.Forbidden
	case response.StatusCode == http.StatusNotFound:
		code = atelier.NotFound
	case response.StatusCode == http.StatusRequestEntityTooLarge, response.StatusCode == http.StatusTooManyRequests:
		code = atelier.Exhausted
	case response.StatusCode >= 502 && response.StatusCode <= 504:
		code = atelier.Unavailable
	}
	return atelier.Errorf(code, "%s answered %s, not in the way of an Atelier server.", server, response.Status).
		WithHint("Check the address, and any proxy on the way.")
}

// undecodable is the error for a success whose body cannot be read.
func (c *Client) undecodable(ctx context.Context, response *http.Response, err error) error {
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &syntax) || errors.As(err, &mismatch) || errors.Is(err, io.EOF) {
		return foreign(c.server, response)
	}
	return c.broken(ctx, err)
}

// refused reports whether err means that the request never reached a server, so
// that even a call that must not run twice may be tried again.
func refused(err error) bool {
	var lookup *net.DNSError
	return errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &lookup)
}

// away reports whether err may pass by itself.
func away(err error) bool {
	if atelier.CodeOf(err) == atelier.Unavailable {
		return true
	}
	var network net.Error
	return refused(err) || errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// rootCause drops the method and the address that net/http puts before a cause.
func rootCause(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
