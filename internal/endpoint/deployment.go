package endpoint

import (
	"path"
	"reflect"
	"strconv"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/collect"
	"github.com/atelier-ml/atelier/internal/compute"
)

// Settings are what a user chooses for a deployment. Names and meanings are
// those of Azure Machine Learning's managedOnlineDeployment.
type Settings struct {
	Description string            `json:"description"`
	Tags        map[string]string `json:"tags"`
	Properties  map[string]string `json:"properties"`
	// Model is a reference (azureml:name:version, a path in one of the accepted
	// forms) or an object with name, version, path and type.
	Model any `json:"model,omitempty"`
	// CodeConfiguration may be left out for a model in MLflow's format.
	CodeConfiguration *CodeConfiguration `json:"code_configuration,omitempty"`
	// Environment is a reference, or an object as in an environment file.
	Environment          any               `json:"environment,omitempty"`
	EnvironmentVariables map[string]string `json:"environment_variables"`
	InstanceType         string            `json:"instance_type"`
	InstanceCount        int               `json:"instance_count"`
	RequestSettings      RequestSettings   `json:"request_settings"`
	LivenessProbe        *Probe            `json:"liveness_probe,omitempty"`
	ReadinessProbe       *Probe            `json:"readiness_probe,omitempty"`
	ScaleSettings        *ScaleSettings    `json:"scale_settings,omitempty"`
	Resources            *Resources        `json:"resources,omitempty"`
	DataCollector        *collect.Settings `json:"data_collector,omitempty"`
}

// Deployment is a model with what it takes to run it, behind an endpoint.
type Deployment struct {
	Workspace string `json:"-"`
	Name      string `json:"name"`
	Endpoint  string `json:"endpoint_name"`
	Settings
	State State            `json:"provisioning_state"`
	Error *compute.Failure `json:"error,omitempty"`
	// Notices tell where what runs is not literally what was written.
	Notices []string `json:"notices,omitempty"`
	// WantedInstances is how many replicas it should have at this moment:
	// instance_count, unless its requests decide.
	WantedInstances int       `json:"wanted_instances"`
	Replicas        []Replica `json:"replicas"`
	CreatedBy       string    `json:"created_by"`
	CreatedAt       time.Time `json:"created_at"`
	UpdatedAt       time.Time `json:"updated_at"`

	// source is what the settings' references turned out to be.
	source Source
	// revision counts the changes that need new replicas.
	revision int64
	// userID is who a replica's token acts for.
	userID string
	// lastEnded is the replica that ended last, whose logs are still kept.
	lastEnded string
}

// CodeConfiguration is the scoring script and the folder that it lies in.
type CodeConfiguration struct {
	Code          string `json:"code"`
	ScoringScript string `json:"scoring_script"`
}

// RequestSettings bound how a deployment is used.
type RequestSettings struct {
	RequestTimeoutMS      int `json:"request_timeout_ms,omitempty"`
	MaxConcurrentRequests int `json:"max_concurrent_requests_per_instance,omitempty"`
	MaxQueueWaitMS        int `json:"max_queue_wait_ms,omitempty"`
}

// Probe says how often a replica is asked whether it is well. Times are in seconds.
type Probe struct {
	InitialDelay     int `json:"initial_delay,omitempty"`
	Period           int `json:"period,omitempty"`
	Timeout          int `json:"timeout,omitempty"`
	SuccessThreshold int `json:"success_threshold,omitempty"`
	FailureThreshold int `json:"failure_threshold,omitempty"`
}

// ReplicaState says what one replica does.
type ReplicaState string

const (
	Starting   ReplicaState = "Starting"   // its environment or its worker is being made ready
	Ready      ReplicaState = "Ready"      // its worker answers
	Unhealthy  ReplicaState = "Unhealthy"  // its worker answered once and does not now
	Draining   ReplicaState = "Draining"   // has answered its last request and ends
	Terminated ReplicaState = "Terminated" // its runner is gone
)

