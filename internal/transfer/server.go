package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// server is a running MLflow server, read by its REST API.
type server struct {
	faults
	address string // no closing slash
	auth    string // the header Authorization, empty for none
	http    *http.Client
	models  map[string]map[string][]loggedModel // by experiment and run
}

// Login is how a server is asked; both may be empty.
type Login struct{ Token, User, Password string }

func (l Login) header(from *url.Userinfo) string {
	user, password := l.User, l.Password
	if from != nil {
		user = from.Username()
		password, _ = from.Password()
	}
	switch {
	case user != "":
		request := http.Request{Header: http.Header{}}
		request.SetBasicAuth(user, password)
		return request.Header.Get("Authorization")
	case l.Token != "":
		return "Bearer " + l.Token
	}
	return ""
}

func openServer(ctx context.Context, target string, login Login) (Source, error) {
	address, err := url.Parse(target)
	if err != nil || address.Host == "" {
		return nil, atelier.Errorf(atelier.Invalid, "%s is not the address of a server.", atelier.Clip(target, 100))
	}
	s := &server{address: strings.TrimRight(address.Scheme+"://"+address.Host+address.Path, "/"), auth: login.header(address.User),
		http: &http.Client{}, models: map[string]map[string][]loggedModel{}}
	if _, err := s.Experiments(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *server) Close() error {
	s.http.CloseIdleConnections()
	return nil
}

// tries is how often a request is made while the server is away for a moment.
const tries = 4

// get asks for path and returns the answer, which is one of success.
func (s *server) get(ctx context.Context, method, path string, query url.Values, body any) (io.ReadCloser, error) {
	for try := 1; ; try++ {
		answer, err := s.once(ctx, method, path, query, body)
		if err == nil && answer.StatusCode < 300 {
			return answer.Body, nil
		}
		if err == nil {
			err = s.refusal(answer)
		} else {
			err = atelier.Errorf(atelier.Unavailable, "The server at %s does not answer: %w.", s.address, errors.Unwrap(err))
		}
		if try == tries || atelier.CodeOf(err) != atelier.Unavailable || ctx.Err() != nil {
			return nil, err
		}
		select {
		case <-clock.System{}.After(200 * time.Millisecond << try):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *server) once(ctx context.Context, method, path string, query url.Values, body any) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = strings.NewReader(string(text))
	}
	address := s.address + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, method, address, content)
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if s.auth != "" {
		request.Header.Set("Authorization", s.auth)
	}
	return s.http.Do(request)
}

// refusal is the error of an answer that is not one of success.
func (s *server) refusal(answer *http.Response) error {
	defer answer.Body.Close()
	var failure struct {
		Message string `json:"message"`
	}
	json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&failure)
	code, hint := atelier.Internal, ""
	switch answer.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		code, hint = atelier.Unauthenticated, "Set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
	case http.StatusNotFound:
		code = atelier.NotFound
	case http.StatusBadRequest:
		code = atelier.Invalid
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		code = atelier.Unavailable
	}
	return atelier.Errorf(code, "The server at %s answered %s: %s", s.address, answer.Status, atelier.Clip(failure.Message, 300)).WithHint("%s", hint)
}

const maxAnswer = 512 << 20

// ask reads one JSON answer of MLflow's API into out.
func (s *server) ask(ctx context.Context, method, path string, query url.Values, in, out any) error {
	body, err := s.get(ctx, method, "/api/2.0/mlflow/"+path, query, in)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := json.NewDecoder(io.LimitReader(body, maxAnswer)).Decode(out); err != nil {
		return atelier.Errorf(atelier.Unavailable, "The answer of the server at %s cannot be read: %w.", s.address, err)
	}
	return nil
}

func (s *server) Experiments(ctx context.Context) ([]Experiment, error) {
	var all []Experiment
	for token := ""; ; {
		var page struct {
			Experiments []struct {
				ID      string `json:"experiment_id"`
				Name    string `json:"name"`
				Stage   string `json:"lifecycle_stage"`
				Tags    pairs  `json:"tags"`
				Created *whole `json:"creation_time"`
				Updated *whole `json:"last_update_time"`
			} `json:"experiments"`
			Next string `json:"next_page_token"`
		}
		err := s.ask(ctx, http.MethodPost, "experiments/search", nil, map[string]any{"max_results": 1000, "view_type": "ALL", "page_token": token}, &page)
		if err != nil {
			return nil, err
		}
		for _, e := range page.Experiments {
			all = append(all, Experiment{ID: e.ID, Name: e.Name, Deleted: e.Stage == tracking.Deleted, Tags: e.Tags.plain(),
				CreatedAt: e.Created.timeOrNil(), UpdatedAt: e.Updated.timeOrNil()})
		}
		if token = page.Next; token == "" {
			return all, nil
		}
	}
}

