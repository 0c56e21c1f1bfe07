package transfer

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/model"
	"github.com/atelier-ml/atelier/internal/tracking"
)

// whole is an int64 that MLflow writes as a number or as text.
type whole int64

func (n *whole) UnmarshalJSON(raw []byte) error {
	value, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
	*n = whole(value)
	return err
}

func (n whole) time() time.Time { return time.UnixMilli(int64(n)).UTC() }

func (n *whole) timeOrNil() *time.Time {
	if n == nil || *n == 0 {
		return nil
	}
	t := n.time()
	return &t
}

// pairs are a map as MLflow writes it.
type pairs []tracking.Pair

func (p pairs) plain() map[string]string {
	m := map[string]string{}
	for _, pair := range p {
		m[pair.Key] = pair.Value
	}
	return m
}

type runInfo struct {
	ID     string `json:"run_id"`
	Name   string `json:"run_name"`
	User   string `json:"user_id"`
	Status string `json:"status"`
	Stage  string `json:"lifecycle_stage"`
	URI    string `json:"artifact_uri"`
	Start  whole  `json:"start_time"`
	End    *whole `json:"end_time"`
}

type runAnswer struct {
	Run struct {
		Info runInfo `json:"info"`
		Data struct {
			Metrics []metric `json:"metrics"`
			Params  pairs    `json:"params"`
			Tags    pairs    `json:"tags"`
		} `json:"data"`
		Inputs struct {
			Datasets []struct {
				Tags    pairs `json:"tags"`
				Dataset struct {
					Name       string `json:"name"`
					Digest     string `json:"digest"`
					SourceType string `json:"source_type"`
					Source     string `json:"source"`
					Schema     string `json:"schema"`
					Profile    string `json:"profile"`
				} `json:"dataset"`
			} `json:"dataset_inputs"`
			Models []modelLink `json:"model_inputs"`
		} `json:"inputs"`
		Outputs struct {
			Models []modelLink `json:"model_outputs"`
		} `json:"outputs"`
	} `json:"run"`
}

type modelLink struct {
	ID   string `json:"model_id"`
	Step whole  `json:"step"`
}

func linksOf(all []modelLink) []tracking.ModelLink {
	var links []tracking.ModelLink
	for _, link := range all {
		links = append(links, tracking.ModelLink{ModelID: link.ID, Step: int64(link.Step)})
	}
	return links
}

func (a runAnswer) run(id string) Run {
	info := a.Run.Info
	run := Run{ImportRun: tracking.ImportRun{ID: id, Name: info.Name, User: info.User, StartedAt: info.Start.time(),
		Status: numbered(info.Status, tracking.RunStatuses(), tracking.Running), Params: a.Run.Data.Params.plain(), Tags: a.Run.Data.Tags.plain()},
		Deleted: info.Stage == tracking.Deleted, ArtifactURI: info.URI, ModelURIs: map[string]string{},
		ModelInputs: linksOf(a.Run.Inputs.Models), Outputs: linksOf(a.Run.Outputs.Models)}
	if info.End != nil && *info.End != 0 {
		ended := info.End.time()
		run.EndedAt = &ended
	}
	for _, input := range a.Run.Inputs.Datasets {
		d := input.Dataset
		run.Inputs = append(run.Inputs, tracking.Input{Name: d.Name, Digest: d.Digest, SourceType: d.SourceType, Source: d.Source,
			Schema: d.Schema, Profile: d.Profile, Tags: input.Tags.plain()})
	}
	return run
}

// loggedModel is one of MLflow 3.
type loggedModel struct {
	Info struct {
		ID      string `json:"model_id"`
		Name    string `json:"name"`
		Type    string `json:"model_type"`
		Status  string `json:"status"`
		Message string `json:"status_message"`
		Run     string `json:"source_run_id"`
		URI     string `json:"artifact_uri"`
		Created whole  `json:"creation_timestamp_ms"`
		Updated whole  `json:"last_updated_timestamp_ms"`
		Tags    pairs  `json:"tags"`
	} `json:"info"`
	Data struct {
		Params  pairs    `json:"params"`
		Metrics []metric `json:"metrics"`
	} `json:"data"`
}

