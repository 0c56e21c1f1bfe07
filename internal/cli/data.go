package cli

import (
	"context"
	"maps"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/data"
)

func (c *command) dataCommand() *cobra.Command {
	return noun("data", "Keep versions of data, and see who used them",
		c.dataCreate(), c.dataUpdate(), c.dataList(), c.dataShow(), c.dataPreview(), c.dataProfile(), c.dataDiff(), c.dataDownload(), c.dataArchive(true), c.dataArchive(false))
}

const dataCreateLong = `Register data as a version of an asset. Versions count up by themselves, or are
named with --version, and never change. Equal content is stored once.

The path is a file or folder on this machine, an output of a job
(azureml://jobs/JOB/outputs/OUTPUT/paths/PATH), what a run logged
(runs:/RUN/PATH), another version (azureml:NAME:VERSION), a place in a datastore
(azureml://datastores/DATASTORE/paths/PATH, s3://..., wasbs://...) or an address
(https://...). What lies in a datastore is not copied, unless --freeze says so.`

// dataOptions are the flags of `data create`; they win over the file.
type dataOptions struct {
	file, name, version, path, kind, description string
	sets, tags                                   []string
	freeze                                       bool
}

func (o *dataOptions) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&o.file, "file", "f", "", "YAML file that describes the data")
	flags.StringVarP(&o.name, "name", "n", "", "name of the data asset")
	flags.StringVarP(&o.version, "version", "v", "", "version (default: the next number)")
	flags.StringVarP(&o.path, "path", "p", "", "where the data is")
	flags.StringVarP(&o.kind, "type", "t", "", "uri_file, uri_folder or mltable (default: uri_file for a file of this machine, else uri_folder)")
	flags.StringVarP(&o.description, "description", "d", "", "what it is")
	flags.StringArrayVar(&o.tags, "tag", nil, "tag, as KEY=VALUE; may be repeated")
	flags.StringArrayVar(&o.sets, "set", nil, "change a value of the file, as in version=3")
	flags.BoolVar(&o.freeze, "freeze", false, "store what lies in a datastore, so that it cannot change")
	cmd.MarkFlagsOneRequired("file", "name")
}

func (c *command) dataCreate() *cobra.Command {
	var options dataOptions
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Register data as a version of an asset",
		Long:  dataCreateLong,
		Example: "  atelier data create -n diabetes -p data/diabetes.csv\n" +
			"  atelier data create -f data.yml --set version=2026-11\n" +
			"  atelier data create -n cleaned -p azureml://jobs/calm-heron-412/outputs/table",
		Args: cobra.NoArgs,
	}
	options.addTo(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ask, err := c.readData(options)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if place, ok := local(ask.Path); ok {
				if ask.Path, err = (packer{c, api}).data(cmd.Context(), place); err != nil {
					return err
				}
			}
			made, err := api.RegisterData(cmd.Context(), ask)
			if err != nil {
				return err
			}
			return c.showData(made)
		})
	}
	return cmd
}

// readData puts the file and the flags together.
func (c *command) readData(o dataOptions) (data.Register, error) {
	ask, err := c.loadData(o)
	if err != nil {
		return ask, err
	}
	tags, err := keyValues("--tag", o.tags)
	if err != nil {
		return ask, err
	}
	if len(tags) > 0 && ask.Tags == nil {
		ask.Tags = map[string]string{}
	}
	maps.Copy(ask.Tags, tags)
	ask.Freeze = o.freeze
	if ask.Path == "" {
		return ask, atelier.Errorf(atelier.Invalid, "The data has no path.").WithHint("Say where it is with --path.")
	}
	return ask, nil
}

func (c *command) showData(v data.Version) error {
	return c.emit(v, func() table {
		archived := ""
		if v.Archived {
			archived = "yes"
		}
		reference := ""
		if v.Reference != nil {
			reference = "yes; it is read where it lies"
			if v.Reference.Datastore == atelier.DefaultDatastore {
				reference = "yes; it grows while its deployment collects"
			}
		}
		return facts(
			[2]string{"name", v.Name},
			[2]string{"version", v.Version},
			[2]string{"type", string(v.Type)},
			[2]string{"path", v.Path},
			[2]string{"reference", reference},
			[2]string{"tree", string(v.Tree)},
			[2]string{"size", bytesText(v.Size) + " in " + counted(v.Files, "file")},
			[2]string{"run", v.RunID},
			[2]string{"description", v.Description},
			[2]string{"tags", pairs(v.Tags)},
			[2]string{"properties", pairs(v.Properties)},
			[2]string{"archived", archived},
			[2]string{"created by", v.CreatedBy},
			[2]string{"created", c.at(v.CreatedAt)},
		)
	})
}

func (c *command) dataUpdate() *cobra.Command {
	var version, description string
	var tags []string
	cmd := &cobra.Command{
		Use:     "update NAME --version VERSION",
		Short:   "Change the description or the tags of a version",
		Example: "  atelier data update diabetes -v 2 --tag checked=yes",
	}
	flags := cmd.Flags()
	flags.StringVarP(&version, "version", "v", data.Latest, "which version")
	flags.StringVarP(&description, "description", "d", "", "what it is")
	flags.StringArrayVar(&tags, "tag", nil, "tag, as KEY=VALUE; may be repeated")
	name := named(cmd, "data asset")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		tagged, err := tagChanges(tags)
		if err != nil {
			return err
		}
		change := data.UpdateVersion{Description: unlessZero(description), Tags: tagged}
		return c.onServer(func(api *client.Client) error {
			changed, err := api.UpdateDataVersion(cmd.Context(), which, version, change)
			if err != nil {
				return err
			}
			return c.showData(changed)
		})
	}
	return cmd
}

