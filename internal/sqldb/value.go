package sqldb

import (
	"encoding/json"
	"fmt"
	"time"
)

// Micros is how a time is stored: microseconds since 1970, UTC, in a BIGINT.
func Micros(t time.Time) int64 { return t.UnixMicro() }

// MicrosOrNil stores an optional time.
func MicrosOrNil(t *time.Time) any {
	if t == nil {
		return nil
	}
	return t.UnixMicro()
}

// Time reads what Micros stored.
func Time(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// TimeOrNil reads what MicrosOrNil stored.
func TimeOrNil(micros *int64) *time.Time {
	if micros == nil {
		return nil
	}
	t := Time(*micros)
	return &t
}

// JSON is how a structured value is stored: as text, the same on both engines.
func JSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("sqldb: %T cannot be stored as JSON: %v", value, err))
	}
	return string(text)
}

// FromJSON reads what JSON stored into value, a pointer.
func FromJSON(text string, value any) error {
	if err := json.Unmarshal([]byte(text), value); err != nil {
		return fmt.Errorf("read %T from the database: %w", value, err)
	}
	return nil
}
