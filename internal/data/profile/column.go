package profile

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/DataDog/sketches-go/ddsketch/mapping"
	"github.com/DataDog/sketches-go/ddsketch/store"
	"github.com/axiomhq/hyperloglog"
)

const (
	maxExact  = 1000 // distinct values that are counted one by one
	maxShown  = 200  // characters of a value that are kept
	topValues = 20
	bins      = 20
	accuracy  = 0.005 // of quantiles, relative to the value
	maxBins   = 4096  // of a sketch
)

var quantiles = []float64{0.01, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99}

// column gathers the values of one column. What it may be shrinks as values are
// seen: a column is of integers until something else comes.
type column struct {
	name                       string
	seen                       int64 // values that are not missing
	notInt, notNumber, notBool bool
	notTime, object            bool
	layout                     string // of the times
	minText, maxText           string
	exact                      map[string]int64 // nil once there are too many
	sketch                     *hyperloglog.Sketch
	numbers                    int64
	mean, squares, least, most float64
	distribution               *ddsketch.DDSketch
	formatNumber               func(float64) string // of datetimes that are stored as numbers
}

func newColumn(name string) *column { return &column{name: name, exact: map[string]int64{}} }

// missingWords are what people write for nothing.
func isMissing(text string) bool {
	switch text {
	case "", "NA", "N/A", "NaN", "nan", "null", "NULL":
		return true
	}
	return false
}

// infer adds a value of a file that has only text.
func (c *column) infer(text string) {
	if isMissing(text) {
		return
	}
	if !c.notNumber {
		number, err := strconv.ParseFloat(text, 64)
		switch {
		case err != nil || strings.ContainsAny(text, "xXpP_"):
			c.notInt, c.notNumber = true, true
		case math.IsInf(number, 0) || math.IsNaN(number):
			return // like a missing value: it has no place among numbers
		default:
			c.notInt = c.notInt || !isInteger(text)
			c.number(number)
		}
	}
	if !c.notBool {
		c.notBool = !strings.EqualFold(text, "true") && !strings.EqualFold(text, "false")
	}
	c.time(text)
	c.text(text)
}

// word adds a value that is text, whatever it looks like.
func (c *column) word(text string) {
	c.notInt, c.notNumber, c.notBool = true, true, true
	c.time(text)
	c.text(text)
}

func (c *column) truth(value bool) {
	c.notInt, c.notNumber, c.notTime = true, true, true
	c.text(strconv.FormatBool(value))
}

// float adds a number that need not be read from text.
func (c *column) float(number float64, integer bool) {
	if math.IsInf(number, 0) || math.IsNaN(number) {
		return
	}
	c.notInt, c.notBool, c.notTime = c.notInt || !integer, true, true
	c.number(number)
	c.seen++
	c.count(strconv.FormatFloat(number, 'g', -1, 64))
}

func isInteger(text string) bool {
	digits := strings.TrimLeft(text, "+-")
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return len(digits) > 0
}

var layouts = []string{time.RFC3339, "2006-01-02", "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04:05.999999999", "2006/01/02"}

// time finds out whether text is a time, in the form of the first.
func (c *column) time(text string) {
	if c.notTime {
		return
	}
	if c.layout == "" {
		for _, layout := range layouts {
			if _, err := time.Parse(layout, text); err == nil {
				c.layout = layout
				return
			}
		}
	} else if _, err := time.Parse(c.layout, text); err == nil {
		return
	}
	c.notTime = true
}

func (c *column) text(text string) {
	if c.seen == 0 || text < c.minText {
		c.minText = shown(text)
	}
	if c.seen == 0 || text > c.maxText {
		c.maxText = shown(text)
	}
	c.seen++
	c.count(text)
}

// shown is what is kept of a value: a copy, so that its file can be let go.
func shown(text string) string {
	if len(text) > maxShown {
		text = text[:maxShown]
	}
	return strings.Clone(strings.ToValidUTF8(text, "\uFFFD"))
}

// count counts distinct values, one by one while they are few.
func (c *column) count(text string) {
	if c.exact == nil {
		c.sketch.Insert([]byte(text))
		return
	}
	if _, known := c.exact[text]; !known {
		if len(c.exact) == maxExact || len(text) > maxShown {
			c.giveUpCounting()
			c.sketch.Insert([]byte(text))
			return
		}
		text = strings.Clone(text)
	}
	c.exact[text]++
}

