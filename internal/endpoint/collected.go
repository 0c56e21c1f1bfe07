package endpoint

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/collect"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/data"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Properties of a deployment that say more about what it collects than Azure's
// files can.
const (
	// withoutProperty names columns that are never written, as in "name, email".
	withoutProperty = "atelier.collected_drop_columns"
	// daysProperty is for how many days what was collected is kept.
	daysProperty = "atelier.collected_days"
)

const maxCollectedDays = 36_500

// collecting is what the properties of a deployment say of its collections.
type collecting struct {
	without collect.Fields
	keep    time.Duration // 0 for ever
}

func collectingOf(properties map[string]string) (c collecting, err error) {
	if c.without, err = collect.ParseFields(properties[withoutProperty]); err != nil {
		return c, atelier.Public(err).At("properties." + withoutProperty)
	}
	if text, ok := properties[daysProperty]; ok {
		days, err := strconv.Atoi(text)
		if err != nil || days < 1 || days > maxCollectedDays {
			return c, atelier.Errorf(atelier.Invalid, "%q is not a number of days.", atelier.Clip(text, 40)).
				At("properties."+daysProperty).WithHint("Give a whole number from 1 to %d.", maxCollectedDays)
		}
		c.keep = time.Duration(days) * 24 * time.Hour
	}
	return c, nil
}

