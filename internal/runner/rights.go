package runner

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier/internal/compute/process"
)

// Where the programs of a machine and what they need to run are.
var systemFolders = []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/nix", "/snap", "/sys", "/proc",
	"/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager", "/var/lib/ca-certificates"}

// devices are those that compute, and those that are none but look like one.
var devices = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/shm", "/dev/dri", "/dev/kfd", "/dev/infiniband",
	"/dev/nvidia*", "/dev/nvidia-caps"}

// secretSettings are in /etc, and nobody's but the machine's.
var secretSettings = []string{"shadow*", "gshadow*", "sudoers*", "ssh", "*.keytab", "kubernetes", "rancher", "NetworkManager", "wireguard", "openvpn", "docker", "letsencrypt"}

// maxWorkerFiles is how many files one process of a scoring worker may have open.
const maxWorkerFiles = 65536

// workerRights are those of a scoring worker: it runs what is installed, and writes
// in its own folder alone. The folder of the task itself, with its token, is closed
// to it, and so are the server's data and everybody's home.
func (r *runner) workerRights(p *place, interpreter string) *process.Rights {
	rights := &process.Rights{Files: maxWorkerFiles, Sockets: r.dir, Write: []string{r.workPath()},
		Read: slices.Concat(systemFolders, settings(), r.interpreterFolders(interpreter))}
	if p.ready != nil {
		rights.Read = append(rights.Read, p.ready.Dir)
	}
	for _, name := range []string{"LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CUDA_HOME", "CUDA_PATH"} {
		for _, path := range filepath.SplitList(os.Getenv(name)) {
			if filepath.IsAbs(path) && !r.holdsData(path) {
				rights.Read = append(rights.Read, path)
			}
		}
	}
	for _, pattern := range devices {
		found, _ := filepath.Glob(pattern)
		rights.Write = append(rights.Write, found...)
	}
	return rights
}

// settings are the files and folders in /etc that hold no secrets.
func settings() (found []string) {
	entries, _ := os.ReadDir("/etc")
	for _, entry := range entries {
		secret := slices.ContainsFunc(secretSettings, func(pattern string) bool {
			matched, _ := filepath.Match(pattern, entry.Name())
			return matched
		})
		switch {
		case secret:
		case entry.Name() == "ssl": // keys may lie beside the certificates
			found = append(found, "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/ssl/cert.pem")
		default:
			found = append(found, filepath.Join("/etc", entry.Name()))
		}
	}
	return found
}

// interpreterFolders are where an interpreter and its library lie, by the name that
// it was found under and by its real one; for a virtual environment also those of
// what it was made from.
func (r *runner) interpreterFolders(interpreter string) (found []string) {
	real, err := filepath.EvalSymlinks(interpreter)
	if err != nil {
		return nil // it cannot be started either
	}
	names := []string{interpreter, real}
	if folder := madeFrom(filepath.Dir(filepath.Dir(interpreter))); folder != "" {
		names = append(names, filepath.Join(folder, "python3"))
		if real, err := filepath.EvalSymlinks(filepath.Join(folder, "python3")); err == nil {
			names = append(names, real)
		}
	}
	for _, name := range names {
		folder := filepath.Dir(filepath.Dir(name))
		if r.holdsData(folder) {
			folder = name
		}
		found = append(found, folder)
	}
	return found
}

// madeFrom returns the folder with the interpreter that a virtual environment was
// made from, "" for what is none.
func madeFrom(environment string) string {
	file, err := os.Open(filepath.Join(environment, "pyvenv.cfg"))
	if err != nil {
		return ""
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if key, value, _ := strings.Cut(lines.Text(), "="); strings.TrimSpace(key) == "home" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// holdsData reports whether the server's data lies in folder.
func (r *runner) holdsData(folder string) bool {
	real, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return true
	}
	inside, err := filepath.Rel(real, r.dir)
	return err != nil || inside != ".." && !strings.HasPrefix(inside, "../")
}