// Replica is one running copy of a deployment.
type Replica struct {
	ID        string           `json:"id"`
	State     ReplicaState     `json:"state"`
	PID       int              `json:"pid,omitempty"` // the worker's
	Error     *compute.Failure `json:"error,omitempty"`
	StartedAt time.Time        `json:"started_at"`
	Restarts  *Restarts        `json:"restarts,omitempty"`

	workspace, endpoint, deployment string
	revision                        int64
	handle                          compute.Handle
	lastSeq                         int64
	stopping                        bool // no longer wanted: it drains and ends
	tokenAt                         time.Time
}

// Restarts tell of a worker that ended by itself and was, or will be, started again.
type Restarts struct {
	Count  int             `json:"count"` // since the replica started
	Reason compute.Failure `json:"reason"`
	At     time.Time       `json:"at"`
	NextAt time.Time       `json:"next_at" doc:"When it starts again. The pause grows while it keeps ending."`
}

func (r Replica) live() bool { return r.State != Terminated }

// CreateDeployment is what a user gives to make a deployment.
type CreateDeployment struct {
	Name                 string             `json:"name"`
	Endpoint             string             `json:"endpoint_name,omitempty"`
	Description          string             `json:"description,omitempty"`
	Tags                 map[string]string  `json:"tags,omitempty"`
	Properties           map[string]string  `json:"properties,omitempty"`
	Model                any                `json:"model,omitempty"`
	CodeConfiguration    *CodeConfiguration `json:"code_configuration,omitempty"`
	Environment          any                `json:"environment,omitempty"`
	EnvironmentVariables map[string]string  `json:"environment_variables,omitempty"`
	InstanceType         string             `json:"instance_type,omitempty"`
	InstanceCount        int                `json:"instance_count,omitempty"`
	RequestSettings      *RequestSettings   `json:"request_settings,omitempty"`
	LivenessProbe        *Probe             `json:"liveness_probe,omitempty"`
	ReadinessProbe       *Probe             `json:"readiness_probe,omitempty"`
	ScaleSettings        *ScaleSettings     `json:"scale_settings,omitempty"`
	Resources            *Resources         `json:"resources,omitempty"`
	DataCollector        *collect.Settings  `json:"data_collector,omitempty"`
}

// UpdateDeployment changes what is not nil.
type UpdateDeployment struct {
	Description          *string            `json:"description,omitempty"`
	Tags                 *map[string]string `json:"tags,omitempty"`
	Properties           *map[string]string `json:"properties,omitempty"`
	Model                any                `json:"model,omitempty"`
	CodeConfiguration    *CodeConfiguration `json:"code_configuration,omitempty"`
	Environment          any                `json:"environment,omitempty"`
	EnvironmentVariables *map[string]string `json:"environment_variables,omitempty"`
	InstanceType         *string            `json:"instance_type,omitempty"`
	InstanceCount        *int               `json:"instance_count,omitempty"`
	RequestSettings      *RequestSettings   `json:"request_settings,omitempty"`
	LivenessProbe        *Probe             `json:"liveness_probe,omitempty"`
	ReadinessProbe       *Probe             `json:"readiness_probe,omitempty"`
	ScaleSettings        *ScaleSettings     `json:"scale_settings,omitempty"`
	Resources            *Resources         `json:"resources,omitempty"`
	DataCollector        *collect.Settings  `json:"data_collector,omitempty"`
}

// Limits of a deployment, as Azure documents them.
const (
	maxInstances        = 50
	maxRequestTimeoutMS = 180_000
	maxConcurrency      = 1000
)

