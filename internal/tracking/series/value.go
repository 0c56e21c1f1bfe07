package series

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/atelier-ml/atelier"
)

// Value is a metric's value. In JSON it is a number, or one of the strings
// "NaN", "Infinity" and "-Infinity", which JSON has no numbers for.
type Value float64

// String returns what JSON shows, without quotes.
func (v Value) String() string {
	switch f := float64(v); {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	default:
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
}

// IsNaN reports whether v is not a number.
func (v Value) IsNaN() bool { return math.IsNaN(float64(v)) }

func (v Value) MarshalJSON() ([]byte, error) {
	if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
		return []byte(`"` + v.String() + `"`), nil
	}
	return json.Marshal(float64(v))
}

func (v *Value) UnmarshalJSON(text []byte) error {
	var number float64
	if err := json.Unmarshal(text, &number); err == nil && string(text) != "null" {
		*v = Value(number)
		return nil
	}
	switch string(text) {
	case `"NaN"`:
		*v = Value(math.NaN())
	case `"Infinity"`:
		*v = Value(math.Inf(1))
	case `"-Infinity"`:
		*v = Value(math.Inf(-1))
	default:
		return atelier.Errorf(atelier.Invalid, "Invalid value %s for parameter 'value' supplied: a metric is a number, or \"NaN\", \"Infinity\" or \"-Infinity\".", atelier.Clip(string(text), 60))
	}
	return nil
}

// Timestamp is a moment in milliseconds since 1970, as the client's own clock
// gave it. In text and JSON it is RFC 3339.
type Timestamp int64

// MaxTimestamp is the last millisecond of the year 9999, the end of RFC 3339.
const MaxTimestamp Timestamp = 253402300799999

// TimestampOf returns t in milliseconds.
func TimestampOf(t time.Time) Timestamp { return Timestamp(t.UnixMilli()) }

// Time returns the moment as a time.Time in UTC.
func (t Timestamp) Time() time.Time { return time.UnixMilli(int64(t)).UTC() }

func (t Timestamp) MarshalText() ([]byte, error) {
	return []byte(t.Time().Format("2006-01-02T15:04:05.000Z07:00")), nil
}

func (t *Timestamp) UnmarshalText(text []byte) error {
	moment, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return atelier.Errorf(atelier.Invalid, "%q is not a time in the form 2006-01-02T15:04:05Z.", atelier.Clip(string(text), 60))
	}
	*t = TimestampOf(moment)
	return nil
}
