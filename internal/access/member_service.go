package access

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// principal is somebody to whom a role can be given.
type principal struct {
	kind, id, name string // the name as people write it: "mina", or "team:vision"
}

// teamPrefix tells teams from users, whose names have no colon.
const teamPrefix = "team:"

func findPrincipal(ctx context.Context, tx *sqldb.Tx, name string) (principal, error) {
	if team, ok := strings.CutPrefix(name, teamPrefix); ok {
		found, err := teamByName(ctx, tx, team)
		return principal{KindTeam, found.ID, name}, err
	}
	user, err := userByName(ctx, tx, name)
	return principal{user.Kind, user.ID, name}, err
}

// Members lists who has which role in the workspace.
func (s *Service) Members(ctx context.Context, workspaceID string) (members []Member, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		members, err = selectMembers(ctx, tx, workspaceID)
		return err
	})
	return members, err
}

// SetMember gives somebody, named as in a Member, one role in the workspace in place
// of all before.
func (s *Service) SetMember(ctx context.Context, workspaceID, name, role string) (Member, error) {
	member, err := s.assign(ctx, workspaceID, name, role, func(have []string, folded string) []string { return []string{folded} })
	if fault := atelier.Public(err); err != nil && fault.Code == atelier.NotFound && fault.Field == "role" {
		fault = fault.At("role")
		fault.Code = atelier.Invalid // the role is a field of the request, the member its address
		return member, fault
	}
	return member, err
}

// Assign gives somebody one more role in the workspace.
func (s *Service) Assign(ctx context.Context, workspaceID, name, role string) (Member, error) {
	return s.assign(ctx, workspaceID, name, role, func(have []string, folded string) []string {
		if slices.Contains(have, folded) {
			return have
		}
		return append(have, folded)
	})
}

// Unassign takes one role in the workspace away from somebody.
func (s *Service) Unassign(ctx context.Context, workspaceID, name, role string) error {
	_, err := s.assign(ctx, workspaceID, name, role, func(have []string, folded string) []string {
		return slices.DeleteFunc(have, func(other string) bool { return other == folded })
	})
	return err
}

// RemoveMember takes all of somebody's roles in the workspace away.
func (s *Service) RemoveMember(ctx context.Context, workspaceID, name string) error {
	return s.change(ctx, func(tx *sqldb.Tx) error {
		return s.setRoles(ctx, tx, workspaceID, name, func([]string) ([]string, error) { return nil, nil })
	})
}

// assign changes which roles somebody has by one that is named.
func (s *Service) assign(ctx context.Context, workspaceID, name, role string, next func(have []string, folded string) []string) (member Member, err error) {
	err = s.change(ctx, func(tx *sqldb.Tx) error {
		found, err := findRole(ctx, tx, workspaceID, role)
		if err != nil {
			return err
		}
		who, err := findPrincipal(ctx, tx, name)
		if err != nil {
			return err
		}
		actor, _ := atelier.ActorFrom(ctx)
		member = Member{Member: who.name, Kind: who.kind, Role: found.Name, CreatedBy: actor.Name, CreatedAt: tx.Now()}
		return s.setRoles(ctx, tx, workspaceID, name, func(have []string) ([]string, error) {
			want := next(slices.Clone(have), fold(found.Name))
			if len(want) < len(have) || slices.Contains(want, fold(found.Name)) {
				return want, nil
			}
			return nil, atelier.Errorf(atelier.NotFound, "%q does not have the role %q.", name, found.Name)
		})
	})
	return member, err
}

// setRoles gives somebody the roles that next makes of those they have. Only what the
// actor may do is given and taken, and the workspace keeps an owner.
func (s *Service) setRoles(ctx context.Context, tx *sqldb.Tx, workspaceID, name string, next func(have []string) ([]string, error)) error {
	if err := lockWorkspace(ctx, tx, workspaceID); err != nil {
		return err
	}
	who, err := findPrincipal(ctx, tx, name)
	if err != nil {
		return err
	}
	have, err := selectAssigned(ctx, tx, workspaceID, who)
	if err != nil {
		return err
	}
	want, err := next(have)
	if err != nil {
		return err
	}
	if len(have) == 0 && len(want) == 0 {
		return atelier.Errorf(atelier.NotFound, "%q is not a member of this workspace.", atelier.Clip(name, 60))
	}
	gone := without(have, want)
	added := without(want, have)
	if err := s.mayGive(ctx, tx, workspaceID, slices.Concat(gone, added)...); err != nil {
		return err
	}
	for _, role := range gone {
		if err := deleteAssignment(ctx, tx, workspaceID, who, role); err != nil {
			return err
		}
	}
	for _, role := range added {
		if err := insertAssignment(ctx, tx, workspaceID, who, role); err != nil {
			return err
		}
	}
	return keepOwner(ctx, tx, workspaceID, slices.Contains(gone, fold(Owner)))
}

// without returns what is in all and not in others.
func without(all, others []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(one string) bool { return slices.Contains(others, one) })
}

// keepOwner refuses to take the workspace's last owner away.
func keepOwner(ctx context.Context, tx *sqldb.Tx, workspaceID string, lostOne bool) error {
	if !lostOne {
		return nil
	}
	n, err := countWorkspaceOwners(ctx, tx, workspaceID)
	if err == nil && n == 0 {
		return atelier.Errorf(atelier.Precondition, "The workspace would have no owner left.").
			WithHint("Make somebody else Owner first.")
	}
	return err
}

// AddOwner makes the user Owner of a workspace that is being made, in the
// caller's transaction.
func (s *Service) AddOwner(ctx context.Context, tx *sqldb.Tx, workspaceID, userID string) error {
	changed(tx)
	return insertAssignment(ctx, tx, workspaceID, principal{kind: KindPerson, id: userID}, fold(Owner))
}

// Visible returns the ids of the workspaces that actor may know of; all is true when
// that is every one.
func (s *Service) Visible(ctx context.Context, actor atelier.Actor) (ids map[string]bool, all bool, err error) {
	if actor.Kind != atelier.User {
		return map[string]bool{actor.Workspace: true}, actor.Kind == atelier.System, nil
	}
	ids = map[string]bool{}
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		user, err := selectUserByID(ctx, tx, actor.ID)
		if errors.Is(err, sqldb.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if all = user.ServerRole == ServerOwner && actor.Workspace == ""; all {
			return nil
		}
		found, err := selectWorkspacesOf(ctx, tx, actor.ID)
		if user.ServerRole == ServerOwner {
			found = []string{actor.Workspace}
		}
		for _, id := range found {
			if actor.Workspace == "" || actor.Workspace == id {
				ids[id] = true
			}
		}
		return err
	})
	return ids, all, err
}
