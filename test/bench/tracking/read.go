package main

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"regexp"
)

func readScenarios() []scenario {
	return []scenario{
		{"seed", "runs", seedRuns},
		{"search-100", "runs", searchRuns(1, 100, "")},
		{"search-1000", "runs", searchRuns(1, 1000, "")},
		{"search-filter", "runs", searchRuns(1, 100, "metrics.accuracy > 0.99")},
		{"search-100-16", "runs", searchRuns(16, 100, "")},
		{"search-walk", "runs", walkRuns},
		{"get-run", "calls", getRun(1, narrowRun)},
		{"get-run-16", "calls", getRun(16, narrowRun)},
		{"get-run-1000-keys", "calls", getRun(1, wideRun)},
		{"history", "points", wholeHistory},
		{"history-sampled", "points", sampledHistory},
	}
}

func seedRuns(ctx context.Context, b *bench) (result, error) {
	s, err := b.seed(ctx)
	if err != nil {
		return result{}, err
	}
	found, err := b.client.walk(ctx, search{Experiments: []string{s.experiment}, Most: walkPage})
	if err != nil {
		return s.result, err
	}
	return s.result, expect("runs", found, s.result.items)
}

// searchRuns asks for the first page of the runs, ordered by each of their
// metrics in turn, upwards and downwards.
func searchRuns(clients, size int, filter string) measure {
	return func(ctx context.Context, b *bench) (result, error) {
		s, err := b.seed(ctx)
		if err != nil {
			return result{}, err
		}
		return b.searches(ctx, s, clients, search{Filter: filter, Most: size})
	}
}

func (b *bench) searches(ctx context.Context, s *seeding, clients int, asked search) (result, error) {
	asked.Experiments = []string{s.experiment}
	var bodies [][]byte
	for _, key := range seedKeys {
		for _, direction := range []string{"ASC", "DESC"} {
			asked.Order = []string{"metrics." + key + " " + direction}
			bodies = append(bodies, asked.body())
		}
	}
	want, err := b.checkSearches(ctx, asked, bodies)
	if err != nil {
		return result{}, err
	}
	return b.drive(ctx, load{clients: clients, do: func(ctx context.Context, c *caller) error {
		body := bodies[(c.number+c.done)%len(bodies)]
		return c.timed(want, func() error { return b.client.post(ctx, api+"runs/search", body, nil) })
	}})
}

// checkSearches looks whether every page is as long as it can be and in order,
// and returns how long.
func (b *bench) checkSearches(ctx context.Context, asked search, bodies [][]byte) (int, error) {
	want := asked.Most
	if asked.Filter != "" {
		found, err := b.client.walk(ctx, search{Experiments: asked.Experiments, Filter: asked.Filter, Most: walkPage})
		if err != nil {
			return 0, err
		}
		want = min(want, found)
	}
	for i, body := range bodies {
		var page runsPage
		if err := b.client.post(ctx, api+"runs/search", body, &page); err != nil {
			return 0, err
		}
		if len(page.Runs) != want {
			return 0, fmt.Errorf("a page has %d runs instead of %d", len(page.Runs), want)
		}
		sign := 1 - 2*float64(i%2)
		for j := 1; j < len(page.Runs); j++ {
			former, _ := page.Runs[j-1].metric(seedKeys[i/2])
			latter, ok := page.Runs[j].metric(seedKeys[i/2])
			if !ok || sign*former.Value > sign*latter.Value {
				return 0, fmt.Errorf("a page is not in the order of %s", seedKeys[i/2])
			}
		}
	}
	return want, nil
}

func walkRuns(ctx context.Context, b *bench) (result, error) {
	s, err := b.seed(ctx)
	if err != nil {
		return result{}, err
	}
	asked := search{Experiments: []string{s.experiment}, Order: []string{"metrics.loss DESC"}, Most: walkPage}
	return b.drive(ctx, load{clients: 1, do: func(ctx context.Context, c *caller) error {
		return c.timed(s.result.items, func() error {
			found, err := b.client.walk(ctx, asked)
			if err == nil && found != s.result.items {
				err = fmt.Errorf("the pages had %d runs, and there are %d", found, s.result.items)
			}
			return err
		})
	}})
}

// narrowRun is one of the many runs; wideRun has a thousand metrics.
func narrowRun(ctx context.Context, b *bench) (string, int, error) {
	s, err := b.seed(ctx)
	if err != nil {
		return "", 0, err
	}
	return s.run, len(seedKeys), nil
}

