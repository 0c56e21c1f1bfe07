package lineage

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// The rows of other capabilities are read here, where they say what a thing came
// from. They are only read: nothing is decided by them.

// finder collects the steps of one node.
type finder struct {
	ctx   context.Context
	tx    *sqldb.Tx
	ws    string
	from  Node
	found []step
	more  bool
}

// selectSteps returns where one can go from a node.
func selectSteps(ctx context.Context, tx *sqldb.Tx, ws string, from Node, towards Direction) ([]step, bool, error) {
	f := &finder{ctx: ctx, tx: tx, ws: ws, from: from}
	ways := map[Kind][]func() error{
		Data:       {f.makerOfData, f.placeOfData},
		Run:        {f.inputs, f.environmentOfRun},
		Model:      {f.runOfModel},
		Deployment: {f.sourceOfDeployment},
	}
	if towards == Uses {
		ways = map[Kind][]func() error{
			Data:        {f.readersOfData},
			Run:         {f.dataOfRun, f.modelsOfRun, f.readersOfRun},
			Model:       {f.readersOfModel, f.deploymentsOfModel},
			Environment: {f.runsInEnvironment, f.deploymentsInEnvironment},
		}
	}
	for _, way := range ways[from.Kind] {
		if err := way(); err != nil {
			return nil, false, err
		}
	}
	return f.found, f.more, nil
}

func (f *finder) add(to Node, relation Relation, name string) {
	f.found = append(f.found, step{to, relation, name})
}

// each runs a query, of which it reads maxFan rows. The query takes the
// workspace first and the limit last.
func (f *finder) each(scan func(rows *sqldb.Rows) error, query string, args ...any) error {
	count := 0
	args = append(append([]any{f.ws}, args...), maxFan+1)
	return f.tx.Query(f.ctx, func(rows *sqldb.Rows) error {
		if count++; count > maxFan {
			f.more = true
			return nil
		}
		return scan(rows)
	}, query+` LIMIT $`+strconv.Itoa(len(args)), args...)
}

func (f *finder) makerOfData() error {
	return f.each(func(rows *sqldb.Rows) error {
		var run string
		err := rows.Scan(&run)
		f.add(node(Run, run, ""), Made, "")
		return err
	}, `SELECT run_id FROM data_versions WHERE workspace_id = $1 AND name = $2 AND version = $3 AND run_id <> ''`, f.from.Name, f.from.Version)
}

func (f *finder) placeOfData() error {
	return f.each(func(rows *sqldb.Rows) error {
		var reference string
		err := rows.Scan(&reference)
		return errors.Join(err, f.place(reference, Holds))
	}, `SELECT reference FROM data_versions WHERE workspace_id = $1 AND name = $2 AND version = $3 AND reference <> ''`, f.from.Name, f.from.Version)
}

// place adds the datastore or the address that a reference names.
func (f *finder) place(reference string, relation Relation) error {
	var r struct{ Datastore, Path, URL string }
	if err := sqldb.FromJSON(reference, &r); err != nil {
		return err
	}
	if r.Datastore != "" {
		f.add(node(Datastore, r.Datastore, ""), relation, r.Path)
	} else if r.URL != "" {
		f.add(node(Address, r.URL, ""), relation, "")
	}
	return nil
}

// use is a row of data_uses.
type use struct{ run, name, kind, path, asset, version, source, tree, reference string }

func (f *finder) uses(visit func(u use) error, condition string, args ...any) error {
	return f.each(func(rows *sqldb.Rows) error {
		var u use
		err := rows.Scan(&u.run, &u.name, &u.kind, &u.path, &u.asset, &u.version, &u.source, &u.tree, &u.reference)
		if err != nil {
			return err
		}
		return visit(u)
	}, `SELECT run_id, name, type, path, data_name, data_version, source_run, tree, reference FROM data_uses
		WHERE workspace_id = $1 AND direction = 'input' AND `+condition, args...)
}

// inputs adds what a run read: a version of data or of a model, what another run
// left, or plain bytes.
func (f *finder) inputs() error {
	var all []use
	err := f.uses(func(u use) error { all = append(all, u); return nil }, `run_id = $2 ORDER BY name`, f.from.Name)
	for _, u := range all {
		if err == nil {
			err = f.input(u)
		}
	}
	return err
}

func (f *finder) input(u use) error {
	if u.asset != "" {
		f.add(node(Data, u.asset, u.version), ReadBy, u.name)
		return nil
	}
	if strings.HasSuffix(u.kind, "_model") {
		known := len(f.found)
		if err := f.modelRead(u); err != nil || len(f.found) > known {
			return err
		}
	}
	switch {
	case u.source != "":
		f.add(node(Run, u.source, ""), ReadBy, u.name)
	case u.tree != "":
		f.add(node(Files, u.tree, ""), ReadBy, u.name)
	case u.reference != "":
		known := len(f.found)
		err := f.place(u.reference, ReadBy)
		for i := range f.found[known:] {
			f.found[known+i].name = u.name
		}
		return err
	}
	return nil
}

