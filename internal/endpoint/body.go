package endpoint

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-ml/atelier"
)

// bodyTime is how long a sender may take for a request's body, and for taking
// each part of an answer.
const bodyTime = time.Minute

// readBody reads the request's body whole, before it takes a place: a slow
// sender holds nobody up. What was compressed for the way is unpacked, to no
// more than the limit either. The limit is the endpoint's own, or with 0 the
// server's.
func (r *Router) readBody(w http.ResponseWriter, req *http.Request, limit int64) ([]byte, error) {
	if limit == 0 {
		limit = r.maxBody
	}
	if req.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	control := http.NewResponseController(w)
	control.SetReadDeadline(r.clock.Now().Add(bodyTime))
	body, err := readAll(http.MaxBytesReader(w, req.Body, limit), req.ContentLength)
	if err != nil {
		w.Header().Set("Connection", "close") // and the deadline stays: nobody waits for the rest
	} else {
		control.SetReadDeadline(time.Time{})
	}
	if over := (*http.MaxBytesError)(nil); errors.As(err, &over) {
		return nil, tooLarge(limit)
	}
	if err != nil {
		return nil, &refusal{status: http.StatusRequestTimeout, code: atelier.Invalid, message: "The request's body did not arrive."}
	}
	if encoding := req.Header.Get("Content-Encoding"); strings.EqualFold(encoding, "gzip") {
		if body, err = unpack(body, limit); err != nil {
			return nil, err
		}
		req.Header.Del("Content-Encoding")
		req.Header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	return body, nil
}

// readAll is io.ReadAll with room for the length that was announced.
func readAll(from io.Reader, length int64) ([]byte, error) {
	var body bytes.Buffer
	if length > 0 {
		body.Grow(int(length) + bytes.MinRead)
	}
	_, err := body.ReadFrom(from)
	return body.Bytes(), err
}

// unpack unpacks what gzip packed. It stops at the limit, whatever the rest
// would have become.
func unpack(packed []byte, limit int64) ([]byte, error) {
	broken := &refusal{status: http.StatusBadRequest, code: atelier.Invalid,
		message: "The request's body is not what its Content-Encoding says: it cannot be unpacked as gzip."}
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, broken
	}
	body, err := io.ReadAll(io.LimitReader(reader, limit+1))
	if int64(len(body)) > limit {
		return nil, tooLarge(limit)
	}
	if err != nil {
		return nil, broken
	}
	return body, nil
}

func tooLarge(limit int64) error {
	return &refusal{status: http.StatusRequestEntityTooLarge, code: atelier.Exhausted,
		message: fmt.Sprintf("The request's body is too large: at most %d bytes are accepted.", limit)}
}
