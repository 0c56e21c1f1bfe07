package job_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/compute/fake"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/job"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
	"github.com/atelier-ml/atelier/internal/tracking"
)

var (
	worldSeed  = flag.Uint64("world-seed", 0, "seed of the simulation of a server's life; 0 makes one up")
	worldSteps = flag.Int("world-steps", 300, "how many things happen in the simulation of a server's life")
)

// history is a simulation: a world, and what was seen of it.
type history struct {
	*world
	random *rand.Rand // of the present step
	made   int
	known  []string // jobs that were acknowledged, or may have been
	sure   map[string]bool
	asked  map[string]bool // to be canceled
	gone   map[string]bool // deleted
	seen   map[string]job.Status
	ends   map[job.Status]int
	lives  int
	repair func() // of the database, nil while it is whole
}

// A server lives, is killed at any point and lives again, while jobs of all
// kinds come, runners die, messages are lost, repeated and late, the disk and
// the database fail, and the clock is set. No job is lost, none runs twice, what
// is said of each is true at any moment, nothing is given to two, and in the end
// nothing is left.
func TestLivesOfAServer(t *testing.T) {
	sqldbtest.EachTarget(t, func(t *testing.T, target string) {
		seed := *worldSeed
		if seed == 0 {
			seed = rand.Uint64()
		}
		t.Logf("run again with -world-seed=%d -world-steps=%d", seed, *worldSteps)
		synctest.Test(t, func(t *testing.T) {
			h := &history{world: newWorld(t, target, seed), sure: map[string]bool{},
				asked: map[string]bool{}, gone: map[string]bool{}, seen: map[string]job.Status{}, ends: map[job.Status]int{}}
			defer h.end()
			h.live(*worldSteps)
			h.calmDown()
			h.wantAllEnded()
			t.Logf("%d jobs over %d lives of the server ended %v", len(h.known), h.lives, h.ends)
		})
	})
}

// end lets nothing of the world go on.
func (h *history) end() {
	h.stop()
	for _, left := range h.driver.Left() {
		h.driver.Release(h.eye.ctx, left.Handle)
	}
	h.eye.db.Close()
	h.logs.Close()
}

func (h *history) live(steps int) {
	for step := range steps {
		h.begin(step)
		if h.alive() == nil && h.random.IntN(4) > 0 {
			h.stop()
			h.start()
			h.lives++
		}
		h.happen()
		synctest.Wait()
		h.look(step%50 == 0)
		if h.t.Failed() {
			h.t.FailNow()
		}
	}
}

// begin begins a step, whose chances depend on nothing that happened before.
func (h *history) begin(step int) {
	h.random = rand.New(rand.NewPCG(h.seed, uint64(step)))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.step, h.times = step, map[string]int{}
}

// happen is the next thing that happens.
func (h *history) happen() {
	switch n := h.random.IntN(100); {
	case n < 30:
		h.submit()
	case n < 60:
		time.Sleep(time.Duration(h.random.IntN(30_000)) * time.Millisecond)
	case n < 68:
		h.cancel()
	case n < 72:
		if s := h.alive(); s != nil {
			s.kill()
		}
	case n < 78:
		if s := h.alive(); s != nil {
			s.steps.Store(1 + int64(h.random.IntN(8))) // it dies in one of its next transactions
		}
	case n < 82:
		h.crash()
	case n < 85:
		h.offset.Store(int64(time.Duration(h.random.IntN(2*72)-72) * time.Hour))
	case n < 89:
		h.mu.Lock()
		h.faults = faults{driver: h.random.IntN(2) * h.random.IntN(20), contact: h.random.IntN(2) * h.random.IntN(40), die: h.random.IntN(2) * h.random.IntN(8)}
		h.mu.Unlock()
	case n < 92:
		h.breakDatabase()
	case n < 95:
		h.deliverLate()
	case n < 97:
		h.delete()
	default:
		h.limit()
	}
}

func (h *history) submit() {
	s := h.alive()
	if s == nil {
		return
	}
	name := fmt.Sprintf("job-%d", h.made)
	h.made++
	p := planned{script: fake.Script{Insist: true, RunFor: time.Duration(h.random.IntN(40)) * time.Second},
		spec: job.Spec{Name: name, Command: "train", Environment: environment.Spec{Reference: job.SystemEnvironment},
			ExperimentName: fmt.Sprint("e", h.random.IntN(3))}}
	p.spec.Resources = job.Resources{CPUs: h.random.IntN(4), GPUs: max(h.random.IntN(4)-1, 0), Memory: []string{"", "1Gi", "5Gi"}[h.random.IntN(3)]}
	p.spec.QueueSettings.Priority = job.Priorities[h.random.IntN(3)]
	switch h.random.IntN(8) {
	case 0:
		p.script.ExitCode = 1 + h.random.IntN(3)
	case 1:
		p.script.Hang, p.spec.Limits.Timeout = true, 1+h.random.IntN(60)
	case 2:
		p.script.Refuse = &compute.Failure{Code: compute.EnvironmentError, Message: "No such package."}
	case 3:
		p.script.Die = true
	}
	h.mu.Lock()
	h.plans[name] = p
	h.mu.Unlock()
	h.known = append(h.known, name)
	_, err := s.jobs.Submit(h.asUser(s), h.ws.ID, p.spec)
	h.sure[name] = err == nil
}

