// Package collect keeps what deployments were asked and what they answered, for
// those who watch a model after it was deployed.
//
// Every event is one line of JSON, a CloudEvent as Azure Machine Learning's data
// collector writes it. The lines lie in files, as objects of the workspace's store,
// and a table has their paths: modelDataCollector/ENDPOINT/DEPLOYMENT/COLLECTION,
// below it a folder for each span of time. The folder grows for as long as the
// deployment answers; who reads it as data reads what is there at that moment.
//
// Lines come in batches from two sides: from the collectors in scoring workers, by
// way of their runners, and from the router, which records whole requests and
// answers (Recorder).
package collect

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/atelier-ml/atelier"
)

// The collections that the router fills: whole requests and answers. All others
// are filled by collectors in scripts, and ModelInputs and ModelOutputs by every
// MLflow model.
const (
	Request      = "request"
	Response     = "response"
	ModelInputs  = "model_inputs"
	ModelOutputs = "model_outputs"
)

// Settings are the data_collector of a deployment, in Azure Machine Learning's words.
type Settings struct {
	Collections    map[string]Collection `json:"collections" doc:"By name. request and response are whole requests and answers; all others are for collectors in the script."`
	SamplingRate   *float64              `json:"sampling_rate,omitempty" doc:"The share of requests that is collected, from 0 to 1; 1 when it is left out."`
	RollingRate    Rolling               `json:"rolling_rate,omitempty" enum:"minute,hour,day,month,year" doc:"What a folder holds; hour when it is left out."`
	RequestLogging *RequestLogging       `json:"request_logging,omitempty"`
}

// Collection is one kind of events.
type Collection struct {
	Enabled bool  `json:"enabled"`
	Data    *Data `json:"data,omitempty" doc:"The data asset as which it can be read."`
}

// Data names the asset and the place of a collection. What is left out has a default.
type Data struct {
	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
	Path    string `json:"path,omitempty" doc:"azureml://datastores/workspaceblobstore/paths/FOLDER"`
}

// RequestLogging says more about the collections request and response.
type RequestLogging struct {
	CaptureHeaders []string `json:"capture_headers,omitempty" doc:"Headers that are kept beside what was sent."`
}

// Rolling is how long the span of time is that one folder holds.
type Rolling string

const (
	Minute Rolling = "minute"
	Hour   Rolling = "hour"
	Day    Rolling = "day"
	Month  Rolling = "month"
	Year   Rolling = "year"
)

// layouts are the folders of a span of time, as Azure documents them.
var layouts = map[Rolling]string{Minute: "2006/01/02/15/04", Hour: "2006/01/02/15", Day: "2006/01/02", Month: "2006/01", Year: "2006"}

// maxCollections bounds the collections of one deployment.
const maxCollections = 20

var collectionName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// Check returns an Invalid error for settings that cannot be used.
func (s *Settings) Check() error {
	if s == nil {
		return nil
	}
	if len(s.Collections) == 0 || len(s.Collections) > maxCollections {
		return atelier.Errorf(atelier.Invalid, "The data collector has %d collections.", len(s.Collections)).
			At("data_collector.collections").WithHint("Give 1 to %d, as in model_inputs: {enabled: true}.", maxCollections)
	}
	for name, c := range s.Collections {
		if err := CheckName(name); err != nil {
			return atelier.Public(err).At("data_collector.collections")
		}
		if err := c.Data.check("data_collector.collections." + name + ".data"); err != nil {
			return err
		}
	}
	if rate := s.SamplingRate; rate != nil && !(*rate >= 0 && *rate <= 1) {
		return atelier.Errorf(atelier.Invalid, "%v is not a share of the requests.", *rate).At("data_collector.sampling_rate").
			WithHint("Give a number from 0 to 1, as in 0.1 for every tenth.")
	}
	if _, ok := layouts[s.RollingRate]; !ok && s.RollingRate != "" {
		return atelier.Errorf(atelier.Invalid, "%q is not a span of time.", atelier.Clip(string(s.RollingRate), 40)).At("data_collector.rolling_rate").
			WithHint("Use minute, hour, day, month or year.")
	}
	return s.RequestLogging.check()
}

// CheckName returns an Invalid error unless name can name a collection.
func CheckName(name string) error {
	if !collectionName.MatchString(name) {
		return atelier.Errorf(atelier.Invalid, "%q cannot name a collection.", atelier.Clip(name, 60)).At("collection").
			WithHint("Use 1 to 64 letters, digits, '_' or '-', as in model_inputs.")
	}
	return nil
}

func (d *Data) check(field string) error {
	if d == nil {
		return nil
	}
	if d.Name != "" {
		if err := atelier.CheckAssetName("data asset", d.Name); err != nil {
			return atelier.Public(err).At(field + ".name")
		}
	}
	if d.Version != "" {
		if err := atelier.CheckAssetName("version", d.Version); err != nil {
			return atelier.Public(err).At(field + ".version")
		}
	}
	if d.Path == "" {
		return nil
	}
	_, err := ParseFolder(d.Path)
	if err != nil {
		return atelier.Public(err).At(field + ".path")
	}
	return nil
}

