package process

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// Lock takes the lock at path for the life of this process. The system releases
// it when the process ends, however it ends. The second value is false when
// another process holds it. The file must not be opened again by the holder:
// closing any handle of it would release the lock.
func Lock(path string) (*os.File, bool, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, err
	}
	want := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart}
	err = syscall.FcntlFlock(file.Fd(), syscall.F_SETLK, &want)
	if err == nil {
		return file, true, nil
	}
	file.Close()
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) {
		return nil, false, nil
	}
	return nil, false, err
}

// Holder returns the process that holds the lock at path, and 0 when none does.
// It takes nothing itself, so that asking never gets in anybody's way.
func Holder(path string) (int, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer file.Close()
	ask := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart}
	if err := syscall.FcntlFlock(file.Fd(), syscall.F_GETLK, &ask); err != nil {
		return 0, err
	}
	if ask.Type == syscall.F_UNLCK {
		return 0, nil
	}
	return int(ask.Pid), nil
}