// modelRead adds the version of a model that a run read: the one of that name
// with the same bytes, because the name may have been a label.
func (f *finder) modelRead(u use) error {
	parsed, err := atelier.ParsePath(u.path)
	if err != nil || parsed.Kind != atelier.AssetPath {
		return nil // it was registered from elsewhere
	}
	return f.models(ReadBy, u.name, `v.name = $2 AND v.tree = $3 ORDER BY v.version DESC`, parsed.Name, u.tree)
}

func (f *finder) models(relation Relation, name, condition string, args ...any) error {
	return f.each(func(rows *sqldb.Rows) error {
		var model string
		var version int64
		err := rows.Scan(&model, &version)
		f.add(node(Model, model, strconv.FormatInt(version, 10)), relation, name)
		return err
	}, `SELECT v.name, v.version FROM model_versions v WHERE v.workspace_id = $1 AND `+condition, args...)
}

func (f *finder) environmentOfRun() error {
	return f.each(func(rows *sqldb.Rows) error {
		var info string
		var e struct{ Name, Version string }
		err := errors.Join(rows.Scan(&info), sqldb.FromJSON(info, &e))
		if e.Name != "" && e.Version != "" {
			f.add(node(Environment, e.Name, e.Version), UsedBy, "")
		}
		return err
	}, `SELECT environment_info FROM jobs WHERE workspace_id = $1 AND name = $2 AND environment_info IS NOT NULL`, f.from.Name)
}

// runOfModel adds the run that a version was registered from, or the one that
// logged the model.
func (f *finder) runOfModel() error {
	return f.each(func(rows *sqldb.Rows) error {
		var run string
		err := rows.Scan(&run)
		f.add(node(Run, run, ""), RegisteredAs, "")
		return err
	}, `SELECT run FROM (SELECT COALESCE(NULLIF(v.run_id, ''), l.source_run_id, '') AS run FROM model_versions v
			LEFT JOIN logged_models l ON l.workspace_id = v.workspace_id AND l.id = v.logged_model_id AND v.logged_model_id <> ''
			WHERE v.workspace_id = $1 AND v.name = $2 AND v.version = $3) found WHERE run <> ''`, f.from.Name, number(f.from.Version))
}

