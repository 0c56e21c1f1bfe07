package app

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os/user"
	"path/filepath"
	"time"

	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/compute/local"
	"github.com/atelier-ml/atelier/internal/vault"
)

// Version is the version of this program.
const Version = "0.1.0"

// Config is what a server needs to know. The zero Port takes a free one.
type Config struct {
	Host     string // address to listen on; "" is 127.0.0.1
	Port     int
	DataDir  string // absolute
	Database string // postgres://..., or "" for SQLite in DataDir
	Storage  string // s3://..., or "" for a folder in DataDir
	// AllowedHosts are further names by which the server may be addressed.
	AllowedHosts []string
	// PublicURL is the address by which people reach the server, where that is not
	// the one that it listens on; no slash at its end.
	PublicURL string
	// OIDC is the identity provider by which people sign in.
	OIDC access.OIDC
	// GPUs is how many jobs may be given; below 0, as many as are found.
	GPUs int
	// VaultKeyProvider is the address of the vault's key in OpenBao or HashiCorp
	// Vault, or "" for a file in DataDir; BaoToken and BaoNamespace go with it.
	VaultKeyProvider, BaoToken, BaoNamespace string
	// KeepEnvironments is how long a built environment stays that nobody uses; 0 is
	// for ever.
	KeepEnvironments time.Duration
	// KeepAudit is how long entries of the audit log stay; 0 is for ever.
	KeepAudit time.Duration
	// MaxScoringBytes bounds the body of a scoring request; 0 means 10 MB.
	MaxScoringBytes int64
	// AccessLog has every scoring request written into the log.
	AccessLog bool
	// OTLPEndpoint is the address of an OpenTelemetry collector, or "" for none.
	OTLPEndpoint string
	// Executable is this program, which the local driver starts as a runner.
	Executable string
	Log        *slog.Logger
	// Stdout receives the words for the person who starts the server.
	Stdout io.Writer
	// SaveToken remembers the owner's token for the command line on this machine.
	SaveToken func(server, token string) error
	// HasToken tells whether the command line has a token for the server. When
	// it has none, as on another port, the owner gets one more.
	HasToken func(server string) bool
}

func (c Config) databaseTarget() string {
	if c.Database != "" {
		return c.Database
	}
	return filepath.Join(c.DataDir, "atelier.db")
}

// hosts are the names to which the server answers. One that listens to this
// machine alone answers to this machine's own names, so that a page elsewhere
// cannot reach it under a name of its own. One that listens to a network is
// protected by its credentials, unless it was given names.
func (c Config) hosts() []string {
	if !c.onLoopback() && len(c.AllowedHosts) == 0 {
		return nil
	}
	all := append([]string{"127.0.0.1", "localhost", "::1", c.Host}, c.AllowedHosts...)
	if public, err := url.Parse(c.PublicURL); err == nil && public.Hostname() != "" {
		all = append(all, public.Hostname())
	}
	return all
}

func (c Config) onLoopback() bool {
	if c.Host == "" || c.Host == "localhost" {
		return true
	}
	ip := net.ParseIP(c.Host)
	return ip != nil && ip.IsLoopback()
}

// secrets are the beginnings of variables that jobs must not see. The keys of the
// bucket and of the vault open every workspace; without them, such keys are the
// user's own.
func (c Config) secrets() []string {
	var all []string
	if c.Storage != "" {
		all = append(all, "AWS_")
	}
	if c.VaultKeyProvider != "" {
		all = append(all, "BAO_", "VAULT_")
	}
	if c.OIDC.Issuer != "" {
		all = append(all, "ATELIER_OIDC_")
	}
	return all
}

// keyProvider is where the vault's key is: in file, unless a server keeps it.
func (c Config) keyProvider(file string) (vault.KeyProvider, error) {
	if c.VaultKeyProvider == "" {
		return vault.File(file), nil
	}
	return vault.NewOpenBao(c.VaultKeyProvider, c.BaoToken, c.BaoNamespace)
}

// gpus is how many GPUs the machine's compute has.
func (c Config) gpus(ctx context.Context) int {
	if c.GPUs >= 0 {
		return c.GPUs
	}
	return local.CountGPUs(ctx, local.NvidiaProc)
}

// ownerName is the name of whoever starts the server for the first time.
func (c Config) ownerName() string {
	if current, err := user.Current(); err == nil && current.Username != "" {
		return current.Username
	}
	return "owner"
}
