package compute

// Names in a task's folder that the driver and the runner agree on.
const (
	TaskFile      = "task.json"   // the Task
	LockFile      = "lock"        // held by the runner for as long as it lives
	RunnerLogFile = "runner.log"  // what the runner says about itself
	SocketFile    = "worker.sock" // where a service listens
)

// RunnerReady is what a runner prints, and all it ever prints, once it holds
// its lock.
const RunnerReady = "ready\n"
