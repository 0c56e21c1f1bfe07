// Package runner is the process beside a user's code: `atelier runner --dir
// FOLDER`. It prepares what one task needs, runs the command, and tells the
// server everything that happened. It outlives the server, and a server that
// comes back finds nothing missing:
//
//   - What happens is a record in a journal on disk before it is sent
//     (journal.go), and what the command prints is a file before it is sent
//     (stream.go). The server applies each record once, by its number, and each
//     byte once, by its place.
//   - The command's own calls, MLflow's above all, go through a relay on
//     loopback (relay.go). While the server is away, it answers what logs to a run
//     and keeps it on disk, in order (queue.go); all else waits.
//   - What scripts with our own SDK left in their journals is shipped before the
//     task ends (logged.go).
//   - A runner that finds an earlier runner's journal does not run the command
//     again. It ends what is left of it and reports what is left to report. A
//     batch task's driver alone is started again, because it keeps a journal of
//     the mini batches that are done (batch.go).
//
// The order of a task is in runner.go: prepare, run, upload, ship.
package runner
