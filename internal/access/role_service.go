package access

import (
	"context"
	"errors"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// fold makes names that differ in case alone the same.
func fold(name string) string { return strings.ToLower(name) }

// findRole returns the workspace's role of that name, whatever its case.
func findRole(ctx context.Context, tx *sqldb.Tx, workspaceID, name string) (Role, error) {
	if role, ok := builtInRole(name); ok {
		return role, nil
	}
	role, err := selectCustomRole(ctx, tx, workspaceID, fold(name))
	if errors.Is(err, sqldb.ErrNoRows) {
		return Role{}, atelier.Errorf(atelier.NotFound, "There is no role %q.", atelier.Clip(name, 60)).At("role").
			WithHint("`atelier role list` shows the roles of the workspace.")
	}
	return role, err
}

// Roles returns the roles of the workspace: the built-in ones, strongest first, then
// its own by name.
func (s *Service) Roles(ctx context.Context, workspaceID string) (roles []Role, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		custom, err := selectCustomRoles(ctx, tx, workspaceID)
		roles = append(BuiltInRoles(), custom...)
		return err
	})
	return roles, err
}

// Role returns one role of the workspace.
func (s *Service) Role(ctx context.Context, workspaceID, name string) (role Role, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		role, err = findRole(ctx, tx, workspaceID, name)
		return err
	})
	return role, err
}

// CreateRole makes a custom role, of which nobody can make more than they may do
// themselves.
func (s *Service) CreateRole(ctx context.Context, workspaceID string, d Definition) (Role, error) {
	role, err := d.checked()
	if err != nil {
		return Role{}, err
	}
	actor, _ := atelier.ActorFrom(ctx)
	err = s.change(ctx, func(tx *sqldb.Tx) error {
		if err := s.mayMake(ctx, tx, workspaceID, role); err != nil {
			return err
		}
		now := tx.Now()
		role.CreatedBy, role.CreatedAt, role.UpdatedAt = actor.Name, &now, &now
		return insertRole(ctx, tx, workspaceID, role)
	})
	if sqldb.IsDuplicate(err) {
		return Role{}, atelier.Errorf(atelier.Conflict, "There is a role %q already.", role.Name).At("name").
			WithHint("`atelier role update` changes it.")
	}
	return role, err
}

// UpdateRole puts another definition in the place of a custom role's. It is at once
// so for everybody who has the role.
func (s *Service) UpdateRole(ctx context.Context, workspaceID, name string, d Definition) (Role, error) {
	if d.Name != "" && fold(d.Name) != fold(name) {
		return Role{}, atelier.Errorf(atelier.Invalid, "A role keeps its name: this one is %q, and the definition is of %q.",
			atelier.Clip(name, 60), atelier.Clip(d.Name, 60)).At("name")
	}
	d.Name = name
	role, err := d.checked()
	if err != nil {
		return Role{}, err
	}
	err = s.change(ctx, func(tx *sqldb.Tx) error {
		old, err := findRole(ctx, tx, workspaceID, name)
		if err != nil {
			return err
		}
		if err := s.mayMake(ctx, tx, workspaceID, old, role); err != nil {
			return err
		}
		now := tx.Now()
		role.Name, role.CreatedBy, role.CreatedAt, role.UpdatedAt = old.Name, old.CreatedBy, old.CreatedAt, &now
		return updateRole(ctx, tx, workspaceID, role)
	})
	return role, err
}

// DeleteRole forgets a custom role that nobody has.
func (s *Service) DeleteRole(ctx context.Context, workspaceID, name string) error {
	if isBuiltIn(name) {
		return atelier.Errorf(atelier.Precondition, "The role %q is built in and cannot be deleted.", name)
	}
	return s.change(ctx, func(tx *sqldb.Tx) error {
		if err := lockWorkspace(ctx, tx, workspaceID); err != nil {
			return err
		}
		role, err := findRole(ctx, tx, workspaceID, name)
		if err != nil {
			return err
		}
		if err := s.mayMake(ctx, tx, workspaceID, role); err != nil {
			return err
		}
		n, err := countAssignments(ctx, tx, workspaceID, fold(name))
		if err == nil && n > 0 {
			return atelier.Errorf(atelier.Precondition, "The role %q is given %d times.", role.Name, n).
				WithHint("Take it away first: `atelier role list-assignments`, `atelier role unassign`.")
		}
		if err != nil {
			return err
		}
		return deleteRole(ctx, tx, workspaceID, fold(name))
	})
}

// mayGive refuses whoever would give, change or take away a role of the workspace
// that allows more than they may do themselves: nobody climbs by it.
func (s *Service) mayGive(ctx context.Context, tx *sqldb.Tx, workspaceID string, names ...string) error {
	var roles []Role
	for _, name := range names {
		role, err := findRole(ctx, tx, workspaceID, name)
		if err != nil {
			return err
		}
		roles = append(roles, role)
	}
	return s.mayMake(ctx, tx, workspaceID, roles...)
}

// mayMake is mayGive for roles that need not be there yet.
func (s *Service) mayMake(ctx context.Context, tx *sqldb.Tx, workspaceID string, roles ...Role) error {
	actor, ok := atelier.ActorFrom(ctx)
	if !ok {
		return errNotSignedIn
	}
	own, err := roleOf(ctx, tx, actor, workspaceID)
	if err != nil {
		return err
	}
	for _, role := range roles {
		if missing, ok := covers(own, role); !ok {
			return atelier.Errorf(atelier.Forbidden, "The role %q allows %s, which you may not do yourself.", role.Name, missing).
				WithHint("Nobody gives, changes or takes away more than their own. Ask an owner of the workspace.")
		}
	}
	return nil
}

// roleOf returns the role that decides what actor may do in the workspace, and a
// NotFound error for an actor who may not know that it exists.
func roleOf(ctx context.Context, tx *sqldb.Tx, actor atelier.Actor, workspaceID string) (Role, error) {
	switch {
	case actor.Kind == atelier.System:
		return Role{Name: "system", Actions: []string{"*"}}, nil
	case actor.Workspace != "" && actor.Workspace != workspaceID:
		return Role{}, errNoMember
	case actor.Kind == atelier.JobActor:
		return jobRole, nil
	case actor.Kind == atelier.Deployment:
		return deploymentRole, nil
	}
	user, err := selectUserByID(ctx, tx, actor.ID)
	if errors.Is(err, sqldb.ErrNoRows) || err == nil && user.DisabledAt != nil {
		return Role{}, errNoMember
	}
	if err != nil {
		return Role{}, err
	}
	if user.ServerRole == ServerOwner {
		owner, _ := builtInRole(Owner)
		return owner.narrowed(actor.Actions), nil
	}
	names, err := selectRolesOf(ctx, tx, workspaceID, actor.ID)
	if err != nil {
		return Role{}, err
	}
	var roles []Role
	for _, name := range names {
		role, err := findRole(ctx, tx, workspaceID, name)
		if err != nil {
			return Role{}, err
		}
		roles = append(roles, role)
	}
	if len(roles) == 0 {
		return Role{}, errNoMember
	}
	return union(roles).narrowed(actor.Actions), nil
}
