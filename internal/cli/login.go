package cli

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/oauth2"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/credential"
)

const loginLong = `Sign in with the identity provider of the server, in the browser of this machine, and
keep a token for the command line. On a machine without a browser, make a token in the
Studio and use ` + "`atelier sign-in`" + `.`

// loginPatience is how long somebody may take in the browser.
const loginPatience = 10 * time.Minute

func (c *command) loginCommand() *cobra.Command {
	var noBrowser bool
	cmd := &cobra.Command{
		Use:     "login",
		Short:   "Sign in with the server's identity provider",
		Long:    loginLong,
		Example: "  atelier login --server https://atelier.example.com",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&noBrowser, "no-browser", false, "print the address only; a browser on this machine must open it")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		to, err := c.target()
		if err != nil {
			return err
		}
		api, err := c.clientFor(to, "")
		if err != nil {
			return err
		}
		token, err := c.login(cmd.Context(), api, noBrowser)
		if err != nil {
			return err
		}
		signedIn, err := c.clientFor(to, token)
		if err != nil {
			return err
		}
		me, err := signedIn.Me(cmd.Context())
		if err != nil {
			return err
		}
		if err := credential.Save(c.st.ConfigDir, api.Server(), token); err != nil {
			return err
		}
		c.done("Signed in to %s as %s.", api.Server(), me.User.Name)
		return nil
	}
	return cmd
}

// login has somebody sign in in a browser, which comes back to this machine with a code,
// and changes that for a token.
func (c *command) login(ctx context.Context, api *client.Client, noBrowser bool) (string, error) {
	begin, err := api.SignInAddress(ctx)
	if err != nil {
		return "", err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, loginPatience)
	defer cancel()
	path := "/" + atelier.NewSecret("")
	codes := make(chan string, 1)
	server := &http.Server{Handler: waitAt(listener.Addr().String(), path, codes), ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener)
	defer server.Shutdown(context.WithoutCancel(ctx))

	verifier := oauth2.GenerateVerifier()
	address := begin + "?" + url.Values{"loopback": {"http://" + listener.Addr().String() + path},
		"challenge": {oauth2.S256ChallengeFromVerifier(verifier)}}.Encode()
	c.done("Sign in at\n  %s", address)
	if !noBrowser && c.st.OpenBrowser != nil {
		c.st.OpenBrowser(address)
	}
	select {
	case code := <-codes:
		token, err := api.RedeemSignIn(ctx, code, verifier, "atelier login")
		return token.Secret, err
	case <-ctx.Done():
		return "", atelier.Errorf(atelier.Unauthenticated, "Nobody signed in.").WithHint("Run `atelier login` again.")
	}
}

// waitAt takes the first code that comes to the path, which only the server was told.
func waitAt(host, path string, codes chan<- string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		code := req.URL.Query().Get("code")
		if req.Host != host || req.URL.Path != path || code == "" || req.Method != http.MethodGet {
			http.NotFound(w, req)
			return
		}
		select {
		case codes <- code:
		default: // there was one
		}
		fmt.Fprintln(w, "You are signed in. You can close this page and go back to the terminal.")
	})
}
