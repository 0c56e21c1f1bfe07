package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/endpoint"
)

func (c *command) endpointCommand() *cobra.Command {
	return noun("online-endpoint", "Serve models at addresses that stay",
		c.endpointCreate(), c.endpointUpdate(), c.endpointShow(), c.endpointList(), c.endpointDelete(),
		c.endpointRollout(), c.endpointStopRollout(), c.endpointInvoke(), c.endpointCredentials(), c.endpointRegenerateKeys())
}

func (c *command) endpointCreate() *cobra.Command {
	var file, name, authMode string
	var sets []string
	cmd := &cobra.Command{
		Use:     "create",
		Short:   "Make an endpoint, from a file or by name",
		Example: "  atelier online-endpoint create -f endpoint.yml\n  atelier online-endpoint create -n diabetes",
		Args:    cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringVarP(&file, "file", "f", "", "YAML file that describes the endpoint")
	flags.StringVarP(&name, "name", "n", "", "name of the endpoint; wins over the file")
	flags.StringVar(&authMode, "auth-mode", "", "what callers show: key or aml_token")
	flags.StringArrayVar(&sets, "set", nil, "change a value of the file, as in tags.team=vision")
	cmd.MarkFlagsOneRequired("file", "name")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ask, err := c.loadEndpoint(file, sets, name, authMode)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			made, err := api.CreateEndpoint(cmd.Context(), ask)
			if err != nil {
				return err
			}
			return c.showEndpoint(made)
		})
	}
	return cmd
}

func (c *command) endpointUpdate() *cobra.Command {
	var file, name, traffic, mirror string
	var sets []string
	cmd := &cobra.Command{
		Use:     "update",
		Short:   "Change an endpoint, such as its traffic",
		Long:    "Change an endpoint. Traffic is a share in percent for each deployment; the shares\nadd up to 0 or to 100.",
		Example: "  atelier online-endpoint update -n diabetes --traffic \"blue=90 green=10\"",
		Args:    cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringVarP(&name, "name", "n", "", "name of the endpoint; wins over the file")
	flags.StringVarP(&file, "file", "f", "", "YAML file that describes the endpoint")
	flags.StringVarP(&traffic, "traffic", "r", "", "shares, as in \"blue=90 green=10\"")
	flags.StringVar(&mirror, "mirror-traffic", "", "share of requests that one deployment gets a copy of, as in \"green=10\"")
	flags.StringArrayVar(&sets, "set", nil, "change a value of the file, as in traffic.blue=100")
	cmd.MarkFlagsOneRequired("file", "name")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		which, change, err := c.endpointChange(file, sets, name)
		if err != nil {
			return err
		}
		if flags.Changed("traffic") {
			if change.Traffic, err = shares("--traffic", traffic); err != nil {
				return err
			}
		}
		if flags.Changed("mirror-traffic") {
			if change.MirrorTraffic, err = shares("--mirror-traffic", mirror); err != nil {
				return err
			}
		}
		return c.onServer(func(api *client.Client) error {
			changed, err := api.UpdateEndpoint(cmd.Context(), which, change)
			if err != nil {
				return err
			}
			return c.showEndpoint(changed)
		})
	}
	return cmd
}

// endpointChange reads a file of an endpoint as a change of the endpoint.
func (c *command) endpointChange(file string, sets []string, name string) (string, endpoint.UpdateEndpoint, error) {
	ask, err := c.loadEndpoint(file, sets, name, "")
	if err != nil {
		return "", endpoint.UpdateEndpoint{}, err
	}
	return ask.Name, endpoint.UpdateEndpoint{
		Description: unlessZero(ask.Description), Tags: unlessNil(ask.Tags), Properties: unlessNil(ask.Properties),
		AuthMode: unlessZero(ask.AuthMode), Traffic: unlessNil(ask.Traffic), MirrorTraffic: unlessNil(ask.MirrorTraffic),
	}, nil
}

// unlessZero returns value as a change, and no change for the zero value.
func unlessZero[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	return &value
}

// unlessNil is unlessZero for maps, where an empty one is a change.
func unlessNil[M ~map[string]V, V any](value M) *M {
	if value == nil {
		return nil
	}
	return &value
}

// shares reads "blue=90 green=10".
func shares(flag, text string) (*endpoint.Traffic, error) {
	pairs, err := keyValues(flag, words(text))
	if err != nil {
		return nil, err
	}
	traffic := endpoint.Traffic{}
	for name, value := range pairs {
		share, err := strconv.Atoi(strings.TrimSuffix(value, "%"))
		if err != nil {
			return nil, atelier.Errorf(atelier.Invalid, "%q is not a share in percent.", atelier.Clip(value, 20)).At(flag).
				WithHint("Write it as %s \"blue=90 green=10\".", flag)
		}
		traffic[name] = share
	}
	return &traffic, nil
}

func (c *command) endpointShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show NAME",
		Short:   "Show an endpoint",
		Example: "  atelier online-endpoint show diabetes",
	}
	name := named(cmd, "endpoint")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			found, err := api.GetEndpoint(cmd.Context(), which)
			if err != nil {
				return err
			}
			return c.showEndpoint(found)
		})
	}
	return cmd
}

