package event_test

import (
	"context"
	"testing"

	"github.com/atelier-ml/atelier/internal/event"
)

func TestNoticesMergeWhileNobodyListens(t *testing.T) {
	bus := event.NewBus()
	slow := bus.Subscribe()
	defer slow.Close()
	for range 1000 {
		bus.Publish(event.Notice{Workspace: "w", Topic: event.Job, ID: "a"})
	}
	bus.Publish(event.Notice{Workspace: "w", Topic: event.Job, ID: "b"})
	notices, err := slow.Next(t.Context())
	if err != nil || len(notices) != 2 || notices[0].ID != "a" || notices[1].ID != "b" {
		t.Errorf("got %v, %v", notices, err)
	}
	bus.Publish(event.Notice{Workspace: "w", Topic: event.Job, ID: "a"})
	if notices, err := slow.Next(t.Context()); err != nil || len(notices) != 1 {
		t.Errorf("news after a pause: %v, %v", notices, err)
	}
}

func TestNextEndsWithItsContext(t *testing.T) {
	subscription := event.NewBus().Subscribe()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := subscription.Next(ctx); err != context.Canceled {
		t.Errorf("got %v", err)
	}
}

func TestClosedSubscriptionHearsNothing(t *testing.T) {
	bus := event.NewBus()
	subscription := bus.Subscribe()
	subscription.Close()
	bus.Publish(event.Notice{Topic: event.Job, ID: "a"})
	if notices := subscription.Take(); len(notices) != 0 {
		t.Errorf("got %v", notices)
	}
}

func TestWhoAsksForTopicsHearsOfThemAlone(t *testing.T) {
	bus := event.NewBus()
	subscription := bus.Subscribe(event.Endpoint, event.Deployment)
	defer subscription.Close()
	bus.Publish(event.Notice{Workspace: "w", Topic: event.Metrics, ID: "r"})
	select {
	case <-subscription.Ready():
		t.Error("a notice of another topic wakes who did not ask for it")
	default:
	}
	bus.Publish(event.Notice{Workspace: "w", Topic: event.Deployment, ID: "e/d"})
	if notices, err := subscription.Next(t.Context()); err != nil || len(notices) != 1 || notices[0].ID != "e/d" {
		t.Errorf("got %v, %v", notices, err)
	}
}