// number reads a model's version; 0 is none.
func number(version string) int64 {
	n, err := strconv.ParseInt(version, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// sourceText is what a deployment's source says of its model and environment.
type sourceText struct {
	Model       *struct{ Name, Version string }
	Environment struct{ Name, Version string }
}

func (f *finder) sourceOfDeployment() error {
	return f.each(func(rows *sqldb.Rows) error {
		var text string
		var s sourceText
		err := errors.Join(rows.Scan(&text), sqldb.FromJSON(text, &s))
		if s.Model != nil && s.Model.Name != "" {
			f.add(node(Model, s.Model.Name, s.Model.Version), Serves, "")
		}
		if s.Environment.Name != "" && s.Environment.Version != "" {
			f.add(node(Environment, s.Environment.Name, s.Environment.Version), UsedBy, "")
		}
		return err
	}, `SELECT source FROM deployments WHERE workspace_id = $1 AND endpoint = $2 AND name = $3`, f.from.Name, f.from.Version)
}

func (f *finder) readersOfData() error {
	return f.uses(f.reader, `data_name = $2 AND data_version = $3 ORDER BY used_at DESC, run_id`, f.from.Name, f.from.Version)
}

func (f *finder) reader(u use) error {
	f.add(node(Run, u.run, ""), ReadBy, u.name)
	return nil
}

// readersOfRun adds the runs that read what a run left, where it has no name of
// its own.
func (f *finder) readersOfRun() error {
	return f.uses(f.reader, `source_run = $2 AND data_name = '' AND type NOT LIKE '%\_model' ESCAPE '\' ORDER BY used_at DESC, run_id`, f.from.Name)
}

func (f *finder) dataOfRun() error {
	return f.each(func(rows *sqldb.Rows) error {
		var name, version string
		err := rows.Scan(&name, &version)
		f.add(node(Data, name, version), Made, "")
		return err
	}, `SELECT name, version FROM data_versions WHERE workspace_id = $1 AND run_id = $2 ORDER BY name, serial`, f.from.Name)
}

func (f *finder) modelsOfRun() error {
	return f.models(RegisteredAs, "", `(v.run_id = $2 OR v.run_id = '' AND v.logged_model_id <> '' AND v.logged_model_id IN
		(SELECT id FROM logged_models WHERE workspace_id = $1 AND source_run_id = $2)) ORDER BY v.name, v.version`, f.from.Name)
}

func (f *finder) readersOfModel() error {
	return f.uses(func(u use) error {
		if parsed, err := atelier.ParsePath(u.path); err == nil && parsed.Kind == atelier.AssetPath && parsed.Name == f.from.Name {
			return f.reader(u)
		}
		return nil
	}, `tree <> '' AND tree = (SELECT v.tree FROM model_versions v WHERE v.workspace_id = $1 AND v.name = $2 AND v.version = $3)
		AND type LIKE '%\_model' ESCAPE '\' ORDER BY used_at DESC, run_id`, f.from.Name, number(f.from.Version))
}

func (f *finder) deploymentsOfModel() error {
	return f.deployments(Serves, func(s sourceText) bool {
		return s.Model != nil && s.Model.Name == f.from.Name && s.Model.Version == f.from.Version
	})
}

func (f *finder) deploymentsInEnvironment() error {
	return f.deployments(UsedBy, func(s sourceText) bool {
		return s.Environment.Name == f.from.Name && s.Environment.Version == f.from.Version
	})
}

// deployments adds those whose source fits. A workspace has few of them.
func (f *finder) deployments(relation Relation, fits func(s sourceText) bool) error {
	return f.tx.Query(f.ctx, func(rows *sqldb.Rows) error {
		var endpoint, name, text string
		var s sourceText
		err := errors.Join(rows.Scan(&endpoint, &name, &text), sqldb.FromJSON(text, &s))
		if fits(s) {
			f.add(node(Deployment, endpoint, name), relation, "")
		}
		return err
	}, `SELECT endpoint, name, source FROM deployments WHERE workspace_id = $1 ORDER BY endpoint, name LIMIT 1000`, f.ws)
}

// runsInEnvironment adds the jobs that ran in an environment, the newest first.
// What a job ran in is JSON that begins with the environment's name and version.
func (f *finder) runsInEnvironment() error {
	begin := strings.TrimSuffix(sqldb.JSON(struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}{f.from.Name, f.from.Version}), "}")
	return f.each(func(rows *sqldb.Rows) error {
		var run string
		err := rows.Scan(&run)
		f.add(node(Run, run, ""), UsedBy, "")
		return err
	}, `SELECT name FROM jobs WHERE workspace_id = $1 AND SUBSTR(environment_info, 1, $2) = $3 ORDER BY created_at DESC, name DESC`,
		len([]rune(begin)), begin)
}

// selectLatest returns the version of n's asset that was made last.
func selectLatest(ctx context.Context, tx *sqldb.Tx, ws string, n Node) (version string, err error) {
	query := `SELECT version FROM data_versions WHERE workspace_id = $1 AND name = $2 AND archived = FALSE ORDER BY serial DESC LIMIT 1`
	if n.Kind == Model {
		query = `SELECT CAST(version AS TEXT) FROM model_versions WHERE workspace_id = $1 AND name = $2 ORDER BY version DESC LIMIT 1`
	}
	err = tx.QueryRow(ctx, query, ws, n.Name).Scan(&version)
	if errors.Is(err, sqldb.ErrNoRows) {
		return "", missing(n)
	}
	return version, err
}

// describe fills in what the rows say of a node.
func describe(ctx context.Context, tx *sqldb.Tx, ws string, n *Node) (err error) {
	var at int64
	row := func(query string, args ...any) *sqldb.Row {
		return tx.QueryRow(ctx, query, append([]any{ws, n.Name}, args...)...)
	}
	switch n.Kind {
	case Data:
		err = row(`SELECT type, tree, size, created_at FROM data_versions WHERE workspace_id = $1 AND name = $2 AND version = $3`, n.Version).
			Scan(&n.Type, &n.Tree, &n.Size, &at)
	case Run:
		err = row(`SELECT r.name, COALESCE(j.status, r.status), CASE WHEN r.is_job THEN 'job' ELSE 'run' END, e.name, r.started_at FROM runs r
			JOIN experiments e ON e.workspace_id = r.workspace_id AND e.id = r.experiment_id
			LEFT JOIN jobs j ON j.workspace_id = r.workspace_id AND j.name = r.id
			WHERE r.workspace_id = $1 AND r.id = $2`).Scan(&n.Title, &n.Status, &n.Type, &n.Experiment, &at)
	case Model:
		err = row(`SELECT type, tree, size, created_at FROM model_versions WHERE workspace_id = $1 AND name = $2 AND version = $3`, number(n.Version)).
			Scan(&n.Type, &n.Tree, &n.Size, &at)
	case Deployment:
		err = row(`SELECT state, created_at FROM deployments WHERE workspace_id = $1 AND endpoint = $2 AND name = $3`, n.Version).Scan(&n.Status, &at)
	case Datastore:
		err = row(`SELECT type, created_at FROM datastores WHERE workspace_id = $1 AND name = $2`).Scan(&n.Type, &at)
	default:
		return nil
	}
	if errors.Is(err, sqldb.ErrNoRows) {
		n.Missing = n.Kind != Datastore || n.Name != atelier.DefaultDatastore
		return nil
	}
	if created := sqldb.Time(at); at != 0 {
		n.CreatedAt = &created
	}
	return err
}
