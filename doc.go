// Package atelier is the vocabulary of the product: the words that every other
// package shares and nothing else. It holds the error with its ten codes, the
// actor who asks, the permission that a route needs, the page that a list
// returns, and the rules for names and identifiers.
//
// It imports only the standard library, so that any package, however low, may
// import it. Nouns that have behaviour (a run, a job, an endpoint) live in the
// folder of their capability under internal/, not here.
package atelier