// ParseFolder reads the path of a collection, which must lie in the workspace's
// own datastore, and returns the folder in it.
func ParseFolder(raw string) (string, error) {
	place, err := atelier.ParsePath(raw)
	if err != nil {
		return "", err
	}
	if place.Kind != atelier.DatastorePath || place.Datastore != atelier.DefaultDatastore {
		return "", atelier.Errorf(atelier.Invalid, "Data can be collected only in the workspace's own datastore so far, and not at %q.", atelier.Clip(raw, 120)).
			WithHint("Write azureml://datastores/%s/paths/FOLDER, or leave the path out.", atelier.DefaultDatastore)
	}
	folder := strings.Trim(place.Rest, "/")
	top, _, _ := strings.Cut(folder, "/")
	if top == "azureml" || top == "LocalUpload" || path.Clean(folder) != folder || strings.ContainsAny(folder, "\\\x00") ||
		folder == "." || strings.HasPrefix(folder, "..") || len(folder) > 512 {
		return "", atelier.Errorf(atelier.Invalid, "%q is not a folder that data can be collected in.", atelier.Clip(folder, 120)).
			WithHint("Use a path without '..' that begins with neither azureml/ nor LocalUpload/.")
	}
	return folder, nil
}

// secretHeaders are never kept: they are no data, and open doors.
var secretHeaders = []string{"authorization", "proxy-authorization", "cookie", "set-cookie"}

func (r *RequestLogging) check() error {
	if r == nil {
		return nil
	}
	for _, name := range r.CaptureHeaders {
		if slices.Contains(secretHeaders, strings.ToLower(name)) {
			return atelier.Errorf(atelier.Invalid, "The header %q holds a credential, and is never kept.", atelier.Clip(name, 60)).
				At("data_collector.request_logging.capture_headers")
		}
	}
	return nil
}

// Enabled returns the names of the collections that are on, in order.
func (s *Settings) Enabled() []string {
	var names []string
	if s != nil {
		for name, c := range s.Collections {
			if c.Enabled {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// On reports whether the collection is on.
func (s *Settings) On(name string) bool { return s != nil && s.Collections[name].Enabled }

// Rate returns the share of requests that is collected.
func (s *Settings) Rate() float64 {
	if s == nil || s.SamplingRate == nil {
		return 1
	}
	return *s.SamplingRate
}

// Rolls returns the span of time that one folder holds.
func (s *Settings) Rolls() Rolling {
	if s == nil || s.RollingRate == "" {
		return Hour
	}
	return s.RollingRate
}

// Sampled reports whether the request with the id is one of those that are
// collected. It depends on the id alone, so that all collections have the same
// requests; the worker counts alike (collector.py).
func Sampled(id string, rate float64) bool {
	return float64(crc32.ChecksumIEEE([]byte(id))) < rate*(1<<32)
}

// Key names a collection in a workspace.
type Key struct {
	Endpoint   string `json:"endpoint_name"`
	Deployment string `json:"deployment_name"`
	Collection string `json:"collection"`
}

func (k Key) String() string { return k.Endpoint + "-" + k.Deployment + "-" + k.Collection }

// Place is where a collection's lines go.
type Place struct {
	Key
	// Folder is the collection's own in the workspace's datastore.
	Folder string
	Rolls  Rolling
}

// Place returns where the lines of a collection go.
func (s *Settings) Place(k Key) Place {
	p := Place{Key: k, Folder: path.Join("modelDataCollector", k.Endpoint, k.Deployment, k.Collection), Rolls: s.Rolls()}
	if s == nil || s.Collections[k.Collection].Data == nil {
		return p
	}
	if folder, err := ParseFolder(s.Collections[k.Collection].Data.Path); err == nil {
		p.Folder = folder
	}
	return p
}

// Asset returns the name and version under which a collection is a data asset.
func (s *Settings) Asset(k Key) (name, version string) {
	name, version = k.String(), "1"
	if s != nil && s.Collections[k.Collection].Data != nil {
		if own := s.Collections[k.Collection].Data; own.Name != "" {
			name = own.Name
		}
		if own := s.Collections[k.Collection].Data; own.Version != "" {
			version = own.Version
		}
	}
	return name, version
}

// URI is the address of a folder in the workspace's datastore.
func URI(folder string) string {
	return fmt.Sprintf("azureml://datastores/%s/paths/%s", atelier.DefaultDatastore, folder)
}

// Event is one line. Attributes beside those that are listed stay in the file.
type Event struct {
	SpecVersion     string            `json:"specversion"`
	ID              string            `json:"id"`
	Source          string            `json:"source"`
	Type            string            `json:"type"`
	DataContentType string            `json:"datacontenttype,omitempty"`
	Time            time.Time         `json:"time"`
	Data            json.RawMessage   `json:"data,omitempty"`
	DataBase64      string            `json:"data_base64,omitempty"`
	DataRef         string            `json:"dataref,omitempty" doc:"Where the data lies, when it has more than 4 MB."`
	ContentRange    string            `json:"contentrange,omitempty"`
	CorrelationID   string            `json:"correlationid,omitempty"`
	XRequestID      string            `json:"xrequestid,omitempty"`
	ModelVersion    string            `json:"modelversion,omitempty"`
	CollectDataType string            `json:"collectdatatype,omitempty"`
	StatusCode      int               `json:"statuscode,omitempty"`
	Headers         map[string]string `json:"headers,omitempty"`
	Agent           string            `json:"agent,omitempty"`
}
