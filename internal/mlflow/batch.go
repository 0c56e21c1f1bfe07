package mlflow

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// A log-batch brings up to a thousand points, in calls that follow each other
// all day, and decoding them with encoding/json costs several times what storing
// them does. So the plain form in which every client writes them is read here.
// Whatever is unusual (an escape, a null, a number where a text belongs, a field
// that is not known) is left to the general decoder, which knows all of MLflow's
// leniency and all messages: quick either means exactly the same, or refuses.
func (r *logBatchRequest) quick(raw []byte) bool {
	p := &batchParser{raw: raw, names: map[string]string{}}
	var run string
	batch := &tracking.Batch{}
	seen := map[string]bool{}
	p.object(func(field []byte) {
		if seen[string(field)] {
			p.odd = true
			return
		}
		seen[string(field)] = true
		switch string(field) {
		case "run_id":
			run = string(p.text())
		case "metrics":
			batch.Metrics = make([]tracking.Metric, 0, min(len(raw)/64+1, 1000))
			p.array(func() {
				batch.Metrics = append(batch.Metrics, tracking.Metric{})
				p.metric(&batch.Metrics[len(batch.Metrics)-1])
			})
		case "params":
			p.array(func() { batch.Params = append(batch.Params, p.pair()) })
		case "tags":
			p.array(func() { batch.Tags = append(batch.Tags, p.pair()) })
		default:
			p.odd = true
		}
	})
	if !p.ended() || run == "" {
		return false
	}
	r.RunID, r.batch = run, batch
	return true
}

// quick reads a log-metric as a log-batch is read: there are scripts that send
// thousands of them in a second.
func (r *logMetricRequest) quick(raw []byte) bool {
	p := &batchParser{raw: raw}
	var run, uuid string
	m := tracking.Metric{}
	has := 0
	p.object(func(field []byte) {
		switch string(field) {
		case "run_id":
			run = string(p.text())
		case "run_uuid":
			uuid = string(p.text())
		default:
			has |= p.metricField(&m, field)
		}
	})
	p.mustBeWhole(&m, has)
	if !p.ended() || run == "" && uuid == "" {
		return false
	}
	r.RunID, r.RunUUID, r.quickly = run, uuid, &m
	return true
}

// batchParser reads JSON of a few known shapes. odd says that it met something
// else; whatever it gives from then on means nothing.
type batchParser struct {
	raw   []byte
	at    int
	odd   bool
	names map[string]string // every name by itself; nil to make each anew
	last  string            // the name that came last
}

// ended reports whether all was read, and nothing was odd.
func (p *batchParser) ended() bool {
	p.space()
	return !p.odd && p.at == len(p.raw)
}

func (p *batchParser) space() {
	for p.at < len(p.raw) {
		switch p.raw[p.at] {
		case ' ', '\n', '\r', '\t':
			p.at++
		default:
			return
		}
	}
}

