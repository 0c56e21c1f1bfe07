package client

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/atelier-ml/atelier"
)

// serverEvent is one server-sent event.
type serverEvent struct {
	name string
	id   string
	data string
}

// maxEvent bounds one line of a stream.
const maxEvent = 8 << 20

// events calls handle for each event of the stream at path, until the stream or
// the context ends or handle returns an error. A stream that the server closed
// returns io.EOF.
func (c *Client) events(ctx context.Context, path string, query url.Values, handle func(serverEvent) error) error {
	response, err := c.send(ctx, call{
		method: http.MethodGet, path: path, query: query,
		header: http.Header{"Accept": {"text/event-stream"}},
	})
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if kind := response.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/event-stream") {
		return foreign(c.server, response)
	}
	var stopped error
	err = readEvents(response.Body, func(e serverEvent) error {
		stopped = handle(e)
		return stopped
	})
	if stopped != nil || errors.Is(err, io.EOF) {
		return err
	}
	return c.broken(ctx, err)
}

// readEvents parses the text/event-stream format of the HTML standard, as far
// as our server uses it.
func readEvents(body io.Reader, handle func(serverEvent) error) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 64<<10), maxEvent)
	var event serverEvent
	var data []string
	for lines.Scan() {
		line := lines.Text()
		if line == "" {
			if event.name != "" || len(data) > 0 {
				event.data = strings.Join(data, "\n")
				if err := handle(event); err != nil {
					return err
				}
			}
			event, data = serverEvent{}, nil
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field { // an empty field is a comment, which keeps the line alive
		case "event":
			event.name = value
		case "id":
			event.id = value
		case "data":
			data = append(data, value)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return io.EOF
}

// lost reports whether err means that a stream broke off and may be taken up
// again: the server closed it, went away or restarted.
func lost(err error) bool {
	return errors.Is(err, io.EOF) || atelier.CodeOf(err) == atelier.Unavailable
}