// one returns one of the jobs that there may be.
func (h *history) one() string {
	if len(h.known) == 0 {
		return ""
	}
	return h.known[max(0, len(h.known)-1-h.random.IntN(12))]
}

func (h *history) cancel() {
	if s, name := h.alive(), h.one(); s != nil && name != "" {
		h.asked[name] = true // also when the answer is an error: it may have come there
		s.jobs.Cancel(h.asUser(s), h.ws.ID, name)
	}
}

func (h *history) delete() {
	s, name := h.alive(), h.one()
	if s == nil || name == "" {
		return
	}
	if j, err := h.eye.jobs.Get(h.eye.ctx, h.ws.ID, name); err == nil && j.Status.Ended() {
		s.jobs.Delete(h.asUser(s), h.ws.ID, name)
		h.gone[name] = true
	}
}

// crash kills a runner with all that it started.
func (h *history) crash() {
	left := h.driver.Left()
	if len(left) == 0 {
		return
	}
	victim := left[h.random.IntN(len(left))]
	h.mu.Lock()
	h.crashed[victim.ID] = true
	h.mu.Unlock()
	h.driver.Signal(h.eye.ctx, victim.Handle, compute.Kill)
}

func (h *history) deliverLate() {
	h.mu.Lock()
	late := h.delayed
	h.delayed = nil
	h.mu.Unlock()
	h.random.Shuffle(len(late), func(i, j int) { late[i], late[j] = late[j], late[i] })
	for _, deliver := range late {
		deliver()
	}
}

// limit changes what a member may have, or takes the limit away.
func (h *history) limit() {
	if s := h.alive(); s != nil {
		s.jobs.SetLimits(h.asUser(s), h.ws.ID, job.WorkspaceLimits{JobsPerMember: h.random.IntN(3)})
	}
}

// breakDatabase makes every change of a job fail, as a full disk does, or makes
// it whole again.
func (h *history) breakDatabase() {
	if h.repair != nil {
		h.repair()
		h.repair = nil
		return
	}
	h.repair = breakJobs(h.t, h.eye.db)
}

func (h *history) calmDown() {
	h.mu.Lock()
	h.faults = faults{}
	h.mu.Unlock()
	if h.repair != nil {
		h.repair()
	}
	if h.alive() == nil {
		h.stop()
		h.start()
	}
	s := h.alive()
	s.steps.Store(-1)
	if _, err := s.jobs.SetLimits(h.asUser(s), h.ws.ID, job.WorkspaceLimits{}); err != nil {
		h.t.Fatal(err)
	}
	for step := range 500 {
		h.begin(*worldSteps + step)
		time.Sleep(time.Minute)
		synctest.Wait()
		if h.look(false); h.unfinished() == 0 {
			break
		}
	}
	time.Sleep(time.Hour) // what is left of those that ended is put away
	synctest.Wait()
	h.look(true)
}

func (h *history) unfinished() (n int) {
	for _, status := range h.seen {
		if !status.Ended() {
			n++
		}
	}
	return n
}

// after says what a job may become, in any number of steps.
var after = map[job.Status][]job.Status{
	"":                  job.Statuses(),
	job.Queued:          job.Statuses(),
	job.Preparing:       job.Statuses(), // Queued too, when it could not be handed over
	job.Running:         {job.Finalizing, job.CancelRequested, job.NotResponding, job.Completed, job.Failed, job.Canceled},
	job.Finalizing:      {job.CancelRequested, job.NotResponding, job.Completed, job.Failed, job.Canceled},
	job.NotResponding:   {job.Preparing, job.Running, job.Finalizing, job.CancelRequested, job.Completed, job.Failed, job.Canceled},
	job.CancelRequested: {job.Completed, job.Failed, job.Canceled},
}