// next reports whether the next character is c, and if so goes past it.
func (p *batchParser) next(c byte) bool {
	p.space()
	if p.at < len(p.raw) && p.raw[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *batchParser) expect(c byte) {
	if !p.next(c) {
		p.odd = true
	}
}

func (p *batchParser) object(field func(name []byte)) {
	p.expect('{')
	if p.next('}') {
		return
	}
	for !p.odd {
		name := p.text()
		p.expect(':')
		if !p.odd {
			field(name)
		}
		if p.next('}') {
			return
		}
		p.expect(',')
	}
}

func (p *batchParser) array(element func()) {
	p.expect('[')
	if p.next(']') {
		return
	}
	for !p.odd {
		element()
		if p.next(']') {
			return
		}
		p.expect(',')
	}
}

// text reads a text without escapes.
func (p *batchParser) text() []byte {
	p.expect('"')
	start, plain := p.at, true
	for at, c := range p.raw[start:] {
		if c == '"' {
			text := p.raw[start : start+at]
			p.at = start + at + 1
			p.odd = p.odd || !plain && !utf8.Valid(text)
			return text
		}
		if c == '\\' || c < ' ' {
			break
		}
		plain = plain && c < utf8.RuneSelf
	}
	p.odd = true
	return nil
}

// name reads a text that comes again and again, and makes it once.
func (p *batchParser) name() string {
	text := p.text()
	if string(text) == p.last {
		return p.last
	}
	known, ok := p.names[string(text)]
	if !ok {
		known = string(text)
		if p.names != nil {
			p.names[known] = known
		}
	}
	p.last = known
	return known
}

// number reads a number as JSON has them; whole reports that it is only digits,
// with a sign or not.
func (p *batchParser) number() (text []byte, whole bool) {
	p.space()
	start := p.at
	if p.at < len(p.raw) && p.raw[p.at] == '-' {
		p.at++
	}
	first := p.at
	if digits := p.digits(); digits == 0 || digits > 1 && p.raw[first] == '0' {
		p.odd = true
		return nil, false
	}
	whole = true
	if p.at < len(p.raw) && p.raw[p.at] == '.' {
		p.at++
		whole = false
		p.odd = p.odd || p.digits() == 0
	}
	if p.at < len(p.raw) && (p.raw[p.at] == 'e' || p.raw[p.at] == 'E') {
		p.at++
		whole = false
		if p.at < len(p.raw) && (p.raw[p.at] == '+' || p.raw[p.at] == '-') {
			p.at++
		}
		p.odd = p.odd || p.digits() == 0
	}
	return p.raw[start:p.at], whole
}

func (p *batchParser) digits() int {
	start := p.at
	for p.at < len(p.raw) && p.raw[p.at] >= '0' && p.raw[p.at] <= '9' {
		p.at++
	}
	return p.at - start
}

func (p *batchParser) integer() int64 {
	text, whole := p.number()
	digits := text
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	if !whole || len(digits) > 18 { // what has no more is no overflow
		p.odd = true
		return 0
	}
	value := int64(0)
	for _, digit := range digits {
		value = 10*value + int64(digit-'0')
	}
	if len(digits) < len(text) {
		return -value
	}
	return value
}

func (p *batchParser) value() series.Value {
	p.space()
	if p.at < len(p.raw) && p.raw[p.at] == '"' {
		switch string(p.text()) {
		case "NaN":
			return series.Value(math.NaN())
		case "Infinity":
			return series.Value(math.Inf(1))
		case "-Infinity":
			return series.Value(math.Inf(-1))
		}
		p.odd = true
		return 0
	}
	text, _ := p.number()
	value, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		p.odd = true
	}
	return series.Value(value)
}

// What a metric must have beside its key.
const (
	hasValue = 1 << iota
	hasTime
)

func (p *batchParser) metric(m *tracking.Metric) {
	has := 0
	p.object(func(field []byte) { has |= p.metricField(m, field) })
	p.mustBeWhole(m, has)
}

// metricField reads one field of m, and says which of those that it must have it is.
func (p *batchParser) metricField(m *tracking.Metric, field []byte) (has int) {
	switch string(field) {
	case "key":
		m.Key = p.name()
	case "value":
		m.Value, has = p.value(), hasValue
	case "timestamp":
		m.Timestamp, has = series.Timestamp(p.integer()), hasTime
	case "step":
		m.Step = p.integer()
	case "model_id":
		m.ModelID = p.name()
	case "dataset_name":
		m.DatasetName = p.name()
	case "dataset_digest":
		m.DatasetDigest = p.name()
	default:
		p.odd = true
	}
	return has
}

// mustBeWhole leaves a metric that lacks something to the general decoder, which
// says what is missing.
func (p *batchParser) mustBeWhole(m *tracking.Metric, has int) {
	if m.Key == "" || has != hasValue|hasTime {
		p.odd = true
	}
}

func (p *batchParser) pair() tracking.Pair {
	var pair tracking.Pair
	p.object(func(field []byte) {
		switch string(field) {
		case "key":
			pair.Key = string(p.text())
		case "value":
			pair.Value = string(p.text())
		default:
			p.odd = true
		}
	})
	return pair
}
