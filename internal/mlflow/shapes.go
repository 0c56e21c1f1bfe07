package mlflow

import (
	"maps"
	"slices"

	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// each applies fn to every element of list.
func each[A, B any](list []A, fn func(A) B) []B {
	out := make([]B, len(list))
	for i, item := range list {
		out[i] = fn(item)
	}
	return out
}

func texts(ids []identifier) []string {
	return each(ids, func(id identifier) string { return string(id) })
}

// pairs returns m as MLflow's list of keys and values, ordered by key.
func pairs(m map[string]string) []tracking.Pair {
	var list []tracking.Pair
	for _, key := range slices.Sorted(maps.Keys(m)) {
		list = append(list, tracking.Pair{Key: key, Value: m[key]})
	}
	return list
}

func tagMap(tags []tracking.Pair) map[string]string {
	m := map[string]string{}
	for _, tag := range tags {
		m[tag.Key] = tag.Value
	}
	return m
}

type metric struct {
	Key           string       `json:"key"`
	Value         series.Value `json:"value"`
	Timestamp     int64        `json:"timestamp"`
	Step          int64        `json:"step"`
	RunID         string       `json:"run_id,omitempty"`
	ModelID       string       `json:"model_id,omitempty"`
	DatasetName   string       `json:"dataset_name,omitempty"`
	DatasetDigest string       `json:"dataset_digest,omitempty"`
}

func metricOf(key string, p series.Point) metric {
	return metric{Key: key, Value: p.Value, Timestamp: int64(p.Timestamp), Step: p.Step}
}

type runInfo struct {
	RunID          string `json:"run_id"`
	RunUUID        string `json:"run_uuid"`
	RunName        string `json:"run_name"`
	ExperimentID   string `json:"experiment_id"`
	UserID         string `json:"user_id"`
	Status         string `json:"status"`
	StartTime      int64  `json:"start_time"`
	EndTime        *int64 `json:"end_time,omitempty"`
	ArtifactURI    string `json:"artifact_uri"`
	LifecycleStage string `json:"lifecycle_stage"`
}

func infoOf(r tracking.Run) runInfo {
	info := runInfo{RunID: r.ID, RunUUID: r.ID, RunName: r.Name, ExperimentID: r.ExperimentID, UserID: r.ClaimedUser, Status: string(r.Status),
		StartTime: r.StartedAt.UnixMilli(), ArtifactURI: r.ArtifactURI, LifecycleStage: r.LifecycleStage}
	if r.EndedAt != nil {
		end := r.EndedAt.UnixMilli()
		info.EndTime = &end
	}
	return info
}

type runData struct {
	Metrics []metric        `json:"metrics,omitempty"`
	Params  []tracking.Pair `json:"params,omitempty"`
	Tags    []tracking.Pair `json:"tags,omitempty"`
}

type dataset struct {
	Name       string `json:"name"`
	Digest     string `json:"digest"`
	SourceType string `json:"source_type"`
	Source     string `json:"source"`
	Schema     string `json:"schema,omitempty"`
	Profile    string `json:"profile,omitempty"`
}

type datasetInput struct {
	Tags    []tracking.Pair `json:"tags,omitempty"`
	Dataset dataset         `json:"dataset"`
}

type modelInput struct {
	ModelID string `json:"model_id"`
}

type modelOutput struct {
	ModelID string  `json:"model_id"`
	Step    integer `json:"step"`
}

type runInputs struct {
	Datasets []datasetInput `json:"dataset_inputs,omitempty"`
	Models   []modelInput   `json:"model_inputs,omitempty"`
}

type runOutputs struct {
	Models []modelOutput `json:"model_outputs,omitempty"`
}

type run struct {
	Info    runInfo    `json:"info"`
	Data    runData    `json:"data"`
	Inputs  runInputs  `json:"inputs"`
	Outputs runOutputs `json:"outputs"`
}

func runOf(r tracking.Run) run {
	out := run{Info: infoOf(r), Data: runData{Params: pairs(r.Params), Tags: pairs(r.Tags)}, Inputs: inputsOf(r), Outputs: outputsOf(r)}
	for _, key := range slices.Sorted(maps.Keys(r.Metrics)) {
		out.Data.Metrics = append(out.Data.Metrics, metricOf(key, r.Metrics[key]))
	}
	return out
}

func inputsOf(r tracking.Run) runInputs {
	return runInputs{
		Datasets: each(r.Inputs, func(i tracking.Input) datasetInput {
			return datasetInput{Tags: pairs(i.Tags), Dataset: dataset{
				Name: i.Name, Digest: i.Digest, SourceType: i.SourceType, Source: i.Source, Schema: i.Schema, Profile: i.Profile}}
		}),
		Models: each(r.ModelInputs, func(link tracking.ModelLink) modelInput { return modelInput{link.ModelID} }),
	}
}

func outputsOf(r tracking.Run) runOutputs {
	return runOutputs{each(r.Outputs, func(link tracking.ModelLink) modelOutput {
		return modelOutput{link.ModelID, integer(link.Step)}
	})}
}

type fileInfo struct {
	Path  string `json:"path"`
	IsDir bool   `json:"is_dir"`
	Size  *int64 `json:"file_size,omitempty"`
}

func fileOf(a tracking.Artifact) fileInfo {
	if a.IsDir {
		return fileInfo{Path: a.Path, IsDir: true}
	}
	return fileInfo{Path: a.Path, Size: &a.Size}
}
