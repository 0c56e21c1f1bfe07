package atelier

import "context"

// ActorKind tells people from the things that act for them.
type ActorKind string

const (
	User       ActorKind = "user"       // a person, by session or personal token
	JobActor   ActorKind = "job"        // a job's own short-lived token
	Deployment ActorKind = "deployment" // a deployment's runner
	System     ActorKind = "system"     // the server itself: reconcilers and schedulers
)

// Actor is who asks. The edges put it into the context; services read it there.
type Actor struct {
	Kind ActorKind
	// ID is the user's id, or the task's for a job or a deployment.
	ID string
	// Name is what people read: the user's name, or the user who submitted the job.
	Name string
	// Workspace is the id of the only workspace that a job, a deployment or the
	// holder of a narrow token may touch. Otherwise it is empty, and a user's roles
	// decide.
	Workspace string
	// Actions are patterns of all that a narrow token is good for; none is no bound.
	Actions []string
}

// Narrow reports whether a user acts by a token that may do less than the user.
func (a Actor) Narrow() bool { return a.Kind == User && (a.Workspace != "" || len(a.Actions) > 0) }

type actorKey struct{}

// WithActor returns a context in which actor asks.
func WithActor(ctx context.Context, actor Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, actor)
}

// ActorFrom returns who asks. The second value is false when nobody signed in.
func ActorFrom(ctx context.Context) (Actor, bool) {
	actor, ok := ctx.Value(actorKey{}).(Actor)
	return actor, ok
}
