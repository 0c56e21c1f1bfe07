// Package job runs what users submit. A Job is its Spec, which the user wrote,
// and what became of it; every job has exactly one run, with the same id, made
// in the same transaction.
//
// Decisions are pure and stand apart from actions: resolve.go checks and fills
// in ${{...}}, plan.go says which queued jobs start, lifecycle.go says what a
// job becomes when something happens to it. The scheduler acts on them:
//
//	Submit -> Queued -> plan -> claimed (Preparing) -> launch -> compute.Driver
//	runner -> Report -> lifecycle -> the job's row and its run, in one transaction
//
// Nothing that matters is only in memory. A restarted server lists the jobs
// that have not ended and takes up their tasks by their handles (recover.go).
package job
