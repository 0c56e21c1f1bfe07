package runner_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/job"
)

// meet is a program whose processes find each other by the variables of PyTorch:
// the first gathers a word of every other one and answers with the sum.
const meet = `cat > meet.py <<'END'
import os, socket
rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
address = (os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
if rank == 0:
    server = socket.create_server(address)
    others = [server.accept()[0] for _ in range(size - 1)]
    total = sum(int(other.recv(8)) for other in others)
    for other in others:
        other.sendall(str(total).encode())
else:
    while True:
        try:
            first = socket.create_connection(address)
            break
        except ConnectionRefusedError:
            pass
    first.sendall(str(rank).encode())
    total = int(first.recv(8))
print(f"rank {rank} of {size}, {os.environ['LOCAL_RANK']} on node {os.environ['NODE_RANK']}: the sum is {total}")
END
python3 meet.py`

func distributed(kind string, change func(*job.Distribution)) func(*job.Spec) {
	return func(spec *job.Spec) {
		spec.Distribution = &job.Distribution{Type: kind}
		change(spec.Distribution)
	}
}

func TestProcessesMeet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	j := w.submit(meet, distributed(compute.PyTorch, func(d *job.Distribution) { d.ProcessCountPerInstance = 2 }), func(spec *job.Spec) {
		spec.Resources.InstanceCount = 2
	})
	if len(j.Notices) != 1 || !strings.Contains(j.Notices[0], "All 2 instances are on this one machine") {
		t.Errorf("notices %q", j.Notices)
	}
	j = w.finish(j.Name, job.Completed)
	for rank, want := range []string{"rank 0 of 4, 0 on node 0", "rank 1 of 4, 1 on node 0", "rank 2 of 4, 0 on node 1", "rank 3 of 4, 1 on node 1"} {
		want += ": the sum is 6\n"
		name := fmt.Sprintf("user_logs/std_log_process_%02d.txt", rank)
		if got := w.log(j.Name, name); got != want {
			t.Errorf("%s has %q, want %q", name, got, want)
		}
		if got := w.artifacts(j.Name)[job.ProcessLog(rank)]; got != want {
			t.Errorf("%s is kept as %q", job.ProcessLog(rank), got)
		}
		if became := j.Ranks[rank]; became.Rank != rank || became.ExitCode == nil || *became.ExitCode != 0 || became.Log != job.ProcessLog(rank) {
			t.Errorf("rank %+v", became)
		}
	}
	if _, err := w.jobs.OpenLog(w.user(), w.ws.ID, j.Name, "user_logs/std_log_process_04.txt"); err == nil {
		t.Error("there is a log of a fifth process")
	}
	w.must(w.jobs.Delete(w.user(), w.ws.ID, j.Name))
}

func TestOneFailingProcessEndsTheOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	j := w.submit(`if [ $RANK = 1 ]; then echo broken; exit 3; fi
trap 'echo tidying up; exit 0' TERM
(trap '' TERM; setsid sleep 600 &)
while true; do sleep 0.05; done`, distributed(compute.PyTorch, func(d *job.Distribution) { d.ProcessCountPerInstance = 3 }))
	folder := ""
	w.await(j.Name, "running", func(j job.Job) bool { return j.Status == job.Running || j.Status.Ended() })
	if folders, _ := filepath.Glob(filepath.Join(w.dir, "tasks", "*")); len(folders) == 1 {
		folder = folders[0]
	}
	j = w.finish(j.Name, job.Failed)
	if j.ExitCode == nil || *j.ExitCode != 3 || !strings.Contains(j.Error.Message, "One of the job's 3 processes ended with exit code 3. user_logs/std_log_process_01.txt has what") {
		t.Errorf("exit code %v, error %+v", j.ExitCode, j.Error)
	}
	if code := j.Ranks[1].ExitCode; code == nil || *code != 3 {
		t.Errorf("the process that failed is %+v", j.Ranks[1])
	}
	for _, rank := range []int{0, 2} { // they are asked to end; one that had not yet set its trap ends by the signal
		if code := j.Ranks[rank].ExitCode; code == nil || *code != 0 && *code != 128+15 {
			t.Errorf("the process %d became %+v", rank, j.Ranks[rank])
		}
	}
	if folder != "" {
		w.wantNothingLeft(j.Name, folder)
	}
}

