package runner

import (
	"encoding/json"
	"fmt"
	"net"
	"strconv"

	"github.com/atelier-ml/atelier/internal/compute"
)

// meetingHost is where the processes of a command meet: all are on this machine.
const meetingHost = "127.0.0.1"

// rankVariables are what each process of a command is told of itself and of the
// others, by its number. Ports are free ones: as many as portsFor says.
func rankVariables(d compute.Distribution, gpus, ports []int) [][]string {
	all := make([][]string, d.Processes())
	for rank := range all {
		if d.Type == compute.TensorFlow {
			all[rank] = []string{"TF_CONFIG=" + clusterOf(d, rank, ports)}
			continue
		}
		instance, local := rank/d.PerInstance, rank%d.PerInstance
		set := map[string]int{"MASTER_PORT": ports[0], "NODE_RANK": instance}
		if d.Type == compute.PyTorch {
			set["RANK"], set["WORLD_SIZE"], set["LOCAL_RANK"], set["LOCAL_WORLD_SIZE"] = rank, len(all), local, d.PerInstance
		} else {
			for name, value := range map[string]int{"RANK": rank, "SIZE": len(all), "LOCAL_RANK": local, "LOCAL_SIZE": d.PerInstance, "NODE_RANK": instance} {
				set["OMPI_COMM_WORLD_"+name] = value
			}
		}
		all[rank] = append(meetingVariables(d, ports), instanceGPUs(d, gpus, instance)...)
		for name, value := range set {
			all[rank] = append(all[rank], name+"="+strconv.Itoa(value))
		}
	}
	return all
}

// meetingVariables say where the processes meet, in the words of d's kind.
func meetingVariables(d compute.Distribution, ports []int) []string {
	all := []string{"MASTER_ADDR=" + meetingHost}
	if d.Type == compute.MPI {
		all = append(all, "MASTER_PORT="+strconv.Itoa(ports[0]), "AZ_BATCHAI_MPI_MASTER_NODE="+meetingHost,
			fmt.Sprintf("AZ_BATCH_MASTER_NODE=%s:%d", meetingHost, ports[0]))
	}
	return all
}

// instanceGPUs gives each of several instances its own share of the job's GPUs,
// which its processes number from 0, as they would on a machine of their own.
func instanceGPUs(d compute.Distribution, gpus []int, instance int) []string {
	if d.Instances == 1 {
		return nil
	}
	share := len(gpus) / d.Instances
	return visibleGPUs(gpus[instance*share : (instance+1)*share])
}

// Roles of TensorFlow's processes.
const (
	workerRole = "worker"
	serverRole = "ps"
)

// roleOf is the role of a process of TensorFlow, and its number in that role. The
// workers come first.
func roleOf(d compute.Distribution, rank int) (role string, index int) {
	if d.Type != compute.TensorFlow {
		return "", rank
	}
	if workers := d.PerInstance; rank >= workers {
		return serverRole, rank - workers
	}
	return workerRole, rank
}

// clusterOf is the variable TF_CONFIG of one process.
func clusterOf(d compute.Distribution, rank int, ports []int) string {
	cluster := map[string][]string{}
	for i := range d.Processes() {
		role, _ := roleOf(d, i)
		cluster[role] = append(cluster[role], net.JoinHostPort(meetingHost, strconv.Itoa(ports[i])))
	}
	role, index := roleOf(d, rank)
	text, _ := json.Marshal(map[string]any{"cluster": cluster, "environment": "cloud",
		"task": map[string]any{"type": role, "index": index}}) // of text and numbers, it cannot fail
	return string(text)
}

// portsFor is how many ports the processes of d meet at.
func portsFor(d compute.Distribution) int {
	if d.Type == compute.TensorFlow {
		return d.Processes()
	}
	return 1
}

// freePorts finds ports that nobody uses now. Somebody else may take one before
// the command does: what a command listens at cannot be opened for it.
func freePorts(n int) (ports []int, err error) {
	for range n {
		listener, err := net.Listen("tcp", net.JoinHostPort(meetingHost, "0"))
		if err != nil {
			return nil, err
		}
		defer listener.Close() // not before all are found, so that all differ
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// ranks is what became of each process of a command that was several.
func (r *runner) ranks(crew []*member) (all []compute.Rank) {
	d := r.task.Distribution
	if d == nil {
		return nil
	}
	for rank, log := range r.streams.ranks {
		role, _ := roleOf(*d, rank)
		became := compute.Rank{Rank: rank, Role: role, Log: log.name}
		switch {
		case len(crew) != len(r.streams.ranks):
			became.ExitCode = r.launchedCode(rank)
		case crew[rank].cmd.ProcessState != nil:
			code := crew[rank].exitCode()
			became.ExitCode = &code
		}
		all = append(all, became)
	}
	return all
}