func (c *command) dataList() *cobra.Command {
	var name string
	var archived bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the data assets, or the versions of one",
		Example: "  atelier data list\n  atelier data list -n diabetes --archived",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVarP(&name, "name", "n", "", "list the versions of this data asset")
	cmd.Flags().BoolVar(&archived, "archived", false, "list what is archived, too")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.onServer(func(api *client.Client) error {
			if name != "" {
				return c.listDataVersions(cmd.Context(), api, name, archived)
			}
			all, err := api.ListData(cmd.Context(), archived)
			if err != nil {
				return err
			}
			return c.emit(all, func() table {
				t := table{header: []string{"name", "latest", "type", "description", "updated"},
					empty: "There is no data yet. `atelier data create -n NAME -p PATH` registers some."}
				for _, a := range all {
					t.rows = append(t.rows, []string{a.Name, a.LatestVersion, string(a.Type), a.Description, c.at(a.UpdatedAt)})
				}
				return t
			})
		})
	}
	return cmd
}

func (c *command) listDataVersions(ctx context.Context, api *client.Client, name string, archived bool) error {
	all, err := api.ListDataVersions(ctx, name, archived)
	if err != nil {
		return err
	}
	return c.emit(all, func() table {
		t := table{header: []string{"version", "type", "size", "files", "run", "created"}, empty: "All versions are archived; --archived lists them."}
		for _, v := range all {
			t.rows = append(t.rows, []string{v.Version, string(v.Type), bytesText(v.Size), counted(v.Files, "file"), v.RunID, c.at(v.CreatedAt)})
		}
		return t
	})
}

func (c *command) dataShow() *cobra.Command {
	var version string
	var usedBy bool
	cmd := &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a version of a data asset, or who used it",
		Example: "  atelier data show diabetes\n  atelier data show diabetes -v 3 --used-by",
	}
	cmd.Flags().StringVarP(&version, "version", "v", data.Latest, "which version")
	cmd.Flags().BoolVar(&usedBy, "used-by", false, "list the runs that read or made it")
	name := named(cmd, "data asset")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if usedBy {
				return c.listUses(cmd.Context(), api, which, version)
			}
			found, err := api.GetDataVersion(cmd.Context(), which, version)
			if err != nil {
				return err
			}
			return c.showData(found)
		})
	}
	return cmd
}

func (c *command) listUses(ctx context.Context, api *client.Client, name, version string) error {
	uses, err := api.DataUses(ctx, name, version)
	if err != nil {
		return err
	}
	return c.emit(uses, func() table {
		t := table{header: []string{"run", "as", "name", "used"}, empty: "No run has used it."}
		for _, u := range uses {
			t.rows = append(t.rows, []string{u.RunID, string(u.Direction), u.Name, c.at(u.UsedAt)})
		}
		return t
	})
}

func (c *command) dataDownload() *cobra.Command {
	var version, target string
	cmd := &cobra.Command{
		Use:     "download NAME",
		Short:   "Download the files of a version",
		Example: "  atelier data download diabetes -v 3 -p ./data",
	}
	cmd.Flags().StringVarP(&version, "version", "v", data.Latest, "which version")
	cmd.Flags().StringVarP(&target, "download-path", "p", "", "folder to write to (default: one named like the asset)")
	name := named(cmd, "data asset")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			found, err := api.GetDataVersion(cmd.Context(), which, version)
			if err != nil {
				return err
			}
			if found.Reference != nil && found.Tree == "" {
				return c.downloadReference(cmd.Context(), api, *found.Reference, first(target, which))
			}
			tree, err := api.Tree(cmd.Context(), found.Tree)
			if err != nil {
				return err
			}
			return c.intoFolder(first(target, which), len(tree.Files), func(to client.Target) error {
				return api.DownloadTree(cmd.Context(), tree, to)
			})
		})
	}
	return cmd
}

// downloadReference downloads what lies in a datastore as it is now.
func (c *command) downloadReference(ctx context.Context, api *client.Client, r data.Reference, target string) error {
	if r.URL != "" {
		return atelier.Errorf(atelier.Precondition, "The data lies at %s and is not stored here.", r.URL).WithHint("Download it from there.")
	}
	objects, err := api.DatastoreFiles(ctx, r.Datastore, r.Path)
	if err != nil {
		return err
	}
	return c.intoFolder(target, len(objects), func(to client.Target) error {
		return api.DownloadObjects(ctx, r.Datastore, r.Path, objects, to)
	})
}

// dataArchive is the command that archives, or the one that restores.
func (c *command) dataArchive(archive bool) *cobra.Command {
	verb, done, effect := "archive", "Archived", "lists leave it out, and jobs that name it still run"
	if !archive {
		verb, done, effect = "restore", "Restored", "it is listed again"
	}
	var version string
	cmd := &cobra.Command{
		Use:     verb + " NAME",
		Short:   sentence(verb) + " a version of a data asset, or the whole asset",
		Long:    sentence(verb) + " a version of a data asset, or the whole asset: " + effect + ".",
		Example: "  atelier data " + verb + " diabetes -v 3\n  atelier data " + verb + " diabetes",
	}
	cmd.Flags().StringVarP(&version, "version", "v", "", "this version only")
	name := named(cmd, "data asset")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			if version == "" {
				_, err = api.UpdateData(cmd.Context(), which, data.UpdateAsset{Archived: &archive})
			} else {
				_, err = api.UpdateDataVersion(cmd.Context(), which, version, data.UpdateVersion{Archived: &archive})
				which += ":" + version
			}
			if err != nil {
				return err
			}
			c.done("%s %s.", done, which)
			return nil
		})
	}
	return cmd
}