// look checks what must be true at any moment. Jobs that have ended are looked
// at again when everything is asked for.
func (h *history) look(everything bool) {
	h.t.Helper()
	lost := func(format string, args ...any) { h.t.Errorf("step %d: %s", h.step, fmt.Sprintf(format, args...)) }
	asks := map[string]job.Resources{}
	for _, name := range h.known {
		if h.seen[name].Ended() && !everything {
			continue
		}
		j, err := h.eye.jobs.Get(h.eye.ctx, h.ws.ID, name)
		if atelier.CodeOf(err) == atelier.NotFound {
			if h.sure[name] && !h.gone[name] {
				lost("the job %s is lost", name)
			}
			delete(h.seen, name)
			continue
		}
		if err != nil {
			h.t.Fatal(err)
		}
		before := h.seen[name]
		if j.Status != before && !slices.Contains(after[before], j.Status) {
			lost("%s was %s and is %s", name, before, j.Status)
		}
		h.seen[name] = j.Status
		asks[name] = j.Resources
		if j.EndedAt != nil != j.Status.Ended() || j.EndedAt != nil && j.StartedAt != nil && j.EndedAt.Before(*j.StartedAt) {
			lost("%s is %s, started at %v and ended at %v", name, j.Status, j.StartedAt, j.EndedAt)
		}
		h.truth(j, lost)
	}
	h.notOverfull(asks, lost)
}

// truth checks that what is said of a job is so.
func (h *history) truth(j job.Job, lost func(string, ...any)) {
	begun := h.driver.Begun(compute.Task{ID: j.Name, Workspace: h.ws.Name, Kind: compute.Command})
	if begun > 1 {
		lost("%s ran %d times", j.Name, begun)
	}
	run := storedRunStatus(h.t, h.eye.db, j.Name)
	ends := map[job.Status]tracking.RunStatus{job.Completed: tracking.Finished, job.Failed: tracking.Failed, job.Canceled: tracking.Killed}
	if want := ends[j.Status]; want != "" && run != want || want == "" && run.Ended() {
		lost("%s is %s and its run %s", j.Name, j.Status, run)
	}
	if !j.Status.Ended() {
		return
	}
	for _, left := range h.driver.Left() {
		if left.ID == j.Name && left.InCommand {
			lost("%s is %s and its command runs", j.Name, j.Status)
		}
	}
	code := ""
	if j.Error != nil {
		code = j.Error.Code
	}
	p := h.plans[j.Name]
	switch {
	case j.Status == job.Completed:
		if begun != 1 || p.script.ExitCode != 0 || p.script.Refuse != nil {
			lost("%s is Completed and was begun %d times, with %+v", j.Name, begun, p.script)
		}
	case j.Status == job.Canceled && code == compute.Timeout:
		if p.spec.Limits.Timeout == 0 {
			lost("%s ran out of time, and has no limit", j.Name)
		}
	case j.Status == job.Canceled:
		if !h.asked[j.Name] {
			lost("%s is Canceled, and nobody asked for it", j.Name)
		}
	case code == compute.RunnerLost:
		if !h.crashed[j.Name] && !p.script.Die {
			lost("%s is said to have lost its runner (%s)", j.Name, j.Error.Message)
		}
	case code == compute.StartError:
		if !h.refused[j.Name] {
			lost("%s is said not to have started (%s)", j.Name, j.Error.Message)
		}
	case code == compute.EnvironmentError:
		if p.script.Refuse == nil {
			lost("%s is said to have no environment", j.Name)
		}
	case code != compute.UserError || p.script.ExitCode == 0:
		lost("%s failed with %+v, of %+v", j.Name, j.Error, p.script)
	}
}

// notOverfull checks that the commands that run fit into the machine.
func (h *history) notOverfull(asks map[string]job.Resources, lost func(string, ...any)) {
	cpus, holders := 0, map[int]string{}
	for _, left := range h.driver.Left() {
		if !left.InCommand {
			continue
		}
		cpus += max(asks[left.ID].CPUs, 1)
		if len(left.GPUs) != asks[left.ID].GPUs {
			lost("%s has the GPUs %v, and asked for %d", left.ID, left.GPUs, asks[left.ID].GPUs)
		}
		for _, gpu := range left.GPUs {
			if other := holders[gpu]; other != "" {
				lost("%s and %s have the GPU %d", other, left.ID, gpu)
			}
			holders[gpu] = left.ID
		}
	}
	if cpus > 4 {
		lost("%d of 4 processors are in use", cpus)
	}
}

// wantAllEnded checks what must be true in the end.
func (h *history) wantAllEnded() {
	h.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(h.seen)) {
		status := h.seen[name]
		h.ends[status]++
		if !status.Ended() {
			j, _ := h.eye.jobs.Get(h.eye.ctx, h.ws.ID, name)
			h.t.Errorf("%s is %s, of %+v; it waits for %v", name, status, h.plans[name].script, j.Runner)
		}
	}
	for _, left := range h.driver.Left() {
		h.t.Errorf("the task of %s is left: %s", left.ID, left.State)
	}
	err := h.eye.db.Read(h.eye.ctx, func(tx *sqldb.Tx) error { return job.RefuseDeletion(h.eye.ctx, tx, h.ws.ID) })
	if err != nil {
		h.t.Errorf("something is not put away: %v", err)
	}
	if n := countTaskTokens(h.t, h.eye.db); n > 0 {
		h.t.Errorf("%d tokens of tasks are left", n)
	}
}
