package cli

import (
	"context"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/compute"
)

func (c *command) jobServices() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show-services NAME",
		Short:   "List the services of a running job",
		Example: "  atelier job show-services calm-heron-412",
	}
	name := named(cmd, "job")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			found, err := api.SideServices(cmd.Context(), which)
			if err != nil {
				return err
			}
			return c.emit(found, func() table {
				t := table{header: []string{"name", "type", "status", "error"}, empty: "The job asked for no services."}
				for _, s := range found {
					t.rows = append(t.rows, []string{s.Name, s.Type, s.Status, s.Error})
				}
				return t
			})
		})
	}
	return cmd
}

const jobOpenLong = `Open a service of a running job, such as TensorBoard, in the browser. Without a name
it is the job's only one.

The service is shown at an address of its own on this machine, for as long as the
command runs: it is made by the job's code, and must not act as the Studio.`

func (c *command) jobOpen() *cobra.Command {
	var port int
	var quiet bool
	cmd := &cobra.Command{
		Use:     "open NAME [SERVICE]",
		Short:   "Open a service of a running job, such as TensorBoard",
		Long:    jobOpenLong,
		Example: "  atelier job open calm-heron-412\n  atelier job open calm-heron-412 board --port 6006",
		Args:    cobra.RangeArgs(1, 2),
	}
	cmd.Flags().IntVar(&port, "port", 0, "port on this machine (default: a free one)")
	cmd.Flags().BoolVar(&quiet, "no-browser", false, "print the address only")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.onServer(func(api *client.Client) error {
			service, err := pickService(cmd.Context(), api, args)
			if err != nil {
				return err
			}
			return c.showService(cmd.Context(), api, args[0], service, openOptions{port, quiet})
		})
	}
	return cmd
}

type openOptions struct {
	port      int
	noBrowser bool
}

// pickService returns the service that the user named, or the job's only one.
func pickService(ctx context.Context, api *client.Client, args []string) (string, error) {
	found, err := api.SideServices(ctx, args[0])
	if err != nil {
		return "", err
	}
	if len(args) < 2 && len(found) > 1 {
		return "", atelier.Errorf(atelier.Invalid, "The job has %d services.", len(found)).WithHint("Name one: `atelier job show-services %s` lists them.", args[0])
	}
	for _, s := range found {
		if len(args) == 2 && s.Name != args[1] {
			continue
		}
		if s.Status != compute.ServiceRunning {
			return "", atelier.Errorf(atelier.Precondition, "The service %s does not run: %s", s.Name, s.Error)
		}
		return s.Name, nil
	}
	return "", atelier.Errorf(atelier.NotFound, "The job %q has no such service.", args[0]).
		WithHint("Ask for one under services in its YAML; `atelier job show-services %s` lists them.", args[0])
}

// showService serves a service at an address of its own until the command is stopped.
func (c *command) showService(ctx context.Context, api *client.Client, job, service string, o openOptions) error {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(o.port)))
	if err != nil {
		return atelier.Errorf(atelier.Invalid, "Nothing can listen at the port %d: %w.", o.port, err).At("--port")
	}
	// By this name, and not by its number, the browser sends no cookie of a Studio on
	// this machine along.
	at := "localhost:" + strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	own := &ownOrigin{host: at, secret: atelier.NewSecret("open_"), service: api.ServiceProxy(job, service)}
	server := &http.Server{Handler: own, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { server.Close() })
	address := "http://" + at + "/?" + openToken + "=" + own.secret
	c.done("%s of %s is at\n  %s\nuntil you press Ctrl-C.", service, job, address)
	if !o.noBrowser && c.st.OpenBrowser != nil {
		c.st.OpenBrowser(address)
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// ownOrigin shows a service to one browser: other users of this machine, and pages
// of other sites, do not have its secret.
type ownOrigin struct {
	host, secret string
	service      http.Handler
}

// openToken is the name of the secret, in the first address and in the cookie.
const openToken = "atelier_open"

func (o *ownOrigin) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Host != o.host { // another name for this machine, chosen by another site
		http.Error(w, "This address is not known.", http.StatusForbidden)
		return
	}
	if o.knows(req.URL.Query().Get(openToken)) {
		http.SetCookie(w, &http.Cookie{Name: openToken, Value: o.secret, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
		w.Header().Set("Referrer-Policy", "no-referrer")
		http.Redirect(w, req, "/", http.StatusSeeOther)
		return
	}
	cookie, err := req.Cookie(openToken)
	if err != nil || !o.knows(cookie.Value) {
		http.Error(w, "Open the whole address that `atelier job open` printed.", http.StatusForbidden)
		return
	}
	all := req.Cookies()
	req.Header.Del("Cookie")
	for _, c := range all {
		if c.Name != openToken {
			req.AddCookie(c)
		}
	}
	o.service.ServeHTTP(w, req)
}

func (o *ownOrigin) knows(secret string) bool {
	return subtle.ConstantTimeCompare([]byte(secret), []byte(o.secret)) == 1
}
