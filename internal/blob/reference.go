package blob

import "regexp"

// Reference is the mention of an object by something that needs it. With Tree it
// is, or may be, a folder's manifest, and the folder's files are needed too.
type Reference struct {
	Hash Hash
	Tree bool
}

var hashForm = regexp.MustCompile(`\b[0-9a-f]{64}\b`)

// ReferencesIn returns what text, such as a job's description, may refer to:
// everything in it that looks like a hash. One too many does no harm.
func ReferencesIn(text string) []Reference {
	var found []Reference
	for _, hash := range hashForm.FindAllString(text, -1) {
		found = append(found, Reference{Hash: Hash(hash), Tree: true})
	}
	return found
}
