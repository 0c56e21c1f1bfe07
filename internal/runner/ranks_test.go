package runner

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier/internal/compute"
)

// told are some of the variables of each process, as one line.
func told(all [][]string, names ...string) (lines []string) {
	for _, variables := range all {
		var line []string
		for _, name := range names {
			i := slices.IndexFunc(variables, func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
			if i < 0 {
				line = append(line, "-")
				continue
			}
			line = append(line, strings.TrimPrefix(variables[i], name+"="))
		}
		lines = append(lines, strings.Join(line, " "))
	}
	return lines
}

func TestRankVariables(t *testing.T) {
	for name, test := range map[string]struct {
		d     compute.Distribution
		gpus  []int
		ports []int
		names []string
		want  []string
	}{
		"two instances": {compute.Distribution{Type: compute.PyTorch, Instances: 2, PerInstance: 2}, []int{1, 3, 4, 6}, []int{29500},
			[]string{"MASTER_ADDR", "MASTER_PORT", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "NODE_RANK", "CUDA_VISIBLE_DEVICES"},
			[]string{"127.0.0.1 29500 0 4 0 2 0 1,3", "127.0.0.1 29500 1 4 1 2 0 1,3", "127.0.0.1 29500 2 4 0 2 1 4,6", "127.0.0.1 29500 3 4 1 2 1 4,6"}},
		"one instance sees all GPUs": {compute.Distribution{Type: compute.PyTorch, Instances: 1, PerInstance: 2}, []int{0, 1}, []int{1},
			[]string{"RANK", "LOCAL_RANK", "CUDA_VISIBLE_DEVICES", "OMPI_COMM_WORLD_RANK"}, []string{"0 0 - -", "1 1 - -"}},
		"mpi": {compute.Distribution{Type: compute.MPI, Instances: 2, PerInstance: 1}, nil, []int{7},
			[]string{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE", "AZ_BATCH_MASTER_NODE", "MASTER_PORT", "NODE_RANK", "RANK"},
			[]string{"0 2 0 1 127.0.0.1:7 7 0 -", "1 2 0 1 127.0.0.1:7 7 1 -"}},
		"tensorflow": {compute.Distribution{Type: compute.TensorFlow, Instances: 1, PerInstance: 2, ParameterServers: 1}, nil, []int{1, 2, 3},
			[]string{"TF_CONFIG", "MASTER_ADDR"}, []string{
				`{"cluster":{"ps":["127.0.0.1:3"],"worker":["127.0.0.1:1","127.0.0.1:2"]},"environment":"cloud","task":{"index":0,"type":"worker"}} -`,
				`{"cluster":{"ps":["127.0.0.1:3"],"worker":["127.0.0.1:1","127.0.0.1:2"]},"environment":"cloud","task":{"index":1,"type":"worker"}} -`,
				`{"cluster":{"ps":["127.0.0.1:3"],"worker":["127.0.0.1:1","127.0.0.1:2"]},"environment":"cloud","task":{"index":0,"type":"ps"}} -`}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, told(rankVariables(test.d, test.gpus, test.ports), test.names...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