func (s *server) Runs(ctx context.Context, experiment Experiment) ([]string, error) {
	ids := []string{}
	for token := ""; ; {
		var page struct {
			Runs []struct {
				Info runInfo `json:"info"`
			} `json:"runs"`
			Next string `json:"next_page_token"`
		}
		err := s.ask(ctx, http.MethodPost, "runs/search", nil, map[string]any{"experiment_ids": []string{experiment.ID}, "run_view_type": "ALL",
			"max_results": 1000, "page_token": token}, &page)
		if err != nil {
			return nil, err
		}
		for _, run := range page.Runs {
			ids = append(ids, run.Info.ID)
		}
		if token = page.Next; token == "" {
			slices.Sort(ids)
			return slices.Compact(ids), nil // a run may move to the next page while others are added
		}
	}
}

func (s *server) Run(ctx context.Context, experiment Experiment, id string) (Run, error) {
	var answer runAnswer
	if err := s.ask(ctx, http.MethodGet, "runs/get", url.Values{"run_id": {id}}, nil, &answer); err != nil {
		return Run{}, err
	}
	run := answer.run(id)
	models, err := s.loggedModels(ctx, experiment.ID)
	for _, m := range models[id] {
		run.Models = append(run.Models, m.model())
		run.ModelURIs[m.Info.ID] = m.Info.URI
	}
	return run, err
}

// loggedModels returns the logged models of an experiment by run, read once. A
// server before MLflow 3 has none.
func (s *server) loggedModels(ctx context.Context, experiment string) (map[string][]loggedModel, error) {
	if known, ok := s.models[experiment]; ok {
		return known, nil
	}
	byRun := map[string][]loggedModel{}
	for token := ""; ; {
		var page struct {
			Models []loggedModel `json:"models"`
			Next   string        `json:"next_page_token"`
		}
		err := s.ask(ctx, http.MethodPost, "logged-models/search", nil, map[string]any{"experiment_ids": []string{experiment}, "max_results": 50, "page_token": token}, &page)
		if atelier.CodeOf(err) == atelier.NotFound {
			break
		}
		if err != nil {
			return nil, err
		}
		for _, m := range page.Models {
			if m.Info.Run == "" {
				s.add("the logged model %s: it belongs to no run, so it is left out", m.Info.ID)
				continue
			}
			byRun[m.Info.Run] = append(byRun[m.Info.Run], m)
		}
		if token = page.Next; token == "" {
			break
		}
	}
	s.models[experiment] = byRun
	return byRun, nil
}

func (s *server) Points(ctx context.Context, run Run, each func(tracking.Metric) error) error {
	var answer runAnswer
	if err := s.ask(ctx, http.MethodGet, "runs/get", url.Values{"run_id": {run.ID}}, nil, &answer); err != nil {
		return err
	}
	measures := s.measures(run)
	for _, latest := range answer.Run.Data.Metrics {
		seen := map[exact]bool{}
		for _, m := range measures[latest.Key] {
			seen[exactly(m)] = false
		}
		err := s.history(ctx, run.ID, latest.Key, func(m tracking.Metric) error {
			if len(seen) > 0 { // otherwise not worth a look at every point
				if _, asked := seen[exactly(m)]; asked {
					seen[exactly(m)] = true
				}
			}
			return each(m)
		})
		if err != nil {
			return err
		}
		for _, m := range measures[latest.Key] {
			if !seen[exactly(m)] { // MLflow's databases keep NaN of a logged model as 0
				continue
			}
			if err := each(m); err != nil {
				return err
			}
		}
	}
	return nil
}

// measures are the latest points that the run logged for logged models, by key.
func (s *server) measures(run Run) map[string][]tracking.Metric {
	byKey := map[string][]tracking.Metric{}
	for _, models := range s.models[run.Experiment] {
		for _, model := range models {
			for _, m := range model.Data.Metrics {
				if m.Run == run.ID {
					point := m.metric()
					point.ModelID = model.Info.ID
					byKey[m.Key] = append(byKey[m.Key], point)
				}
			}
		}
	}
	return byKey
}

// history reads one metric. A server over a file store gives what was logged
// twice twice.
func (s *server) history(ctx context.Context, run, key string, each func(tracking.Metric) error) error {
	points := &unique{}
	defer points.close()
	for token := ""; ; {
		var page struct {
			Metrics []metric `json:"metrics"`
			Next    string   `json:"next_page_token"`
		}
		query := url.Values{"run_id": {run}, "metric_key": {key}, "max_results": {"25000"}}
		if token != "" {
			query.Set("page_token", token)
		}
		if err := s.ask(ctx, http.MethodGet, "metrics/get-history", query, nil, &page); err != nil {
			return err
		}
		for _, m := range page.Metrics {
			if err := points.add(m.metric().Point); err != nil {
				return err
			}
		}
		if token = page.Next; token == "" {
			return points.each(func(p series.Point) error { return each(tracking.Metric{Sample: series.Sample{Key: key, Point: p}}) })
		}
	}
}

// Traces counts page by page. A server that has no traces, or another way to ask
// for them, has none.
func (s *server) Traces(ctx context.Context, experiment Experiment) (n int, err error) {
	for token := ""; ; {
		var page struct {
			Traces []struct{} `json:"traces"`
			Next   string     `json:"next_page_token"`
		}
		query := url.Values{"experiment_ids": {experiment.ID}, "max_results": {"500"}}
		if token != "" {
			query.Set("page_token", token)
		}
		err := s.ask(ctx, http.MethodGet, "traces", query, nil, &page)
		if err != nil && stops(err) && atelier.CodeOf(err) != atelier.Internal {
			return 0, err
		}
		if err != nil {
			return n, nil
		}
		n += len(page.Traces)
		if token = page.Next; token == "" {
			return n, nil
		}
	}
}

