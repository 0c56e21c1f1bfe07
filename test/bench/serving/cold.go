package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/atelier-ml/atelier/test/bench/internal/timing"
)

// wakings is how often the deployment is woken.
const wakings = 5

// cold measures how long the first request to a deployment takes that sleeps: no
// process of it runs. Beside it stands what Python by itself needs to load the script.
func (d deployed) cold(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "atelier-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := d.start(ctx, dir)
	if err != nil {
		return err
	}
	defer s.stop()
	var first, alone []time.Duration
	for range wakings {
		untilGone(filepath.Join(dir, "data", "tasks", "*", "worker.sock"))
		began := time.Now()
		if err := s.ask(http.DefaultClient); err != nil {
			return err
		}
		first = append(first, time.Since(began))
		began = time.Now()
		load := exec.Command(d.python, "-c", "import score; score.init(); score.run(\"\"\""+d.body+"\"\"\")")
		load.Dir = here()
		if out, err := load.CombinedOutput(); err != nil {
			return fmt.Errorf("load the script: %w: %s", err, out)
		}
		alone = append(alone, time.Since(began))
	}
	fmt.Printf("%-28s first answer after %.2f s, loading the script by itself %.2f s (medians of %d)\n", "asleep",
		timing.Sorted(first).At(50).Seconds(), timing.Sorted(alone).At(50).Seconds(), wakings)
	return nil
}
