package runner

import (
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/compute/process"
)

// measureEvery is how often a running command is measured.
const measureEvery = time.Second

// meter measures what a command and everything it started uses.
type meter struct {
	started time.Time
	before  time.Duration // what earlier children of this runner had used

	mu      sync.Mutex
	at      time.Time
	cpu     time.Duration
	last    compute.Usage
	ownPeak int64
}

func newMeter() *meter {
	start := time.Now()
	return &meter{started: start, at: start, before: childrenTime(), ownPeak: peak(syscall.RUSAGE_SELF)}
}

// childrenTime is the processor time of all children that ended and were waited
// for, with theirs.
func childrenTime() time.Duration {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_CHILDREN, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func peak(who int) int64 {
	var usage syscall.Rusage
	syscall.Getrusage(who, &usage)
	return maxResident(&usage)
}

// watch measures until the function it returns is called, and collects the
// orphans that end meanwhile. Those kept are waited for elsewhere.
func (m *meter) watch(kept *pids, tell func(*compute.Usage)) (stop func()) {
	done := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		ticker := time.NewTicker(measureEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				all, _ := process.List()
				process.Reap(all, kept.list()...)
				tell(m.measure(process.Descendants(all, os.Getpid())))
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		group.Wait()
	}
}

// ownMemory is the memory of processes, in which what several of them share
// counts once: the sum of what is resident would count it for each.
func ownMemory(alive []process.Info) (sum int64) {
	for _, p := range alive {
		sum += process.Proportional(p)
	}
	return sum
}

func (m *meter) measure(alive []process.Info) *compute.Usage {
	cpu := childrenTime() - m.before
	var memory int64
	for _, p := range alive {
		cpu += p.CPU
		memory += p.Memory
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	m.last = compute.Usage{
		CPUSeconds:      cpu.Seconds(),
		CPUPercent:      100 * max(0, (cpu-m.cpu).Seconds()) / max(now.Sub(m.at).Seconds(), 0.001),
		MemoryBytes:     memory,
		MemoryPeakBytes: max(m.last.MemoryPeakBytes, memory),
	}
	m.at, m.cpu = now, cpu
	usage := m.last
	return &usage
}

// total is the usage at the end. The percentage is that of the whole time. A
// command too short to be measured has the peak that the system noted, unless
// that is only the runner's own, from the moment before the command began.
func (m *meter) total(crew []*member) *compute.Usage {
	usage := m.measure(nil)
	usage.CPUPercent = 100 * usage.CPUSeconds / max(time.Since(m.started).Seconds(), 0.001)
	usage.MemoryBytes = 0
	var noted int64
	for _, c := range crew {
		if rusage, ok := c.cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			noted += maxResident(rusage)
		}
	}
	if noted > m.ownPeak || usage.MemoryPeakBytes == 0 {
		usage.MemoryPeakBytes = max(usage.MemoryPeakBytes, noted)
	}
	return usage
}
