package cli

import (
	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/datastore"
)

func (c *command) datastoreCommand() *cobra.Command {
	return noun("datastore", "Name the places where data lies",
		c.datastoreCreate(), c.datastoreList(), c.datastoreShow(), c.datastoreFiles(), c.datastoreUpdate(), c.datastoreDelete())
}

const datastoreCreateLong = `Name a place where data lies: a bucket of S3 or Google Cloud Storage, a container
of Azure Blob or Data Lake Storage, or a folder of the server's machine, which
only an owner of the server may name.

The credentials in the file are sealed by the server's vault and never shown
again. The place is looked at first; --skip-validation leaves that out.`

func (c *command) datastoreCreate() *cobra.Command {
	var file, name string
	var sets []string
	var skip bool
	cmd := &cobra.Command{
		Use:     "create -f FILE",
		Short:   "Make a datastore",
		Long:    datastoreCreateLong,
		Example: "  atelier datastore create -f lake.yml\n  atelier datastore create -f lake.yml --set prefix=raw -n raw",
		Args:    cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringVarP(&file, "file", "f", "", "YAML file that describes the datastore")
	flags.StringVarP(&name, "name", "n", "", "name of the datastore; wins over the file")
	flags.StringArrayVar(&sets, "set", nil, "change a value of the file, as in prefix=raw")
	flags.BoolVar(&skip, "skip-validation", false, "do not look whether the place can be read")
	cmd.MarkFlagRequired("file")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		document, err := c.load(file, sets, "name", name)
		if err != nil {
			return err
		}
		ask, err := document.Datastore()
		if err != nil {
			return err
		}
		ask.SkipValidation = skip
		return c.onServer(func(api *client.Client) error {
			made, err := api.CreateDatastore(cmd.Context(), ask)
			if err != nil {
				return err
			}
			return c.showDatastore(made)
		})
	}
	return cmd
}

func (c *command) showDatastore(d datastore.Datastore) error {
	return c.emit(d, func() table {
		isDefault := ""
		if d.IsDefault {
			isDefault = "yes"
		}
		return facts(
			[2]string{"name", d.Name},
			[2]string{"type", string(d.Type)},
			[2]string{"default", isDefault},
			[2]string{"path", d.Path},
			[2]string{"bucket", d.Bucket},
			[2]string{"prefix", d.Prefix},
			[2]string{"account", d.AccountName},
			[2]string{"container", first(d.ContainerName, d.Filesystem)},
			[2]string{"endpoint", d.Endpoint},
			[2]string{"region", d.Region},
			[2]string{"credentials", d.Credentials.Type},
			[2]string{"description", d.Description},
			[2]string{"tags", pairs(d.Tags)},
			[2]string{"created by", d.CreatedBy},
			[2]string{"created", c.atMaybe(d.CreatedAt)},
		)
	})
}

func (c *command) datastoreList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the datastores",
		Example: "  atelier datastore list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.onServer(func(api *client.Client) error {
				all, err := api.ListDatastores(cmd.Context())
				if err != nil {
					return err
				}
				return c.emit(all, func() table {
					t := table{header: []string{"name", "type", "credentials", "description"}}
					for _, d := range all {
						t.rows = append(t.rows, []string{d.Name, string(d.Type), d.Credentials.Type, d.Description})
					}
					return t
				})
			})
		},
	}
}

func (c *command) datastoreShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a datastore, without its credentials",
		Example: "  atelier datastore show lake",
	}
	name := named(cmd, "datastore")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			found, err := api.GetDatastore(cmd.Context(), which)
			if err != nil {
				return err
			}
			return c.showDatastore(found)
		})
	}
	return cmd
}

func (c *command) datastoreFiles() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:     "files NAME",
		Short:   "List the files in a datastore",
		Example: "  atelier datastore files lake -p raw/2026",
	}
	cmd.Flags().StringVarP(&path, "path", "p", "", "list what lies at or below this path")
	name := named(cmd, "datastore")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			files, err := api.DatastoreFiles(cmd.Context(), which, path)
			if err != nil {
				return err
			}
			return c.emit(files, func() table {
				t := table{header: []string{"path", "size"}, empty: "There is nothing."}
				for _, o := range files {
					t.rows = append(t.rows, []string{o.Path, bytesText(o.Size)})
				}
				return t
			})
		})
	}
	return cmd
}

func (c *command) datastoreUpdate() *cobra.Command {
	var file, description string
	var tags, sets []string
	cmd := &cobra.Command{
		Use:   "update NAME",
		Short: "Change the description, the tags or the credentials of a datastore",
		Example: "  atelier datastore update lake --description 'The lake of the north'\n" +
			"  atelier datastore update lake -f lake.yml",
	}
	flags := cmd.Flags()
	flags.StringVarP(&file, "file", "f", "", "YAML file of the datastore, of which the credentials are taken")
	flags.StringVarP(&description, "description", "d", "", "what it is")
	flags.StringArrayVar(&tags, "tag", nil, "tag, as KEY=VALUE; may be repeated")
	flags.StringArrayVar(&sets, "set", nil, "change a value of the file")
	name := named(cmd, "datastore")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		change, err := c.readDatastoreUpdate(file, which, sets)
		if err != nil {
			return err
		}
		tagged, err := tagChanges(tags)
		if err != nil {
			return err
		}
		change.Description, change.Tags = unlessZero(description), tagged
		return c.onServer(func(api *client.Client) error {
			changed, err := api.UpdateDatastore(cmd.Context(), which, change)
			if err != nil {
				return err
			}
			return c.showDatastore(changed)
		})
	}
	return cmd
}

// readDatastoreUpdate takes the credentials of the file, if one is given.
func (c *command) readDatastoreUpdate(file, name string, sets []string) (datastore.Update, error) {
	if file == "" {
		return datastore.Update{}, nil
	}
	document, err := c.load(file, sets, "name", name)
	if err != nil {
		return datastore.Update{}, err
	}
	ask, err := document.Datastore()
	if err == nil && ask.Credentials == nil {
		err = atelier.Errorf(atelier.Invalid, "The file %s has no credentials.", file).
			WithHint("Only description, tags and credentials can change.")
	}
	return datastore.Update{Credentials: ask.Credentials}, err
}

func (c *command) datastoreDelete() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:     "delete NAME",
		Short:   "Forget a datastore; what lies there stays",
		Example: "  atelier datastore delete lake --yes",
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	name := named(cmd, "datastore")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		if err := c.confirm(yes, "Forget the datastore %s? Data that refers to it can no longer be read.", which); err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if err := api.DeleteDatastore(cmd.Context(), which); err != nil {
				return err
			}
			c.done("Forgot the datastore %s.", which)
			return nil
		})
	}
	return cmd
}
