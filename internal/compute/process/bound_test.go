package process_test

import (
	"os/exec"
	"testing"

	"github.com/atelier-ml/atelier/internal/compute/process"
)

// The system ends what takes more than its bound, and a command within it goes on.
func TestABoundEndsWhatTakesMore(t *testing.T) {
	name := process.BoundName(t.TempDir())
	if _, err := process.NewBound(name+"-try", 64<<20); err != nil {
		t.Logf("not tested, for this machine lets nobody bound memory: %v", err)
		return
	}
	process.RemoveBound(name + "-try")
	for command, exceeds := range map[string]bool{"echo small": false, "head -c 300000000 /dev/zero | tail -n 1 > /dev/null": true} {
		bound, err := process.NewBound(name, 64<<20)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("bash", "-o", "pipefail", "-c", command)
		bound.Enclose(cmd)
		if words, err := cmd.CombinedOutput(); err != nil != exceeds || bound.Exceeded() != exceeds {
			t.Errorf("%s: error %v, exceeded %v, %s", command, err, bound.Exceeded(), words)
		}
		if err := process.RemoveBound(name); err != nil {
			t.Error(err)
		}
	}
}