func wideRun(ctx context.Context, b *bench) (string, int, error) {
	runs, err := b.trainings(ctx, 1)
	if err != nil {
		return "", 0, err
	}
	return runs[0].run, wideKeys, b.client.post(ctx, api+"runs/log-batch", names(runs[0], 0), nil)
}

func getRun(clients int, made func(context.Context, *bench) (string, int, error)) measure {
	return func(ctx context.Context, b *bench) (result, error) {
		id, metrics, err := made(ctx, b)
		if err != nil {
			return result{}, err
		}
		read, err := b.client.run(ctx, id)
		if err == nil && len(read.Data.Metrics) != metrics {
			err = fmt.Errorf("the run has %d metrics instead of %d", len(read.Data.Metrics), metrics)
		}
		if err != nil {
			return result{}, err
		}
		query := url.Values{"run_id": {id}}
		return b.drive(ctx, load{clients: clients, do: func(ctx context.Context, c *caller) error {
			return c.timed(1, func() error { return b.client.get(ctx, api+"runs/get", query, nil) })
		}})
	}
}

// longPoints is how long the history is that charts are drawn from.
const longPoints = 100_000

// longRun is a run with one long metric.
func (b *bench) longRun(ctx context.Context) (string, error) {
	if b.long != "" {
		return b.long, nil
	}
	runs, err := b.trainings(ctx, 1)
	if err != nil {
		return "", err
	}
	for range longPoints / batchPoints {
		if err := b.client.post(ctx, api+"runs/log-batch", runs[0].batch(batchPoints, 1), nil); err != nil {
			return "", err
		}
	}
	b.long = runs[0].run
	return b.long, nil
}

// wholeHistory reads all points of a metric. Its answer is counted first, and
// must have as many bytes each time after that.
func wholeHistory(ctx context.Context, b *bench) (result, error) {
	id, err := b.longRun(ctx)
	if err != nil {
		return result{}, err
	}
	if found, err := b.client.history(ctx, id, keys[0]); err != nil || found != longPoints {
		return result{}, fmt.Errorf("the history has %d points instead of %d: %v", found, longPoints, err)
	}
	length, err := b.client.skimHistory(ctx, id, keys[0])
	if err != nil {
		return result{}, err
	}
	return b.drive(ctx, load{clients: 1, do: func(ctx context.Context, c *caller) error {
		return c.timed(longPoints, func() error {
			got, err := b.client.skimHistory(ctx, id, keys[0])
			if err == nil && got != length {
				err = fmt.Errorf("the history has %d bytes instead of %d", got, length)
			}
			return err
		})
	}})
}

// sampledHistory asks for what MLflow's own chart draws.
func sampledHistory(ctx context.Context, b *bench) (result, error) {
	id, err := b.longRun(ctx)
	if err != nil {
		return result{}, err
	}
	path := pages + "metrics/get-history-bulk-interval"
	query := url.Values{"run_ids": {id}, "metric_key": {keys[0]}, "max_results": {"320"}}
	var page metricsPage
	if err := b.client.get(ctx, path, query, &page); err != nil {
		return result{}, err
	}
	if n := len(page.Metrics); n < 320 || n > 330 {
		return result{}, fmt.Errorf("320 points were asked for, and %d came", n)
	}
	return b.drive(ctx, load{clients: 1, do: func(ctx context.Context, c *caller) error {
		return c.timed(len(page.Metrics), func() error { return b.client.get(ctx, path, query, nil) })
	}})
}

// nextPage finds where the next page begins in the text of an answer, whose
// decoding would take the load program longer than the server took to make it.
var nextPage = regexp.MustCompile(`"next_page_token": ?"([^"]+)"`)

// skimHistory reads every page of a history and returns how many bytes they have.
func (c *client) skimHistory(ctx context.Context, run, key string) (int, error) {
	query := historyQuery(run, key)
	length := 0
	for {
		answer, err := c.send(ctx, "GET", api+"metrics/get-history?"+query.Encode(), nil, 0)
		if err != nil {
			return length, err
		}
		var text bytes.Buffer
		text.Grow(int(max(answer.ContentLength, 0)) + bytes.MinRead)
		_, err = text.ReadFrom(answer.Body)
		answer.Body.Close()
		length += text.Len()
		token := nextPage.FindSubmatch(text.Bytes()[max(0, text.Len()-1000):])
		if err != nil || token == nil {
			return length, err
		}
		query.Set("page_token", string(token[1]))
	}
}
