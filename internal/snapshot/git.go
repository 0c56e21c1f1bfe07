package snapshot

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Git is the state of the repository that a folder lies in.
type Git struct {
	Remote string // without credentials; empty where there is none
	Branch string // empty when no branch is checked out
	Commit string
	Dirty  bool // something in the folder differs from the commit
}

// GitFacts asks git about dir. The second value is false where dir is in no
// repository, the repository has no commit, or the machine has no git.
func GitFacts(ctx context.Context, dir string) (Git, bool) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	commit, ok := git(ctx, dir, "rev-parse", "--verify", "HEAD")
	if !ok {
		return Git{}, false
	}
	facts := Git{Commit: commit}
	facts.Branch, _ = git(ctx, dir, "symbolic-ref", "--short", "-q", "HEAD")
	if remote, ok := git(ctx, dir, "config", "--get", "remote.origin.url"); ok {
		facts.Remote = withoutCredentials(remote)
	}
	changes, ok := git(ctx, dir, "status", "--porcelain", "--", ".")
	facts.Dirty = !ok || changes != ""
	return facts, true
}

// Properties are the facts under the names that MLflow and Azure Machine
// Learning give them.
func (g Git) Properties() map[string]string {
	dirty := "False"
	if g.Dirty {
		dirty = "True"
	}
	properties := map[string]string{"mlflow.source.git.commit": g.Commit, "azureml.git.dirty": dirty}
	if g.Branch != "" {
		properties["mlflow.source.git.branch"] = g.Branch
	}
	if g.Remote != "" {
		properties["mlflow.source.git.repoURL"] = g.Remote
	}
	return properties
}

// git runs git in dir. It may not ask anybody anything, write to the
// repository, or start a program that the repository's own settings name.
func git(ctx context.Context, dir string, args ...string) (string, bool) {
	command := exec.CommandContext(ctx, "git", append([]string{"-c", "core.fsmonitor=false", "-C", dir}, args...)...)
	command.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
	command.WaitDelay = time.Second
	said, err := command.Output()
	return strings.TrimSpace(string(said)), err == nil
}

func withoutCredentials(remote string) string {
	address, err := url.Parse(remote)
	if err != nil || address.Host == "" {
		if strings.Contains(remote, "://") {
			return "" // an address that cannot be read could hide anything
		}
		return remote // git@host:path, or a folder
	}
	address.RawQuery, address.Fragment = "", ""
	if address.Scheme == "ssh" && address.User != nil {
		address.User = url.User(address.User.Username())
		return address.String()
	}
	address.User = nil
	return address.String()
}