// collectTask says what the collectors of a deployment's worker keep.
func collectTask(d Deployment, workspace string) *compute.Collect {
	var names []string
	for _, name := range d.DataCollector.Enabled() {
		if name != collect.Request && name != collect.Response {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	more, _ := collectingOf(d.Properties) // checked when they were set
	return &compute.Collect{Collections: names, SamplingRate: d.DataCollector.Rate(), Without: slices.Sorted(maps.Keys(more.without)),
		Source: collectSource(workspace, d.Endpoint, d.Name), ModelVersion: d.modelVersion()}
}

func collectSource(workspace, endpoint, deployment string) string {
	return "/workspaces/" + workspace + "/onlineEndpoints/" + endpoint + "/deployments/" + deployment
}

func (d Deployment) modelVersion() string {
	if d.source.Model == nil {
		return "default"
	}
	return d.source.Model.Version
}

// keepAssets makes a data asset of every collection that is on.
func keepAssets(ctx context.Context, tx *sqldb.Tx, d Deployment) error {
	for _, name := range d.DataCollector.Enabled() {
		key := collect.Key{Endpoint: d.Endpoint, Deployment: d.Name, Collection: name}
		asset, version := d.DataCollector.Asset(key)
		folder := d.DataCollector.Place(key).Folder
		err := data.InsertOpen(ctx, tx, d.Workspace, data.Version{Name: asset, Version: version, Type: data.Folder, Path: collect.URI(folder),
			Reference:   &data.Reference{Datastore: atelier.DefaultDatastore, Path: folder},
			Description: "What the deployment " + d.Name + " of the endpoint " + d.Endpoint + " collects as " + name + ".",
			Tags:        map[string]string{}, Properties: map[string]string{"endpoint": d.Endpoint, "deployment": d.Name, "collection": name},
			CreatedBy: d.CreatedBy})
		if err != nil {
			return atelier.Public(err).At("data_collector.collections." + name + ".data")
		}
	}
	return nil
}

// announceAssets tells that there are the data assets of what d collects.
func (s *Service) announceAssets(ctx context.Context, d Deployment) {
	for _, name := range d.DataCollector.Enabled() {
		asset, version := d.DataCollector.Asset(collect.Key{Endpoint: d.Endpoint, Deployment: d.Name, Collection: name})
		s.Data.Registered(ctx, d.Workspace, data.Version{Name: asset, Version: version})
	}
}

// AppendCollected keeps lines that the collectors of a replica's worker wrote.
func (s *Service) AppendCollected(ctx context.Context, ws, task, collection string, batch collect.Batch) error {
	if err := ownTask(ctx, task); err != nil {
		return err
	}
	if err := collect.CheckName(collection); err != nil {
		return err
	}
	var settings *collect.Settings
	var r Replica
	err := s.DB.Read(ctx, func(tx *sqldb.Tx) (err error) {
		if r, err = selectReplica(ctx, tx, ws, task); err != nil {
			return err
		}
		d, err := selectDeployment(ctx, tx, ws, r.endpoint, r.deployment)
		if atelier.CodeOf(err) == atelier.NotFound {
			return nil // it ends, and this is what it still has
		}
		settings = d.DataCollector
		return err
	})
	if err != nil {
		return err
	}
	key := collect.Key{Endpoint: r.endpoint, Deployment: r.deployment, Collection: collection}
	batch.Writer = r.ID
	return s.Collected.Append(ctx, ws, settings.Place(key), batch)
}

// CollectedCollection is what a deployment has collected as one collection.
type CollectedCollection struct {
	collect.Summary
	Enabled bool   `json:"enabled" doc:"Whether more comes."`
	Asset   string `json:"data_asset" doc:"As which it can be read: azureml:NAME:VERSION."`
}

// CollectedBy returns what a deployment has collected. A deployment that is gone
// has left what it collected.
func (s *Service) CollectedBy(ctx context.Context, ws, endpoint, deployment string) ([]CollectedCollection, error) {
	found, err := s.Collected.Collections(ctx, ws, endpoint, deployment)
	if err != nil {
		return nil, err
	}
	d, err := s.Deployment(ctx, ws, endpoint, deployment)
	if err != nil && (atelier.CodeOf(err) != atelier.NotFound || len(found) == 0) {
		return nil, err
	}
	there := map[string]collect.Summary{}
	for _, one := range found {
		there[one.Collection] = one
	}
	for _, name := range d.DataCollector.Enabled() {
		if _, ok := there[name]; !ok {
			there[name] = collect.Summary{Key: collect.Key{Endpoint: endpoint, Deployment: deployment, Collection: name}}
		}
	}
	all := []CollectedCollection{}
	for _, name := range slices.Sorted(maps.Keys(there)) {
		one := there[name]
		asset, version := d.DataCollector.Asset(one.Key)
		one.Path = d.DataCollector.Place(one.Key).Folder
		all = append(all, CollectedCollection{Summary: one, Enabled: d.DataCollector.On(name), Asset: "azureml:" + asset + ":" + version})
	}
	return all, nil
}

// CollectedRows returns a page of a collection's events, the newest first.
func (s *Service) CollectedRows(ctx context.Context, ws string, of collect.Key, maxResults int, pageToken string) (atelier.Page[collect.Event], error) {
	if err := s.checkCollection(ctx, ws, of); err != nil {
		return atelier.Page[collect.Event]{}, err
	}
	return s.Collected.Rows(ctx, ws, of, maxResults, pageToken)
}

// DeleteCollected removes what a collection has from before a time, or with a zero
// time everything.
func (s *Service) DeleteCollected(ctx context.Context, ws string, of collect.Key, before time.Time) (collect.Deleted, error) {
	if err := s.checkCollection(ctx, ws, of); err != nil {
		return collect.Deleted{}, err
	}
	if before.IsZero() {
		before = s.Clock.Now().Add(time.Minute)
	}
	return s.Collected.Delete(ctx, ws, of, before)
}

// checkCollection returns a NotFound error for a collection that never was.
func (s *Service) checkCollection(ctx context.Context, ws string, of collect.Key) error {
	all, err := s.CollectedBy(ctx, ws, of.Endpoint, of.Deployment)
	if err != nil {
		return err
	}
	var names []string
	for _, one := range all {
		if one.Collection == of.Collection {
			return nil
		}
		names = append(names, one.Collection)
	}
	if len(names) == 0 {
		return atelier.Errorf(atelier.NotFound, "The deployment %q collects nothing.", of.Deployment).
			WithHint("Its data_collector says what it collects.")
	}
	return atelier.Errorf(atelier.NotFound, "The deployment %q has no collection %q.", of.Deployment, atelier.Clip(of.Collection, 60)).
		WithHint("It has %s.", strings.Join(names, ", "))
}

// expireEvery is how often old rows are looked for.
const expireEvery = time.Hour

// collect tells the router what to keep of d's requests, and removes what was kept
// for long enough.
func (k *keeper) collect(ctx context.Context, d *Deployment) error {
	var kept *payloads
	if d.DataCollector.On(collect.Request) || d.DataCollector.On(collect.Response) {
		names, err := k.workspaceNames(ctx)
		if err != nil {
			return err
		}
		kept = payloadsOf(d, names[d.Workspace])
	}
	k.router.pool(k.deployment(d.Name)).collect(kept)
	return k.expire(ctx, d)
}

// expire removes what a deployment has collected for longer than it is kept.
func (k *keeper) expire(ctx context.Context, d *Deployment) error {
	now := k.Clock.Now()
	more, _ := collectingOf(d.Properties) // checked when they were set
	if more.keep == 0 || now.Before(k.expireAfter[d.Name]) {
		return nil
	}
	k.expireAfter[d.Name] = now.Add(expireEvery)
	gone, err := k.Collected.Delete(ctx, d.Workspace, collect.Key{Endpoint: d.Endpoint, Deployment: d.Name}, now.Add(-more.keep))
	if gone.Files > 0 {
		k.Log.Info("remove old collected rows", "endpoint", d.Endpoint, "deployment", d.Name, "rows", gone.Rows)
	}
	return err
}

// payloads say what of a deployment's requests and answers the router keeps.
type payloads struct {
	settings *collect.Settings
	without  collect.Fields
	key      collect.Key
	// workspace and source are as events name them.
	workspace, source, model string
}

func payloadsOf(d *Deployment, workspace string) *payloads {
	more, _ := collectingOf(d.Properties) // checked when they were set
	return &payloads{settings: d.DataCollector, without: more.without, key: collect.Key{Endpoint: d.Endpoint, Deployment: d.Name},
		workspace: d.Workspace, source: collectSource(workspace, d.Endpoint, d.Name), model: d.modelVersion()}
}

// sampled reports whether this request is one that is kept.
func (p *payloads) sampled(m message) bool {
	return p != nil && asksModel(m.path) && collect.Sampled(m.request.RequestID, p.settings.Rate())
}

// record keeps a request, and what was answered where something was.
func (r *Router) record(p *payloads, m message, status int, header http.Header, body []byte) {
	payload := collect.Payload{Workspace: p.workspace, Source: p.source, Model: p.model, RequestID: m.request.RequestID, Without: p.without}
	keep := func(collection, contentType string, headers map[string]string, body []byte) {
		if !p.settings.On(collection) {
			return
		}
		one := payload
		key := p.key
		key.Collection = collection
		one.To, one.Type, one.Headers, one.Body = p.settings.Place(key), contentType, headers, body
		if collection == collect.Response {
			one.Status = status
		}
		r.recorder.Record(one)
	}
	keep(collect.Request, m.request.Headers["content-type"], p.captured(func(name string) string { return m.request.Headers[name] }), m.body)
	if status != 0 {
		keep(collect.Response, header.Get("Content-Type"), p.captured(header.Get), body)
	}
}

// Record writes what is recorded until ctx ends.
func (r *Router) Record(ctx context.Context) error { return r.recorder.Run(ctx) }

// maxCopied is how much of an answer is kept.
const maxCopied = 32 << 20

// copied is an answer of which a copy is kept.
type copied struct {
	http.ResponseWriter
	body []byte
}

func (c *copied) Write(p []byte) (int, error) {
	if room := maxCopied - len(c.body); room > 0 {
		c.body = append(c.body, p[:min(room, len(p))]...)
	}
	return c.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (c *copied) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// captured are the headers that are kept beside a payload.
func (p *payloads) captured(value func(name string) string) map[string]string {
	if p.settings.RequestLogging == nil {
		return nil
	}
	found := map[string]string{}
	for _, name := range p.settings.RequestLogging.CaptureHeaders {
		if text := value(strings.ToLower(name)); text != "" {
			found[strings.ToLower(name)] = text
		}
	}
	return found
}
