package batch

import (
	"maps"
	"path"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
)

// Settings say how the work of a deployment is divided and what becomes of its
// rows. Names and defaults are those of Azure Machine Learning's
// modelBatchDeployment.
type Settings struct {
	MiniBatchSize  int `json:"mini_batch_size,omitempty" doc:"How many files run() gets at a time; 10 if it is left out."`
	MaxConcurrency int `json:"max_concurrency_per_instance,omitempty" doc:"How many processes each instance has; 1 if it is left out."`
	// ErrorThreshold and RetrySettings.MaxRetries mean something at 0.
	ErrorThreshold       *int              `json:"error_threshold,omitempty" doc:"How many files may fail; -1, the default, is any number."`
	RetrySettings        RetrySettings     `json:"retry_settings,omitempty" required:"false"`
	OutputAction         string            `json:"output_action,omitempty" enum:"append_row,summary_only" doc:"append_row, the default, keeps all rows in one file; summary_only keeps what the script writes itself."`
	OutputFileName       string            `json:"output_file_name,omitempty" doc:"predictions.csv if it is left out."`
	LoggingLevel         string            `json:"logging_level,omitempty" doc:"debug, info or warning; info if it is left out."`
	EnvironmentVariables map[string]string `json:"environment_variables,omitempty"`
}

// RetrySettings say how often a mini batch is tried.
type RetrySettings struct {
	MaxRetries *int `json:"max_retries,omitempty" doc:"How often a mini batch is tried again; 3 if it is left out."`
	Timeout    int  `json:"timeout,omitempty" doc:"How many seconds each try may take; 30 if it is left out."`
}

// LoggingLevels are what LoggingLevel can be, in any case.
var LoggingLevels = []string{"debug", "info", "warning", "error", "critical"}

// Bounds of settings. MaxSeconds is a day for each mini batch.
const (
	MaxMiniBatch   = 1_000_000
	MaxConcurrency = 1000
	MaxInstances   = 1000
	MaxRetries     = 100
	MaxSeconds     = 86_400
	MaxErrors      = 1<<31 - 1
)

// Over returns base with what s says in its place.
func (s Settings) Over(base Settings) Settings {
	for _, field := range []struct{ to, from *int }{
		{&base.MiniBatchSize, &s.MiniBatchSize}, {&base.MaxConcurrency, &s.MaxConcurrency}, {&base.RetrySettings.Timeout, &s.RetrySettings.Timeout},
	} {
		if *field.from != 0 {
			*field.to = *field.from
		}
	}
	for _, field := range []struct{ to, from *string }{
		{&base.OutputAction, &s.OutputAction}, {&base.OutputFileName, &s.OutputFileName}, {&base.LoggingLevel, &s.LoggingLevel},
	} {
		if *field.from != "" {
			*field.to = *field.from
		}
	}
	if s.ErrorThreshold != nil {
		base.ErrorThreshold = s.ErrorThreshold
	}
	if s.RetrySettings.MaxRetries != nil {
		base.RetrySettings.MaxRetries = s.RetrySettings.MaxRetries
	}
	if s.EnvironmentVariables != nil {
		variables := maps.Clone(notNil(base.EnvironmentVariables))
		maps.Copy(variables, s.EnvironmentVariables)
		base.EnvironmentVariables = variables
	}
	return base
}

// complete returns s with the defaults that Azure documents in place of what it
// leaves out.
func (s Settings) complete() Settings {
	threshold, retries := -1, 3
	return s.Over(Settings{MiniBatchSize: 10, MaxConcurrency: 1, ErrorThreshold: &threshold,
		RetrySettings: RetrySettings{MaxRetries: &retries, Timeout: 30}, OutputAction: compute.AppendRow,
		OutputFileName: "predictions.csv", LoggingLevel: "info", EnvironmentVariables: map[string]string{}})
}

// check returns an Invalid error for settings that cannot work. They are complete.
func (s Settings) check() error {
	for _, b := range []struct {
		field             string
		value, low, limit int
	}{
		{"mini_batch_size", s.MiniBatchSize, 1, MaxMiniBatch},
		{"max_concurrency_per_instance", s.MaxConcurrency, 1, MaxConcurrency},
		{"error_threshold", *s.ErrorThreshold, -1, MaxErrors},
		{"retry_settings.max_retries", *s.RetrySettings.MaxRetries, 0, MaxRetries},
		{"retry_settings.timeout", s.RetrySettings.Timeout, 1, MaxSeconds},
	} {
		if b.value < b.low || b.value > b.limit {
			return atelier.Errorf(atelier.Invalid, "%d is out of range.", b.value).At("settings."+b.field).
				WithHint("Give a number from %d to %d.", b.low, b.limit)
		}
	}
	if s.OutputAction != compute.AppendRow && s.OutputAction != compute.SummaryOnly {
		return atelier.Errorf(atelier.Invalid, "There is no output action %q.", atelier.Clip(s.OutputAction, 40)).At("settings.output_action").
			WithHint("Use append_row or summary_only.")
	}
	if err := CheckFileName(s.OutputFileName); err != nil {
		return err
	}
	return checkLevel(s.LoggingLevel)
}

func checkLevel(level string) error {
	for _, known := range LoggingLevels {
		if strings.EqualFold(known, level) {
			return nil
		}
	}
	return atelier.Errorf(atelier.Invalid, "There is no logging level %q.", atelier.Clip(level, 40)).At("settings.logging_level").
		WithHint("Use one of %s.", strings.Join(LoggingLevels, ", "))
}

// longestFileName is what file systems take.
const longestFileName = 200

// CheckFileName refuses a name that could lead out of the output's folder.
func CheckFileName(name string) error {
	if name == "." || name == ".." || path.Base(name) != name || strings.ContainsAny(name, "\\\x00\n\r") || len(name) > longestFileName {
		return atelier.Errorf(atelier.Invalid, "%q cannot name the file of the rows.", atelier.Clip(name, 80)).At("settings.output_file_name").
			WithHint("Give a name without a folder, as in predictions.csv.")
	}
	return nil
}
