// Package python carries the scoring worker's sources inside the binary, so
// that a runner can place them beside a user's environment.
package python

import "embed"

// Serving holds the package atelier_serving under src.
//
//go:embed src/atelier_serving/*.py
var Serving embed.FS
