package endpoint

import (
	"context"
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/atelier-ml/atelier/internal/collect"
)

// What Prometheus is told of each deployment.
var (
	deploymentLabels = []string{"workspace", "endpoint", "deployment"}

	requestsTotal = prometheus.NewDesc("atelier_endpoint_requests_total",
		"Scoring requests that were answered, by the status of the answer.", append(deploymentLabels, "status"), nil)
	requestSeconds = prometheus.NewDesc("atelier_endpoint_request_duration_seconds",
		"How long scoring requests took in the router and the worker.", deploymentLabels, nil)
	requestsInFlight = prometheus.NewDesc("atelier_endpoint_requests_in_flight",
		"Scoring requests that a worker answers now.", deploymentLabels, nil)
	requestsWaiting = prometheus.NewDesc("atelier_endpoint_requests_waiting",
		"Scoring requests that wait for a free place.", deploymentLabels, nil)
	replicasReady = prometheus.NewDesc("atelier_endpoint_replicas_ready",
		"Replicas that answer.", deploymentLabels, nil)
	collectedRows = prometheus.NewDesc("atelier_collected_rows_total",
		"Rows of collected data that were kept.", append(deploymentLabels, "collection"), nil)
	collectedDropped = prometheus.NewDesc("atelier_collected_dropped_rows_total",
		"Rows of collected data that could not be kept.", append(deploymentLabels, "collection"), nil)
)

// collector gives the router's figures to Prometheus, of one workspace or of all.
type collector struct {
	router *Router
	rows   *collect.Service
	only   string            // the id of the one workspace, or ""
	names  map[string]string // of workspaces, by id
}

// Describe is prometheus.Collector's.
func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{requestsTotal, requestSeconds, requestsInFlight, requestsWaiting, replicasReady, collectedRows, collectedDropped} {
		out <- desc
	}
}

// Collect is prometheus.Collector's.
func (c collector) Collect(out chan<- prometheus.Metric) {
	c.router.mu.RLock()
	defer c.router.mu.RUnlock()
	for key, p := range c.router.pools {
		if c.only != "" && c.only != key.workspace {
			continue
		}
		labels := []string{c.names[key.workspace], key.endpoint, key.name}
		c.collect(out, p, labels)
	}
	c.rows.Counts(c.only, func(ws string, of collect.Key, n collect.Count) {
		labels := []string{c.names[ws], of.Endpoint, of.Deployment, of.Collection}
		out <- prometheus.MustNewConstMetric(collectedRows, prometheus.CounterValue, float64(n.Kept), labels...)
		out <- prometheus.MustNewConstMetric(collectedDropped, prometheus.CounterValue, float64(n.Dropped), labels...)
	})
}

func (c collector) collect(out chan<- prometheus.Metric, p *pool, labels []string) {
	gauge := func(desc *prometheus.Desc, value int) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), labels...)
	}
	busy, waiting := p.load()
	gauge(requestsInFlight, busy)
	gauge(requestsWaiting, waiting)
	gauge(replicasReady, p.size())
	statuses, count, seconds, buckets := p.stats.histogram()
	for status, n := range statuses {
		out <- prometheus.MustNewConstMetric(requestsTotal, prometheus.CounterValue, float64(n), append(labels, strconv.Itoa(status))...)
	}
	out <- prometheus.MustNewConstHistogram(requestSeconds, count, seconds, buckets, labels...)
}

// ServeMetrics answers Prometheus with what the deployments of one workspace,
// or with "" of all, have answered since the server started.
func (s *Service) ServeMetrics(w http.ResponseWriter, req *http.Request, workspace string) {
	names, err := s.workspaceNames(req.Context())
	if err != nil {
		http.Error(w, "The workspaces cannot be read.", http.StatusInternalServerError)
		return
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector{router: s.router, rows: s.Collected, only: workspace, names: names})
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, req)
}

func (s *Service) workspaceNames(ctx context.Context) (map[string]string, error) {
	all, err := s.Workspaces.List(ctx)
	names := map[string]string{}
	for _, ws := range all {
		names[ws.ID] = ws.Name
	}
	return names, err
}