func (c *column) giveUpCounting() {
	c.sketch = hyperloglog.New14()
	for value := range c.exact {
		c.sketch.Insert([]byte(value))
	}
	c.exact = nil
}

func (c *column) number(number float64) {
	if c.numbers == 0 {
		c.least, c.most = number, number
		c.distribution = newDistribution()
	}
	c.numbers++
	c.least, c.most = min(c.least, number), max(c.most, number)
	delta := number - c.mean
	c.mean += delta / float64(c.numbers)
	c.squares += delta * (number - c.mean)
	c.distribution.Add(number) // fails only for what the sketch cannot hold: beyond 1e308
}

func newDistribution() *ddsketch.DDSketch {
	m, err := mapping.NewCubicallyInterpolatedMapping(accuracy)
	if err != nil {
		panic("profile: the accuracy is a constant between 0 and 1: " + err.Error())
	}
	return ddsketch.NewDDSketch(m, store.NewCollapsingLowestDenseStore(maxBins), store.NewCollapsingLowestDenseStore(maxBins))
}

// finish says what the column is, of a table with so many rows.
func (c *column) finish(rows int64) Column {
	done := Column{Name: c.name, Type: c.kind(), Missing: max(rows-c.seen, 0), Min: c.minText, Max: c.maxText}
	switch {
	case c.exact != nil:
		done.Distinct = int64(len(c.exact))
		done.Top = c.top()
	case c.sketch != nil:
		done.Distinct = min(int64(c.sketch.Estimate()), c.seen)
	}
	switch {
	case done.Type == "integer" || done.Type == "number":
		c.finishNumbers(&done)
	case c.formatNumber != nil && c.numbers > 0:
		done.Min, done.Max, done.Top = c.formatNumber(c.least), c.formatNumber(c.most), nil
	}
	return done
}

func (c *column) kind() string {
	switch {
	case c.seen == 0:
		return "empty"
	case c.object:
		return "object"
	case c.formatNumber != nil:
		return "datetime"
	case !c.notInt:
		return "integer"
	case !c.notNumber:
		return "number"
	case !c.notBool:
		return "boolean"
	case !c.notTime:
		return "datetime"
	}
	return "string"
}

func (c *column) top() []Count {
	var all []Count
	for value, n := range c.exact {
		all = append(all, Count{strings.ToValidUTF8(value, "\uFFFD"), n})
	}
	slices.SortFunc(all, func(a, b Count) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value)) })
	return all[:min(len(all), topValues)]
}

func (c *column) finishNumbers(done *Column) {
	mean, std := c.mean, 0.0
	if c.numbers > 1 {
		std = math.Sqrt(c.squares / float64(c.numbers-1))
	}
	done.Mean, done.Std = &mean, &std
	done.Min, done.Max = plainNumber(c.least), plainNumber(c.most)
	values, err := c.distribution.GetValuesAtQuantiles(quantiles)
	if err != nil {
		return
	}
	for i, q := range quantiles {
		done.Quantiles = append(done.Quantiles, Quantile{q, min(max(values[i], c.least), c.most)})
	}
	done.Histogram = c.histogram()
}

func plainNumber(number float64) string {
	if number == math.Trunc(number) && math.Abs(number) < 1e15 {
		return strconv.FormatFloat(number, 'f', -1, 64)
	}
	return strconv.FormatFloat(number, 'g', -1, 64)
}

// histogram sorts what the sketch holds into bins of equal width.
func (c *column) histogram() []Bin {
	width := c.most/bins - c.least/bins // the difference itself could be infinite
	if width == 0 {
		return []Bin{{c.least, c.most, c.numbers}}
	}
	all := make([]Bin, bins)
	for i := range all {
		all[i] = Bin{From: c.least + float64(i)*width, To: c.least + float64(i+1)*width}
	}
	all[bins-1].To = c.most
	c.distribution.ForEach(func(value, count float64) bool {
		at := int((min(max(value, c.least), c.most) - c.least) / width)
		all[min(max(at, 0), bins-1)].Count += int64(count)
		return false
	})
	return all
}
