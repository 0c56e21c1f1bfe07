package endpoint

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/atelier-ml/atelier"
)

func (r *routed) bound(name, value string) error {
	properties := map[string]string{name: value}
	_, err := r.Update(r.ctx, r.ws, "doubler", UpdateEndpoint{Properties: &properties})
	return err
}

func TestEachKeyHasItsOwnRate(t *testing.T) {
	r := newRouted(t, RequestSettings{}, echo)
	if err := r.bound(rateProperty, "0.001"); err != nil {
		t.Fatal(err)
	}
	keys, err := r.Credentials(r.ctx, r.ws, "doubler")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{keys.PrimaryKey, keys.SecondaryKey} {
		if answer := r.ask("/score", "1", "Authorization", "Bearer "+key); answer.Code != 200 {
			t.Errorf("the first: %d %s", answer.Code, answer.Body)
		}
		answer := r.ask("/score", "1", "Authorization", "Bearer "+key)
		if answer.Code != 429 || !strings.Contains(answer.Body.String(), rateProperty) {
			t.Errorf("the second: %d %s, want 429", answer.Code, answer.Body)
		}
		if wait := answer.Header().Get("Retry-After"); len(wait) < 3 {
			t.Errorf("Retry-After is %q, want about a thousand seconds", wait)
		}
	}
	if answer := r.ask("/score", "1", "Authorization", "Bearer wrong"); answer.Code != 401 {
		t.Errorf("a wrong key: %d", answer.Code)
	}
	tags := map[string]string{"a": "b"}
	if _, err := r.Update(r.ctx, r.ws, "doubler", UpdateEndpoint{Tags: &tags}); err != nil {
		t.Fatal(err)
	}
	if answer := r.ask("/score", "1"); answer.Code != 429 {
		t.Errorf("a change of something else made the key new: %d", answer.Code)
	}
}

func TestAnEndpointBoundsItsBodies(t *testing.T) {
	r := newRouted(t, RequestSettings{}, echo)
	if err := r.bound(bodyProperty, "5"); err != nil {
		t.Fatal(err)
	}
	if answer := r.ask("/score", "12345"); answer.Code != 200 {
		t.Errorf("at the limit: %d", answer.Code)
	}
	for _, body := range []string{"123456", packed(t, strings.Repeat("x", 6))} {
		if answer := r.ask("/score", body, "Content-Encoding", "gzip"); answer.Code != 413 {
			t.Errorf("%d bytes: %d, want 413", len(body), answer.Code)
		}
	}
}

func TestWrongBoundsAreRefused(t *testing.T) {
	r := newRouted(t, RequestSettings{}, echo)
	for _, test := range [][2]string{{rateProperty, "0"}, {rateProperty, "-1"}, {rateProperty, "NaN"}, {rateProperty, "many"},
		{rateProperty, "1e99"}, {bodyProperty, "0"}, {bodyProperty, "1.5"}, {bodyProperty, "99999999999"}} {
		if err := r.bound(test[0], test[1]); atelier.CodeOf(err) != atelier.Invalid {
			t.Errorf("%s=%s: %v", test[0], test[1], err)
		}
		if _, err := r.Create(r.ctx, r.ws, CreateEndpoint{Name: "other", Properties: map[string]string{test[0]: test[1]}}); atelier.CodeOf(err) != atelier.Invalid {
			t.Errorf("create with %s=%s: %v", test[0], test[1], err)
		}
	}
}

func TestPrometheusIsTold(t *testing.T) {
	r := newRouted(t, RequestSettings{}, echo)
	r.ask("/score", "1")
	r.ask("/score", strings.Repeat("x", 2000)) // refused before a deployment was chosen
	r.pool.stats.record(503, 0)
	answer := httptest.NewRecorder()
	r.ServeMetrics(answer, httptest.NewRequest("GET", "/metrics", nil).WithContext(r.ctx), r.ws)
	for _, want := range []string{
		`atelier_endpoint_requests_total{deployment="blue",endpoint="doubler",status="200",workspace="default"} 1`,
		`atelier_endpoint_requests_total{deployment="blue",endpoint="doubler",status="503",workspace="default"} 1`,
		`atelier_endpoint_request_duration_seconds_bucket{deployment="blue",endpoint="doubler",workspace="default",le="60"} 2`,
		`atelier_endpoint_request_duration_seconds_count{deployment="blue",endpoint="doubler",workspace="default"} 2`,
		`atelier_endpoint_replicas_ready{deployment="blue",endpoint="doubler",workspace="default"} 1`,
		`atelier_endpoint_requests_in_flight{deployment="blue",endpoint="doubler",workspace="default"} 0`,
	} {
		if !strings.Contains(answer.Body.String(), want) {
			t.Errorf("there is no %s", want)
		}
	}
	other := httptest.NewRecorder()
	r.ServeMetrics(other, httptest.NewRequest("GET", "/metrics", nil).WithContext(r.ctx), "another")
	if strings.Contains(other.Body.String(), "doubler") {
		t.Error("another workspace's figures are shown")
	}
}