func (c CreateDeployment) settings() Settings {
	s := Settings{
		Description: c.Description, Tags: notNil(c.Tags), Properties: notNil(c.Properties),
		Model: c.Model, CodeConfiguration: c.CodeConfiguration, Environment: c.Environment,
		EnvironmentVariables: notNil(c.EnvironmentVariables),
		InstanceType:         c.InstanceType, InstanceCount: max(1, c.InstanceCount),
		LivenessProbe: c.LivenessProbe, ReadinessProbe: c.ReadinessProbe, ScaleSettings: c.ScaleSettings, Resources: c.Resources,
		DataCollector: c.DataCollector,
	}
	set(&s.RequestSettings, c.RequestSettings)
	return s
}

func (u UpdateDeployment) apply(s Settings) Settings {
	set(&s.Description, u.Description)
	set(&s.Tags, u.Tags)
	set(&s.Properties, u.Properties)
	if u.Model != nil {
		s.Model = u.Model
	}
	if u.CodeConfiguration != nil {
		s.CodeConfiguration = u.CodeConfiguration
	}
	if u.Environment != nil {
		s.Environment = u.Environment
	}
	set(&s.EnvironmentVariables, u.EnvironmentVariables)
	set(&s.InstanceType, u.InstanceType)
	set(&s.InstanceCount, u.InstanceCount)
	if r := u.RequestSettings; r != nil {
		setNonZero(&s.RequestSettings.RequestTimeoutMS, r.RequestTimeoutMS)
		setNonZero(&s.RequestSettings.MaxConcurrentRequests, r.MaxConcurrentRequests)
		setNonZero(&s.RequestSettings.MaxQueueWaitMS, r.MaxQueueWaitMS)
	}
	if u.LivenessProbe != nil {
		s.LivenessProbe = u.LivenessProbe
	}
	if u.ReadinessProbe != nil {
		s.ReadinessProbe = u.ReadinessProbe
	}
	if u.ScaleSettings != nil {
		s.ScaleSettings = u.ScaleSettings
	}
	if u.Resources != nil {
		s.Resources = u.Resources
	}
	if u.DataCollector != nil {
		s.DataCollector = u.DataCollector
	}
	return s
}

// complete fills in the defaults that Azure documents.
func (s *Settings) complete() {
	orDefault(&s.RequestSettings.RequestTimeoutMS, 5000)
	orDefault(&s.RequestSettings.MaxConcurrentRequests, 1)
	orDefault(&s.RequestSettings.MaxQueueWaitMS, 500)
	if s.InstanceType == "" {
		s.InstanceType = "local"
	}
	s.LivenessProbe = s.LivenessProbe.complete()
	s.ReadinessProbe = s.ReadinessProbe.complete()
	s.ScaleSettings.complete()
}

func (p *Probe) complete() *Probe {
	var full Probe
	if p != nil {
		full = *p
	}
	orDefault(&full.InitialDelay, 10)
	orDefault(&full.Period, 10)
	orDefault(&full.Timeout, 2)
	orDefault(&full.SuccessThreshold, 1)
	orDefault(&full.FailureThreshold, 30)
	return &full
}

func setNonZero(field *int, value int) {
	if value != 0 {
		*field = value
	}
}

func orDefault(field *int, value int) {
	if *field == 0 {
		*field = value
	}
}

// check returns an Invalid error for settings that cannot work whatever exists.
func (s Settings) check() error {
	if s.Model == nil && s.CodeConfiguration == nil {
		return atelier.Errorf(atelier.Invalid, "The deployment has neither a model nor a scoring script.").At("model").
			WithHint("Give model, code_configuration, or both.")
	}
	if err := s.CodeConfiguration.Check(); err != nil {
		return err
	}
	err := checkBounds([]bound{
		{"instance_count", s.InstanceCount, 1, maxInstances},
		{"request_settings.request_timeout_ms", s.RequestSettings.RequestTimeoutMS, 1, maxRequestTimeoutMS},
		{"request_settings.max_concurrent_requests_per_instance", s.RequestSettings.MaxConcurrentRequests, 1, maxConcurrency},
		{"request_settings.max_queue_wait_ms", s.RequestSettings.MaxQueueWaitMS, 1, maxRequestTimeoutMS},
	})
	if err != nil {
		return err
	}
	if err := s.ScaleSettings.check(); err != nil {
		return err
	}
	if err := s.DataCollector.Check(); err != nil {
		return err
	}
	if _, err := collectingOf(s.Properties); err != nil {
		return err
	}
	if _, err := s.Resources.bounds(); err != nil {
		return err
	}
	if err := checkVariables(s.EnvironmentVariables); err != nil {
		return err
	}
	return s.checkTogether()
}

