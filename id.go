package atelier

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/hex"
	"time"
)

// crockford is the alphabet of ULIDs, in lower case: no i, l, o, u.
var crockford = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewID returns a new identifier: 26 characters that sort by the time of their
// making. It is a ULID (github.com/ulid/spec) in lower case, with the same
// 48 bits of milliseconds and 80 random bits.
func NewID(now time.Time) string {
	raw := timeAndChance(now)
	return crockford.EncodeToString(raw[:])
}

// NewRunID returns a new identifier for a run that no job made: 32 hexadecimal
// digits, the form that MLflow's own server gives. Like NewID's they sort by time,
// so that what is stored of new runs lies together, in few pages of the database.
func NewRunID(now time.Time) string {
	raw := timeAndChance(now)
	return hex.EncodeToString(raw[:])
}

// timeAndChance is 48 bits of milliseconds and 80 random bits.
func timeAndChance(now time.Time) (raw [16]byte) {
	ms := uint64(now.UnixMilli())
	for i := range 6 {
		raw[i] = byte(ms >> (40 - 8*i))
	}
	rand.Read(raw[6:])
	return raw
}

// NewSecret returns prefix followed by 256 random bits: a token or a key.
func NewSecret(prefix string) string {
	var raw [32]byte
	rand.Read(raw[:])
	return prefix + crockford.EncodeToString(raw[:])
}
