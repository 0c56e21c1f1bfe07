package process

// Limits are what a task's processes may take of the machine together; zero is as
// much as there is.
type Limits struct {
	Memory    int64 // bytes
	CPUs      float64
	Processes int // and threads
}

// Rights are what a task's processes may do beside computing.
type Rights struct {
	// Read are the files and folders that they may read and run, and Write those that
	// they may change, too. What is missing is left out.
	Read, Write []string
	// Sockets is a folder in which they may make a socket, and nothing else.
	Sockets string
	// Files is how many files each of them may have open.
	Files uint64
}

// Cell is where the commands of a task are started: in its control group, and with
// the rights of the cell, which none of them can leave. All of them see one another.
type Cell struct {
	calls chan func()
	group string // of version 2, which is entered while a process is made
	files uint64
	// Open says why the commands have more rights than they should; it is nil where
	// the system takes them away.
	Open error
}