// bound is a number of the settings with the least and the most it can be.
type bound struct {
	field             string
	value, low, limit int
}

func checkBounds(bounds []bound) error {
	for _, b := range bounds {
		if b.value < b.low || b.value > b.limit {
			return atelier.Errorf(atelier.Invalid, "%d is out of range.", b.value).At(b.field).
				WithHint("Give a number from %d to %d.", b.low, b.limit)
		}
	}
	return nil
}

// Check returns an Invalid error for a script that could lie nowhere.
func (c *CodeConfiguration) Check() error {
	switch {
	case c == nil:
		return nil
	case c.Code == "":
		return atelier.Errorf(atelier.Invalid, "The code configuration names no folder.").At("code_configuration.code")
	case c.ScoringScript == "":
		return atelier.Errorf(atelier.Invalid, "The code configuration names no scoring script.").At("code_configuration.scoring_script")
	}
	if err := blob.CheckPath(path.Clean(c.ScoringScript)); err != nil {
		return atelier.Errorf(atelier.Invalid, "%q is not a file inside the code folder.", atelier.Clip(c.ScoringScript, 120)).
			At("code_configuration.scoring_script")
	}
	return nil
}

// Variables that say how many requests a replica works on at once.
const (
	// workersVariable sets the number of worker processes, as in Azure's server.
	workersVariable = "WORKER_COUNT"
	// threadsVariable sets how many calls each of them makes at once. In Azure's
	// server that is always one, which scripts rely on.
	threadsVariable = "WORKER_THREADS"
)

func checkVariables(variables map[string]string) error {
	for _, name := range []string{workersVariable, threadsVariable} {
		if text, ok := variables[name]; ok {
			if n, err := strconv.Atoi(text); err != nil || n < 1 || n > 64 {
				return atelier.Errorf(atelier.Invalid, "%q is not a number of workers or threads.", atelier.Clip(text, 40)).
					At("environment_variables." + name).WithHint("Give a number from 1 to 64.")
			}
		}
	}
	_, err := parseOrigins(variables[originsVariable])
	return err
}

// workers is how many processes one replica runs.
func (s Settings) workers() int { return s.number(workersVariable) }

// threads is how many calls each of them makes at once.
func (s Settings) threads() int { return s.number(threadsVariable) }

func (s Settings) number(variable string) int {
	n, err := strconv.Atoi(s.EnvironmentVariables[variable])
	if err != nil {
		return 1
	}
	return n
}

// sameReplicas reports whether replicas started with s can go on under changed.
func (s Settings) sameReplicas(changed Settings) bool {
	now, _ := s.together() // checked when it was set
	then, _ := changed.together()
	return now == then && reflect.DeepEqual(s.Model, changed.Model) &&
		reflect.DeepEqual(s.CodeConfiguration, changed.CodeConfiguration) &&
		reflect.DeepEqual(s.Environment, changed.Environment) &&
		reflect.DeepEqual(s.EnvironmentVariables, changed.EnvironmentVariables) &&
		reflect.DeepEqual(s.Resources, changed.Resources) &&
		s.RequestSettings.MaxConcurrentRequests == changed.RequestSettings.MaxConcurrentRequests &&
		reflect.DeepEqual(s.DataCollector, changed.DataCollector) && s.Properties[withoutProperty] == changed.Properties[withoutProperty]
}