func (c *command) showEndpoint(e endpoint.Endpoint) error {
	return c.emit(e, func() table {
		failure := ""
		if e.Error != nil {
			failure = e.Error.Message
		}
		return facts(
			[2]string{"name", e.Name},
			[2]string{"state", string(e.State)},
			[2]string{"error", failure},
			[2]string{"scoring URI", e.ScoringURI},
			[2]string{"traffic", pairs(e.Traffic)},
			[2]string{"mirror traffic", pairs(e.MirrorTraffic)},
			[2]string{"rollout", rolloutLine(e.Rollout)},
			[2]string{"auth mode", string(e.AuthMode)},
			[2]string{"description", e.Description},
			[2]string{"tags", pairs(e.Tags)},
			[2]string{"created by", e.CreatedBy},
			[2]string{"created", c.at(e.CreatedAt)},
		)
	})
}

func (c *command) endpointList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the endpoints of the workspace",
		Example: "  atelier online-endpoint list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.onServer(func(api *client.Client) error {
				all, err := api.ListEndpoints(cmd.Context())
				if err != nil {
					return err
				}
				return c.emit(all, func() table {
					t := table{header: []string{"name", "state", "traffic", "scoring URI", "created"}, empty: "There are no endpoints yet. `atelier online-endpoint create -n NAME` makes one."}
					for _, e := range all {
						t.rows = append(t.rows, []string{e.Name, string(e.State), pairs(e.Traffic), e.ScoringURI, c.at(e.CreatedAt)})
					}
					return t
				})
			})
		},
	}
}

func (c *command) endpointDelete() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:     "delete NAME",
		Short:   "Delete an endpoint and its deployments",
		Example: "  atelier online-endpoint delete diabetes --yes",
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	name := named(cmd, "endpoint")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		if err := c.confirm(yes, "Delete the endpoint %q and its deployments?", which); err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if err := api.DeleteEndpoint(cmd.Context(), which); err != nil {
				return err
			}
			c.done("The endpoint %q is being deleted.", which)
			return nil
		})
	}
	return cmd
}

func (c *command) endpointInvoke() *cobra.Command {
	var file, deployment string
	cmd := &cobra.Command{
		Use:     "invoke NAME --request-file FILE",
		Short:   "Send a request to an endpoint and print its answer",
		Example: "  atelier online-endpoint invoke diabetes --request-file sample.json\n  echo '{\"data\": [[1, 2]]}' | atelier online-endpoint invoke diabetes -r -",
	}
	cmd.Flags().StringVarP(&file, "request-file", "r", "", "file with the body; - for standard input")
	cmd.Flags().StringVarP(&deployment, "deployment-name", "d", "", "ask this deployment, whatever the traffic")
	cmd.MarkFlagRequired("request-file")
	name := named(cmd, "endpoint")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		body, err := c.readBody(file)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			answer, err := api.Invoke(cmd.Context(), which, deployment, body)
			if err != nil {
				return err
			}
			return c.emitRaw(answer)
		})
	}
	return cmd
}

func (c *command) readBody(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(c.st.Stdin)
	}
	body, err := c.st.readFile(file)
	if err != nil {
		return nil, atelier.Errorf(atelier.Invalid, "The file %s cannot be read: %w.", file, withoutPath(err)).At("--request-file")
	}
	return body, nil
}

// emitRaw prints what a scoring script answered: as it is, or as YAML when that
// is wanted and possible.
func (c *command) emitRaw(answer []byte) error {
	var value any
	if c.form == formYAML && json.Unmarshal(answer, &value) == nil {
		return writeYAML(c.st.Stdout, value)
	}
	_, err := fmt.Fprintf(c.st.Stdout, "%s\n", bytes.TrimRight(answer, "\n"))
	return err
}

func (c *command) endpointCredentials() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "get-credentials NAME",
		Short:   "Print the keys of an endpoint",
		Example: "  atelier online-endpoint get-credentials diabetes -o json",
	}
	name := named(cmd, "endpoint")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			keys, err := api.EndpointCredentials(cmd.Context(), which)
			if err != nil {
				return err
			}
			return c.showKeys(keys)
		})
	}
	return cmd
}

func (c *command) endpointRegenerateKeys() *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use:     "regenerate-keys NAME",
		Short:   "Replace a key of an endpoint; the old one stops working at once",
		Example: "  atelier online-endpoint regenerate-keys diabetes --key-type secondary",
	}
	cmd.Flags().StringVar(&key, "key-type", "primary", "primary or secondary")
	name := named(cmd, "endpoint")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			keys, err := api.RegenerateKey(cmd.Context(), which, endpoint.KeyType(key))
			if err != nil {
				return err
			}
			return c.showKeys(keys)
		})
	}
	return cmd
}

func (c *command) showKeys(keys endpoint.Credentials) error {
	return c.emit(keys, func() table {
		return facts([2]string{"primary key", keys.PrimaryKey}, [2]string{"secondary key", keys.SecondaryKey})
	})
}
