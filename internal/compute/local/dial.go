package local

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
)

// longestSocketPath is what every system accepts in a Unix socket's address.
const longestSocketPath = 100

// dialIn connects to the Unix socket name in folder. Where the path is too long
// for a socket's address, Linux reaches it through an open handle of the folder.
func dialIn(ctx context.Context, folder, name string) (net.Conn, error) {
	var dialer net.Dialer
	path := filepath.Join(folder, name)
	if len(path) <= longestSocketPath || runtime.GOOS != "linux" {
		return dialer.DialContext(ctx, "unix", path)
	}
	handle, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	defer handle.Close()
	return dialer.DialContext(ctx, "unix", fmt.Sprintf("/proc/self/fd/%d/%s", handle.Fd(), name))
}
