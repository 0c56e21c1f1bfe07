package client

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"time"
)

// News is one thing that happened to a job while its log was followed. One of
// the fields is set.
type News struct {
	Text   string // more of the log
	Status string // the job's new status
	Lost   bool   // the connection broke; it is being taken up again
}

// Pauses between attempts to take up a broken stream.
const (
	firstPause = 200 * time.Millisecond
	lastPause  = 3 * time.Second
	maxLost    = 100 // attempts without any news: about five minutes
)

// FollowLog calls handle for all that a job's log has and for all that comes,
// each byte once, until the job has ended or ctx is over. A broken connection
// is taken up where it broke.
func (c *Client) FollowLog(ctx context.Context, job, name string, handle func(News) error) error {
	follow := &follower{client: c, job: job, name: name, handle: handle}
	pause, failures := firstPause, 0
	for {
		before := follow.heard
		err := follow.once(ctx)
		switch {
		case follow.ended:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !lost(err):
			return err
		}
		if follow.heard > before {
			pause, failures = firstPause, 0
		}
		if failures++; failures > maxLost {
			return err
		}
		if failures == 1 {
			if err := handle(News{Lost: true}); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.config.Clock.After(pause):
		}
		pause = min(2*pause, lastPause)
	}
}

// follower is the state of one FollowLog: how far it has read.
type follower struct {
	client *Client
	job    string
	name   string
	handle func(News) error
	offset int64 // of the next byte
	heard  int   // events so far
	ended  bool
}

// errEnded stops a stream whose job is over.
var errEnded = errors.New("the job has ended")

func (f *follower) once(ctx context.Context) error {
	query := url.Values{"name": {f.name}, "offset": {strconv.FormatInt(f.offset, 10)}}
	return f.client.events(ctx, f.client.path("jobs", f.job, "logs", "stream"), query, f.receive)
}

func (f *follower) receive(e serverEvent) error {
	f.heard++
	switch e.name {
	case "log":
		var log struct {
			Offset int64  `json:"offset"`
			Text   string `json:"text"`
		}
		if err := json.Unmarshal([]byte(e.data), &log); err != nil {
			return err
		}
		f.offset = log.Offset + int64(len(log.Text))
		if next, err := strconv.ParseInt(e.id, 10, 64); err == nil {
			f.offset = next // exact even where the text replaces bytes that are no UTF-8
		}
		return f.handle(News{Text: log.Text})
	case "status":
		var status struct {
			Status string `json:"status"`
		}
		if err := json.Unmarshal([]byte(e.data), &status); err != nil {
			return err
		}
		return f.handle(News{Status: status.Status})
	case "end":
		f.ended = true
		return errEnded
	}
	return nil
}
