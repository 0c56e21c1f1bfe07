package logs

import (
	"os"

	"golang.org/x/sys/unix"
)

// Trim gives the room of a file's first bytes back to the disk. The file keeps its
// size, and every byte after them its place; they themselves are read as zero from now
// on. Where the file system cannot, nothing changes.
func Trim(file *os.File, bytes int64) error {
	if bytes <= 0 {
		return nil
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var done error
	err = raw.Control(func(fd uintptr) {
		done = unix.Fallocate(int(fd), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, bytes)
	})
	if done == unix.EOPNOTSUPP || done == unix.ENOSYS {
		done = nil
	}
	if err == nil {
		err = done
	}
	return err
}
