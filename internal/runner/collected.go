package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// What a worker's collectors keep comes to the runner as files: they write each
// under another name and rename it once it is whole, so that a worker that is
// killed leaves no half line. The runner sends the files on and removes them. The
// other end is sdk/python/src/atelier_serving/collector.py.

// collectConfig is the file that the worker finds by collectVariable. The names of
// its first keys are those of Azure's own package.
type collectConfig struct {
	RunMode      string                      `json:"runMode"`
	Collections  map[string]collectionConfig `json:"collections"`
	Spool        string                      `json:"spool"`
	DropColumns  []string                    `json:"dropColumns"`
	Source       string                      `json:"source"`
	ModelVersion string                      `json:"modelVersion"`
}

type collectionConfig struct {
	Enabled    bool    `json:"enabled"`
	SampleRate float64 `json:"sampleRatePercentage"`
}

const (
	collectVariable = "AZUREML_MDC_CONFIG_PATH"
	// collectEvery is how often the runner looks for what was collected.
	collectEvery = 500 * time.Millisecond
	// maxBatch is how much one file may hold.
	maxBatch = 80 << 20
	// spoolFolder lies in the worker's own folder, and spoolConfig in it.
	spoolFolder = "collected"
	spoolConfig = spoolFolder + "/config.json"
)

// openSpool makes the folders that the worker writes to, without what a killed
// worker left half written, and returns the variable that leads it there. The worker
// may have made anything of these folders, so they are entered by a root.
func (r *runner) openSpool() (variable string, err error) {
	asked := r.task.Service.Collect
	if asked == nil {
		return "", nil
	}
	root, err := os.OpenRoot(r.workPath())
	if err != nil {
		return "", err
	}
	defer root.Close()
	config := collectConfig{RunMode: "local", Collections: map[string]collectionConfig{}, Spool: r.workPath(spoolFolder), DropColumns: asked.Without,
		Source: asked.Source, ModelVersion: asked.ModelVersion}
	for _, name := range asked.Collections {
		config.Collections[name] = collectionConfig{true, asked.SamplingRate * 100}
		if err := makeSpool(root, path.Join(spoolFolder, name)); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(config)
	if err != nil {
		return "", err
	}
	return collectVariable + "=" + r.workPath(spoolConfig), root.WriteFile(spoolConfig, text, 0o600)
}

func makeSpool(root *os.Root, folder string) error {
	if err := root.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	entries, err := fs.ReadDir(root.FS(), folder)
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			err = errors.Join(err, root.Remove(path.Join(folder, entry.Name())))
		}
	}
	return err
}

// collecting sends what the collectors keep, until the function that it returns is
// called: that returns once the server has all.
func (r *runner) collecting() (finish func()) {
	stopped, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for over := false; !over; {
			select {
			case <-stopped:
				over = true
			case <-time.After(collectEvery):
			}
			if err := r.shipCollected(context.Background()); err != nil {
				r.log.Error("send collected rows", "error", err)
			}
		}
	}()
	return func() {
		close(stopped)
		<-done
	}
}

// batchFile is MILLISECONDS-PROCESS-NUMBER-DROPPED.jsonl.
var batchFile = regexp.MustCompile(`^([0-9]{1,16})-[0-9]{1,10}-[0-9]{1,12}-([0-9]{1,12})\.jsonl$`)

func (r *runner) shipCollected(ctx context.Context) error {
	root, err := os.OpenRoot(r.workPath())
	if err != nil {
		return err
	}
	defer root.Close()
	for _, name := range r.task.Service.Collect.Collections {
		folder := path.Join(spoolFolder, name)
		entries, err := fs.ReadDir(root.FS(), folder) // in the order of their names, which is that of time
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, entry := range entries {
			parts := batchFile.FindStringSubmatch(entry.Name())
			if parts == nil || !entry.Type().IsRegular() {
				continue
			}
			query := url.Values{"collection": {name}, "batch": {strings.TrimSuffix(entry.Name(), ".jsonl")}, "at": {parts[1]}, "dropped": {parts[2]}}
			if err := r.shipBatch(ctx, root, path.Join(folder, entry.Name()), query); err != nil {
				return err
			}
		}
	}
	return nil
}

// shipBatch sends one file, for as long as it takes, and removes it. What the server
// refuses is lost, and the log says so.
func (r *runner) shipBatch(ctx context.Context, root *os.Root, name string, query url.Values) error {
	where := "/tasks/" + url.PathEscape(r.task.ID) + "/collected?" + query.Encode()
	body := func() (io.ReadCloser, int64, error) {
		file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			return nil, 0, err
		}
		info, err := file.Stat()
		if err == nil && (!info.Mode().IsRegular() || info.Size() > maxBatch) {
			err = errors.New("it is no file, or too large")
		}
		if err != nil {
			return nil, 0, errors.Join(err, file.Close())
		}
		return file, info.Size(), nil
	}
	if err := r.server.tell(ctx, http.MethodPut, where, body, nil); err != nil {
		fmt.Fprintf(r.streams.command, "Rows of the collection %s are lost: %v\n", query.Get("collection"), err)
	}
	return root.Remove(name)
}
