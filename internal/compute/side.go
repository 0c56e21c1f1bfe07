package compute

// Types of a SideService.
const (
	TensorBoard = "tensor_board"
	JupyterLab  = "jupyter_lab"
)

// SideService is a program that runs beside a command for as long as that does, and
// that people reach through the server.
type SideService struct {
	Type string `json:"type"`
	// LogDir is TensorBoard's folder, in the command's place.
	LogDir string `json:"log_dir,omitempty"`
}

// What becomes of a SideService.
const (
	ServiceRunning = "Running"
	ServiceFailed  = "Failed"
)

// ServiceState is a SideService as its runner knows it.
type ServiceState struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Status string `json:"status" enum:"Running,Failed"`
	Error  string `json:"error_message,omitempty"`
}

// ShellSize is what a user's terminal says, as a message of text, when it changes
// its size. Messages of bytes are what is typed.
type ShellSize struct {
	Rows    uint16 `json:"rows"`
	Columns uint16 `json:"columns"`
}

// ShellEnd is the last message of a shell, and its only one of text.
type ShellEnd struct {
	ExitCode int `json:"exit_code"`
}
