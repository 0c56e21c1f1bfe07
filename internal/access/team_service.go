package access

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Team is a team: people and service principals who get their roles together.
type Team struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Group       string    `json:"group,omitempty" doc:"the identity provider's group, whose people are in the team"`
	Size        int       `json:"size" doc:"how many are in it"`
	CreatedBy   string    `json:"created_by"`
	CreatedAt   time.Time `json:"created_at"`
}

// TeamMember is somebody in a team.
type TeamMember struct {
	User      string    `json:"user"`
	Kind      string    `json:"kind" doc:"person or service"`
	ByGroup   bool      `json:"by_group" doc:"whether the identity provider's group put them there"`
	CreatedAt time.Time `json:"created_at"`
}

// CreateTeam asks for a team.
type CreateTeam struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty" maxLength:"1000"`
	Group       string `json:"group,omitempty" maxLength:"500" doc:"the identity provider's group, whose people are in the team"`
}

// UpdateTeam changes what is not nil.
type UpdateTeam struct {
	Description *string `json:"description,omitempty" maxLength:"1000"`
	Group       *string `json:"group,omitempty" maxLength:"500"`
}

// teamByName finds a team.
func teamByName(ctx context.Context, tx *sqldb.Tx, name string) (Team, error) {
	team, err := selectTeam(ctx, tx, name)
	if errors.Is(err, sqldb.ErrNoRows) {
		return Team{}, atelier.Errorf(atelier.NotFound, "There is no team %q.", atelier.Clip(name, 60)).
			WithHint("An owner of the server makes teams with `atelier team create`.")
	}
	return team, err
}

// Teams lists the teams of the server.
func (s *Service) Teams(ctx context.Context) (teams []Team, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		teams, err = selectTeams(ctx, tx)
		return err
	})
	return teams, err
}

// Team returns one team and who is in it.
func (s *Service) Team(ctx context.Context, name string) (team Team, members []TeamMember, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		if team, err = teamByName(ctx, tx, name); err != nil {
			return err
		}
		members, err = selectTeamMembers(ctx, tx, team.ID)
		return err
	})
	return team, members, err
}

// CreateTeam makes a team with nobody in it.
func (s *Service) CreateTeam(ctx context.Context, c CreateTeam) (team Team, err error) {
	if err := checkName("team", c.Name); err != nil {
		return Team{}, err
	}
	actor, _ := atelier.ActorFrom(ctx)
	err = s.change(ctx, func(tx *sqldb.Tx) error {
		team = Team{ID: atelier.NewID(tx.Now()), Name: c.Name, Description: c.Description, Group: strings.TrimSpace(c.Group),
			CreatedBy: actor.Name, CreatedAt: tx.Now()}
		return insertTeam(ctx, tx, team)
	})
	if sqldb.IsDuplicate(err) {
		return Team{}, atelier.Errorf(atelier.Conflict, "There is a team %q already.", c.Name).At("name")
	}
	return team, err
}

// UpdateTeam changes a team's description or group. Who is in a group's team is seen
// to when they sign in the next time.
func (s *Service) UpdateTeam(ctx context.Context, name string, u UpdateTeam) (team Team, err error) {
	err = s.change(ctx, func(tx *sqldb.Tx) error {
		if team, err = teamByName(ctx, tx, name); err != nil {
			return err
		}
		if u.Description != nil {
			team.Description = *u.Description
		}
		if u.Group != nil {
			team.Group = strings.TrimSpace(*u.Group)
		}
		return updateTeam(ctx, tx, team)
	})
	return team, err
}

// DeleteTeam deletes a team with the roles that it has.
func (s *Service) DeleteTeam(ctx context.Context, name string) error {
	return s.change(ctx, func(tx *sqldb.Tx) error {
		team, err := teamByName(ctx, tx, name)
		if err != nil {
			return err
		}
		return deleteTeam(ctx, tx, team.ID)
	})
}

// AddToTeam puts a user into a team.
func (s *Service) AddToTeam(ctx context.Context, team, user string) error {
	return s.changeTeam(ctx, team, user, func(tx *sqldb.Tx, teamID, userID string) error {
		return upsertTeamMember(ctx, tx, teamID, userID)
	})
}

// RemoveFromTeam takes a user out of a team.
func (s *Service) RemoveFromTeam(ctx context.Context, team, user string) error {
	return s.changeTeam(ctx, team, user, func(tx *sqldb.Tx, teamID, userID string) error {
		found, err := deleteTeamMember(ctx, tx, teamID, userID)
		if err == nil && !found {
			return atelier.Errorf(atelier.NotFound, "%q is not in the team %q.", user, team)
		}
		return err
	})
}

func (s *Service) changeTeam(ctx context.Context, team, user string, fn func(tx *sqldb.Tx, teamID, userID string) error) error {
	return s.change(ctx, func(tx *sqldb.Tx) error {
		found, err := teamByName(ctx, tx, team)
		if err != nil {
			return err
		}
		who, err := userByName(ctx, tx, user)
		if err != nil {
			return err
		}
		return fn(tx, found.ID, who.ID)
	})
}