func (m loggedModel) model() tracking.ImportModel {
	return tracking.ImportModel{ID: m.Info.ID, Name: m.Info.Name, Type: m.Info.Type, StatusMessage: m.Info.Message,
		Status: numbered(m.Info.Status, tracking.LoggedModelStatuses(), tracking.ModelReady),
		Params: m.Data.Params.plain(), Tags: m.Info.Tags.plain(), CreatedAt: m.Info.Created.time(), UpdatedAt: m.Info.Updated.time()}
}

// prompts is the filter for what MLflow keeps as models and leaves out of lists.
const prompts = "tags.`" + model.TagPrompt + "` = 'true'"

func (s *server) Models(ctx context.Context) ([]Model, error) {
	var all []Model
	for _, filter := range []string{"", prompts} {
		err := s.pages(ctx, "registered-models/search", filter, func(page registryPage) error {
			for _, found := range page.Models {
				if slices.ContainsFunc(all, func(m Model) bool { return m.Name == found.Name }) {
					continue
				}
				m := Model{Name: found.Name, Description: found.Description, Tags: found.Tags.plain(), Aliases: map[string]string{}, Times: found.times()}
				for _, alias := range found.Aliases {
					m.Aliases[alias.Alias] = alias.Version
				}
				var err error
				if m.Versions, err = s.versions(ctx, m.Name, filter); err != nil {
					return err
				}
				all = append(all, m)
			}
			return nil
		})
		if err != nil && (filter == "" || atelier.CodeOf(err) != atelier.Invalid) { // before MLflow 2.22 there were no prompts
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b Model) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// registryTimes are the times of what is in the registry.
type registryTimes struct {
	Created *whole `json:"creation_timestamp"`
	Updated *whole `json:"last_updated_timestamp"`
}

func (t registryTimes) times() model.Times {
	return model.Times{CreatedAt: t.Created.timeOrNil(), UpdatedAt: t.Updated.timeOrNil()}
}

type registryPage struct {
	Models []struct {
		registryTimes
		Name        string `json:"name"`
		Description string `json:"description"`
		Tags        pairs  `json:"tags"`
		Aliases     []struct {
			Alias   string `json:"alias"`
			Version string `json:"version"`
		} `json:"aliases"`
	} `json:"registered_models"`
	Versions []struct {
		registryTimes
		Version     string `json:"version"`
		Description string `json:"description"`
		Stage       string `json:"current_stage"`
		Source      string `json:"source"`
		Run         string `json:"run_id"`
		RunLink     string `json:"run_link"`
		Model       string `json:"model_id"`
		Tags        pairs  `json:"tags"`
	} `json:"model_versions"`
	Next string `json:"next_page_token"`
}

func (s *server) pages(ctx context.Context, place, filter string, each func(registryPage) error) error {
	for token := ""; ; {
		query := url.Values{"max_results": {"100"}}
		if filter != "" {
			query.Set("filter", filter)
		}
		if token != "" {
			query.Set("page_token", token)
		}
		var page registryPage
		if err := s.ask(ctx, http.MethodGet, place, query, nil, &page); err != nil {
			return err
		}
		if err := each(page); err != nil {
			return err
		}
		if token = page.Next; token == "" {
			return nil
		}
	}
}

func (s *server) versions(ctx context.Context, name, filter string) ([]Version, error) {
	quote := "'"
	if strings.Contains(name, "'") {
		quote = `"`
	}
	only := "name = " + quote + name + quote
	if filter != "" {
		only += " AND " + filter
	}
	var all []Version
	err := s.pages(ctx, "model-versions/search", only, func(page registryPage) error {
		for _, v := range page.Versions {
			all = append(all, Version{Number: v.Version, Description: v.Description, Stage: v.Stage, Source: v.Source, RunID: v.Run,
				RunLink: v.RunLink, ModelID: v.Model, Tags: v.Tags.plain(), Times: v.times()})
		}
		return nil
	})
	slices.SortFunc(all, func(a, b Version) int {
		return cmp.Or(cmp.Compare(len(a.Number), len(b.Number)), cmp.Compare(a.Number, b.Number))
	})
	return all, err
}
