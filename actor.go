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
	// Workspace is the id of the only workspace that a job or a deployment may
	// touch. Empty for users, whose roles decide.
	Workspace string
}

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