type fileEntry struct {
	Path  string `json:"path"`
	IsDir bool   `json:"is_dir"`
	Size  *whole `json:"file_size"`
}

func (s *server) Files(ctx context.Context, owner Owner) ([]File, error) {
	var files []File
	for folders := []string{""}; len(folders) > 0; folders = folders[1:] {
		list, err := s.list(ctx, owner, folders[0])
		if err != nil && stops(err) && atelier.CodeOf(err) != atelier.Internal {
			return nil, err
		}
		if err != nil {
			s.add("run %s: its artifacts cannot be listed (%s)", owner.Run, reason(err))
			return files, nil
		}
		for _, entry := range list {
			if !below(entry.Path, folders[0]) { // a server that lies must not send us in circles
				s.add("run %s: the artifact %q is left out: it is not in its folder", owner.Run, atelier.Clip(entry.Path, 120))
				continue
			}
			if entry.IsDir {
				folders = append(folders, entry.Path)
				continue
			}
			file := File{Path: entry.Path, Far: true}
			if entry.Size != nil {
				file.Size = int64(*entry.Size)
			} else if empty, err := s.isEmpty(ctx, owner, entry.Path); err != nil || !empty {
				s.add("run %s: the artifact %q is left out: the server does not say how large it is", owner.Run, atelier.Clip(entry.Path, 120))
				continue
			}
			files = append(files, file)
		}
	}
	return files, nil
}

func (s *server) list(ctx context.Context, owner Owner, folder string) ([]fileEntry, error) {
	var answer struct {
		Files []fileEntry `json:"files"`
	}
	place, query, parameter := "artifacts/list", url.Values{"run_id": {owner.Run}}, "path"
	if owner.Model != "" {
		place, query, parameter = "logged-models/"+url.PathEscape(owner.Model)+"/artifacts/directories", url.Values{}, "artifact_directory_path"
	}
	if folder != "" {
		query.Set(parameter, folder)
	}
	err := s.ask(ctx, http.MethodGet, place, query, nil, &answer)
	return answer.Files, err
}

// isEmpty reports whether a file has no bytes: MLflow leaves out a size of 0, and
// one that it does not know.
func (s *server) isEmpty(ctx context.Context, owner Owner, name string) (bool, error) {
	content, err := s.Open(ctx, owner, name)
	if err != nil {
		return false, err
	}
	defer content.Close()
	_, err = content.Read(make([]byte, 1))
	if errors.Is(err, io.EOF) {
		return true, nil
	}
	return false, err
}

// below reports whether inner is a clean path below outer, where "" is the root.
func below(inner, outer string) bool {
	return inner != "" && path.Clean(inner) == inner && inner != outer && !strings.HasPrefix(inner, "../") && inner != ".." &&
		(outer == "" || strings.HasPrefix(inner, outer+"/"))
}

// Open downloads a file: through the proxy where the server keeps it, else by the
// route of MLflow's own pages, for which the server fetches it.
func (s *server) Open(ctx context.Context, owner Owner, name string) (io.ReadCloser, error) {
	if proxied, ok := strings.CutPrefix(owner.URI, "mlflow-artifacts:"); ok {
		if rest, ok := strings.CutPrefix(proxied, "//"); ok {
			_, proxied, _ = strings.Cut(rest, "/")
		}
		var escaped strings.Builder
		for part := range strings.SplitSeq(path.Join(proxied, name), "/") {
			if part != "" {
				fmt.Fprintf(&escaped, "/%s", url.PathEscape(part))
			}
		}
		return s.get(ctx, http.MethodGet, "/api/2.0/mlflow-artifacts/artifacts"+escaped.String(), nil, nil)
	}
	if owner.Model != "" {
		return s.get(ctx, http.MethodGet, "/ajax-api/2.0/mlflow/logged-models/"+url.PathEscape(owner.Model)+"/artifacts/files", url.Values{"artifact_file_path": {name}}, nil)
	}
	return s.get(ctx, http.MethodGet, "/get-artifact", url.Values{"run_uuid": {owner.Run}, "path": {name}}, nil)
}

// metric as MLflow's API has it.
type metric struct {
	Key       string       `json:"key"`
	Value     series.Value `json:"value"`
	Timestamp whole        `json:"timestamp"`
	Step      whole        `json:"step"`
	Run       string       `json:"run_id"`
	Dataset   string       `json:"dataset_name"`
	Digest    string       `json:"dataset_digest"`
}

func (m metric) metric() tracking.Metric {
	return tracking.Metric{Sample: series.Sample{Key: m.Key, Point: series.Point{Step: int64(m.Step), Timestamp: series.Timestamp(m.Timestamp), Value: m.Value + 0}},
		DatasetName: m.Dataset, DatasetDigest: m.Digest}
}
