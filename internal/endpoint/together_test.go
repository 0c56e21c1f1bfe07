package endpoint

import (
	"strings"
	"testing"
)

func TestPropertiesOfRequestsAnsweredTogether(t *testing.T) {
	for _, one := range []struct {
		size, delay, threads string
		concurrent           int
		want                 together
		refused              string
	}{
		{concurrent: 1, want: together{size: 1}},
		{size: "1", concurrent: 1, want: together{size: 1, delayMS: 2}},
		{size: "32", concurrent: 64, want: together{size: 32, delayMS: 2}},
		{size: "32", delay: "0.5", concurrent: 32, want: together{size: 32, delayMS: 0.5}},
		{size: "32", delay: "0", concurrent: 32, want: together{size: 32}},
		{size: "many", concurrent: 1, refused: "not a number of requests"},
		{size: "0", concurrent: 1, refused: "not a number of requests"},
		{size: "1001", concurrent: 1000, refused: "not a number of requests"},
		{size: "2", delay: "NaN", concurrent: 2, refused: "not a number of milliseconds"},
		{size: "2", delay: "-1", concurrent: 2, refused: "not a number of milliseconds"},
		{size: "2", delay: "1001", concurrent: 2, refused: "not a number of milliseconds"},
		{size: "2", concurrent: 1, refused: "an instance gets 1 at once"},
		{size: "2", concurrent: 8, threads: "4", refused: "makes several calls at once"},
	} {
		s := Settings{Properties: map[string]string{}, EnvironmentVariables: map[string]string{}}
		s.RequestSettings.MaxConcurrentRequests = one.concurrent
		for name, value := range map[string]string{togetherProperty: one.size, delayProperty: one.delay} {
			if value != "" {
				s.Properties[name] = value
			}
		}
		if one.threads != "" {
			s.EnvironmentVariables[threadsVariable] = one.threads
		}
		err := s.checkTogether()
		if one.refused != "" {
			if err == nil || !strings.Contains(err.Error(), one.refused) {
				t.Errorf("%+v: got %v", one, err)
			}
			continue
		}
		if got, _ := s.together(); err != nil || got != one.want {
			t.Errorf("%+v: got %+v, %v", one, got, err)
		}
	}
}

func TestOtherBatchesNeedOtherReplicas(t *testing.T) {
	one := Settings{Properties: map[string]string{"team": "a"}}
	two := Settings{Properties: map[string]string{"team": "b"}}
	if !one.sameReplicas(two) {
		t.Error("a property that is none of the worker's business needs new replicas")
	}
	two.Properties[togetherProperty] = "8"
	if one.sameReplicas(two) {
		t.Error("replicas go on with the old size of a batch")
	}
}
