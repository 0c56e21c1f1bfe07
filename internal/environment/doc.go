// Package environment turns what a user writes (a conda file, pip requirements,
// the name of a curated set) into a folder with a Python in it.
//
// A Spec is the user's words. Resolve makes a Definition of it: the Python
// version and the packages, normalised, so that a comment or another order of
// the lines changes nothing. Its Hash names the folder, and Build makes the
// folder once, however many jobs ask for it at the same moment. Resolve runs in
// the server; Build runs in the runner, beside the user's code.
package environment