func TestParameterServersEndWithTheWorkers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	j := w.submit(`echo $TF_CONFIG
case $TF_CONFIG in *'"type":"ps"'*) sleep 600;; esac`, distributed(compute.TensorFlow, func(d *job.Distribution) {
		d.WorkerCount, d.ParameterServerCount = 2, 1
	}))
	j = w.finish(j.Name, job.Completed)
	if len(j.Ranks) != 3 || j.Ranks[2].Role != "ps" || j.Ranks[0].Role != "worker" || *j.ExitCode != 0 {
		t.Errorf("ranks %+v", j.Ranks)
	}
	if got := w.log(j.Name, job.ProcessLog(1)); !strings.Contains(got, `"task":{"index":1,"type":"worker"}`) {
		t.Errorf("the second worker was told %q", got)
	}
}

// A cancel reaches every process, and the job counts as canceled whatever they
// answer.
func TestCancelEndsEveryProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	j := w.submit(`trap 'exit 5' TERM; echo started; while true; do sleep 0.05; done`,
		distributed(compute.PyTorch, func(d *job.Distribution) { d.ProcessCountPerInstance = 2 }))
	w.awaitLog(j.Name, "started")
	folder := w.folder()
	_, err := w.jobs.Cancel(w.user(), w.ws.ID, j.Name)
	w.must(err)
	j = w.finish(j.Name, job.Canceled)
	if len(j.Ranks) != 2 || j.Ranks[0].ExitCode == nil || j.Ranks[1].ExitCode == nil {
		t.Errorf("the processes became %+v", j.Ranks)
	}
	w.wantNothingLeft(j.Name, folder)
}

func TestProcessesOfMPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	command := `echo $OMPI_COMM_WORLD_RANK of $OMPI_COMM_WORLD_SIZE; test $OMPI_COMM_WORLD_RANK != ${FAILS:-9} || exit 4`
	ofMPI := distributed(compute.MPI, func(d *job.Distribution) { d.ProcessCountPerInstance = 2 })
	// Where there is no mpirun, the job says so and runs all the same.
	bare := func(spec *job.Spec) { spec.EnvironmentVariables = map[string]string{"PATH": pathWithout(t, "mpirun")} }
	j := w.finish(w.submit(command, ofMPI, bare).Name, job.Completed)
	if got := w.log(j.Name, job.CommandLog); !strings.HasSuffix(got, "0 of 2\n") || !strings.Contains(got, "there is no mpirun") {
		t.Errorf("the first process printed %q", got)
	}
	if got := w.log(j.Name, job.ProcessLog(1)); got != "1 of 2\n" {
		t.Errorf("the second process printed %q", got)
	}
	// The program stands in for Open MPI's, which is large: it starts so many
	// processes, numbers them as that does, and fails when one of them does.
	launcher := filepath.Join(t.TempDir(), "mpirun")
	w.must(os.WriteFile(launcher, []byte(`#!/bin/sh
echo launching $2
count=$2; shift 2
for rank in $(seq 0 $((count - 1))); do
  OMPI_COMM_WORLD_RANK=$rank OMPI_COMM_WORLD_SIZE=$count "$@" &
  all="$all $!"
done
for one in $all; do wait $one || failed=$?; done
exit ${failed:-0}
`), 0o755))
	withLauncher := func(spec *job.Spec) {
		spec.EnvironmentVariables = map[string]string{"PATH": filepath.Dir(launcher) + ":" + os.Getenv("PATH")}
	}
	j = w.finish(w.submit(command, ofMPI, withLauncher).Name, job.Completed)
	if got := w.log(j.Name, job.CommandLog); !strings.Contains(got, "launching 2\n") || !strings.Contains(got, "0 of 2\n") || strings.Contains(got, "1 of 2") {
		t.Errorf("the job printed %q", got)
	}
	if got := w.log(j.Name, job.ProcessLog(1)); got != "1 of 2\n" || len(j.Ranks) != 2 || *j.Ranks[1].ExitCode != 0 {
		t.Errorf("the second process printed %q and became %+v", got, j.Ranks)
	}
	j = w.finish(w.submit("FAILS=1\n"+command, ofMPI, withLauncher).Name, job.Failed)
	if *j.ExitCode != 4 || *j.Ranks[0].ExitCode != 0 || *j.Ranks[1].ExitCode != 4 {
		t.Errorf("exit code %d, ranks %+v", *j.ExitCode, j.Ranks)
	}
}

// pathWithout is the machine's PATH without the folders that hold a program.
func pathWithout(t *testing.T, program string) string {
	var kept []string
	for _, folder := range filepath.SplitList(os.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(folder, program)); err != nil {
			kept = append(kept, folder)
		}
	}
	return strings.Join(kept, ":")
}
