package client_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/job"
)

// A server that breaks off in the middle must not cost a byte, nor show one twice.
func TestFollowLogTakesUpWhereItBroke(t *testing.T) {
	log := "one\ntwo \xff\xfe three\nfour\n"
	var connections atomic.Int32
	api := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n := connections.Add(1)
		if n == 3 {
			answer(w, 503, `{"error":{"code":"unavailable","message":"The server is starting."}}`)
			return
		}
		var offset int
		fmt.Sscan(r.URL.Query().Get("offset"), &offset)
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, ": hello\n\nevent: status\ndata: {\"status\":\"Running\"}\n\n")
		end := min(offset+8, len(log))
		text := strings.ToValidUTF8(log[offset:end], "\uFFFD")
		fmt.Fprintf(w, "event: log\nid: %d\ndata: {\"offset\":%d,\"text\":%q}\n\n", end, offset, text)
		if end == len(log) {
			fmt.Fprint(w, "event: end\ndata: {}\n\n")
		}
	})
	var text strings.Builder
	var lost int
	err := api.FollowLog(t.Context(), "job", job.CommandLog, func(news client.News) error {
		text.WriteString(news.Text)
		if news.Lost {
			lost++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.ToValidUTF8(log, "\uFFFD"); text.String() != want {
		t.Errorf("the log reads %q, want %q", text.String(), want)
	}
	if lost == 0 {
		t.Error("nobody was told that the connection broke")
	}
}

func TestFollowLogOfNoJob(t *testing.T) {
	api := serve(t, func(w http.ResponseWriter, r *http.Request) {
		answer(w, 404, `{"error":{"code":"not_found","message":"There is no job \"job\"."}}`)
	})
	err := api.FollowLog(t.Context(), "job", job.CommandLog, func(client.News) error { return nil })
	if atelier.CodeOf(err) != atelier.NotFound {
		t.Errorf("FollowLog returned %v", err)
	}
}

func TestFollowLogStopsWhenItsReaderDoes(t *testing.T) {
	api := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "event: log\nid: 1\ndata: {\"offset\":0,\"text\":\"x\"}\n\n")
	})
	stop := atelier.Errorf(atelier.Precondition, "Enough.")
	err := api.FollowLog(t.Context(), "job", job.CommandLog, func(client.News) error { return stop })
	if err != error(stop) {
		t.Errorf("FollowLog returned %v, want %v", err, stop)
	}
}
