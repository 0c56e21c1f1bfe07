// Package compute is where tasks run. A task is one job, or one replica of a
// deployment; the runner (atelier runner) is the only program that knows how to
// run it, and a Driver only knows how to start a runner somewhere: on this
// machine (compute/local), or nowhere but in a test (compute/fake).
//
// A task is started in two steps, so that a server that dies in between can
// neither lose it nor start it twice:
//
//	handle, err := driver.Prepare(ctx, task) // nothing runs yet
//	...                                      // store the handle
//	err = driver.Start(ctx, handle)          // may be repeated: one runner at most
//
// After a restart the server calls Recover with every handle it stored, and
// goes on with Wait as if nothing had happened.
//
// The package holds the words that the server and the runner share: Task, which
// the server writes and the runner reads, and Report, which goes the other way.
package compute
