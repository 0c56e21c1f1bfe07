package series

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

var samePoints = cmp.Options{cmpopts.EquateEmpty(), cmp.Comparer(func(a, b Value) bool { return a == b || a.IsNaN() && b.IsNaN() })}

// drawPoints makes points as no training would log them, in small ranges too, so
// that some are equal.
func drawPoints(t *rapid.T, least int) []Point {
	single := rapid.OneOf(rapid.Map(rapid.Float32(), func(f float32) float64 { return float64(f) }),
		rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), math.MaxFloat32, math.SmallestNonzeroFloat32}))
	number := rapid.OneOf(rapid.Float64(), single, rapid.Map(rapid.IntRange(-5, 5), func(i int) float64 { return float64(i) / 4 }),
		rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), math.MaxFloat64, 5e-324, 1 << 53}))
	if rapid.Bool().Draw(t, "single") {
		number = single
	}
	place := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-3, 3))
	point := rapid.Custom(func(t *rapid.T) Point {
		return Point{Step: place.Draw(t, "step"), Timestamp: Timestamp(place.Draw(t, "time")), Value: Value(number.Draw(t, "value"))}
	})
	return rapid.SliceOfN(point, least, 200).Draw(t, "points")
}

func TestChunksGiveBackWhatTheyWereMadeOf(t *testing.T) {
	e := &encoder{}
	rapid.Check(t, func(t *rapid.T) {
		points := ordered(drawPoints(t, 1))
		back, err := decode(e.encode(points))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(points, back, samePoints); diff != "" {
			t.Fatal(diff)
		}
		whole := summarise(points)
		stored, err := decodeSummary(whole.encode())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(whole, stored, samePoints, cmpopts.EquateNaNs()); diff != "" {
			t.Fatal(diff)
		}
	})
}

// curves are series as trainings log them.
func curves() map[string]func(i int) float64 {
	random := rand.New(rand.NewPCG(1, 2))
	average := 2.0
	return map[string]func(i int) float64{
		"constant":             func(int) float64 { return 0.001 },
		"epoch":                func(i int) float64 { return float64(i / 100) },
		"accuracy":             func(i int) float64 { return float64(500+min(i/4, 400)+random.IntN(30)) / 1000 },
		"use of a processor":   func(int) float64 { return float64(random.IntN(100)) },
		"step by a decimal":    func(i int) float64 { return float64(i) * 0.37 },
		"loss in 32 bits":      func(i int) float64 { return float64(float32(2/(1+float64(i)/200) + random.NormFloat64()/10)) },
		"noise in 32 bits":     func(int) float64 { return float64(float32(random.NormFloat64() / 10)) },
		"average of losses":    func(i int) float64 { average = 0.99*average + random.Float64()/100; return float64(float32(average)) },
		"noise in 64 bits":     func(int) float64 { return random.Float64() },
		"cosine rate":          func(i int) float64 { return float64(float32(0.0005 * (1 + math.Cos(float64(i)/1000)))) },
		"missing now and then": func(i int) float64 { return map[bool]float64{true: math.NaN(), false: 0.5}[i%7 == 0] },
	}
}

// The mean over curves is what a point costs; noise of 64 bits costs what it must.
func TestChunksAreSmall(t *testing.T) {
	e := &encoder{}
	total := 0.0
	for name, value := range curves() {
		random := rand.New(rand.NewPCG(3, 4))
		points := make([]Point, fullChunk)
		at := Timestamp(1_700_000_000_000)
		for i := range points {
			at += Timestamp(90 + random.IntN(20))
			points[i] = Point{Step: int64(i), Timestamp: at, Value: Value(value(i))}
		}
		each := float64(len(e.encode(points))) / fullChunk
		t.Logf("%-22s %.2f bytes a point", name, each)
		if each > 8.1 {
			t.Errorf("%s: %.2f bytes a point", name, each)
		}
		total += each
	}
	if mean := total / float64(len(curves())); mean > 3.6 {
		t.Errorf("%.2f bytes a point on average", mean)
	}
}

func TestDamagedChunksAreErrors(t *testing.T) {
	points := line(1, 2.5, math.NaN(), 0.1, 1e300)
	chunk := (&encoder{}).encode(points)
	summary := summarise(points).encode()
	for at := range chunk {
		for bit := range 8 {
			damaged := append([]byte(nil), chunk...)
			damaged[at] ^= 1 << bit
			if _, err := decode(damaged); !errors.Is(err, errDamaged) {
				t.Errorf("bit %d of byte %d: %v", bit, at, err)
			}
		}
		if _, err := decode(chunk[:at]); !errors.Is(err, errDamaged) {
			t.Errorf("cut at %d: %v", at, err)
		}
	}
	for at := range summary {
		damaged := append([]byte(nil), summary...)
		damaged[at] ^= 1
		if _, err := decodeSummary(damaged); !errors.Is(err, errDamaged) {
			t.Errorf("byte %d of the summary: %v", at, err)
		}
	}
}

// A body of any bytes, rightly sealed, is points or an error.
func FuzzDecode(f *testing.F) {
	for _, value := range curves() {
		var points []Point
		for i := range 40 {
			points = append(points, Point{Step: int64(i), Timestamp: Timestamp(i * 100), Value: Value(value(i))})
		}
		points = ordered(points)
		body, _ := unseal((&encoder{}).encode(points))
		f.Add(body)
		body, _ = unseal(summarise(points).encode())
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		sealed := seal(append([]byte(nil), body...))
		if points, err := decode(sealed); err == nil {
			if len(points) == 0 || len(points) > maxChunk {
				t.Fatalf("%d points", len(points))
			}
		} else if !errors.Is(err, errDamaged) {
			t.Fatal(err)
		}
		if _, err := decode(body); err != nil && !errors.Is(err, errDamaged) {
			t.Fatal(err)
		}
		if s, err := decodeSummary(sealed); err == nil && s.Count < 1 {
			t.Fatalf("%+v", s)
		}
	})
}

func BenchmarkCodec(b *testing.B) {
	points := make([]Point, fullChunk)
	loss := curves()["loss in 32 bits"]
	for i := range points {
		points[i] = Point{Step: int64(i), Timestamp: Timestamp(1_700_000_000_000 + i*100), Value: Value(loss(i))}
	}
	e := &encoder{}
	chunk := e.encode(points)
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			e.encode(points)
		}
		b.ReportMetric(float64(b.N)*fullChunk/b.Elapsed().Seconds(), "points/s")
	})
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			if _, err := decode(chunk); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)*fullChunk/b.Elapsed().Seconds(), "points/s")
	})
}
