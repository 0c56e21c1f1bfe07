package main

import (
	"math"
	"math/rand/v2"
	"strconv"
)

// startOfTime is when all runs begin, in milliseconds.
const startOfTime = 1_700_000_000_000

// keys are the metrics that a run logs at each step.
var keys = []string{"loss", "val_loss", "loss_smooth", "accuracy", "learning_rate", "epoch", "grad_norm", "gpu_utilization", "gpu_memory", "samples_per_second"}

// curves has the values of every key at many steps, as they are written in JSON.
// Making the text beforehand keeps the load program out of the server's way.
type curves [][]string

const curveLength = 20_000

// newCurves draws the curves of one training: noisy and smooth losses in single
// precision, as frameworks give them, a cosine, a ramp, a ratio of whole numbers,
// and what a device says of itself.
func newCurves(seed uint64) curves {
	random := rand.New(rand.NewPCG(seed, 1))
	all := make(curves, len(keys))
	smooth := 2.0
	for step := range curveLength {
		progress := float64(step) / curveLength
		loss := float64(float32(2*math.Exp(-3*progress) + random.NormFloat64()*0.05))
		smooth = 0.98*smooth + 0.02*loss
		for i, value := range []float64{
			loss,
			float64(float32(loss + 0.1 + random.NormFloat64()*0.02)),
			float64(float32(smooth)),
			math.Round(1000*(0.5+0.45*progress+random.Float64()*0.05)) / 1000,
			0.0005 * (1 + math.Cos(math.Pi*progress)),
			float64(step/500) + float64(step%500)/500,
			float64(float32(math.Exp(random.NormFloat64()*0.3 - progress))),
			float64(85 + random.IntN(15)),
			float64(31_000 + step/1000),
			math.Round(10*(1200+random.NormFloat64()*30)) / 10,
		} {
			all[i] = append(all[i], strconv.FormatFloat(value, 'g', -1, 64))
		}
	}
	return all
}

// training writes the log-batches of one run, step after step.
type training struct {
	run    string
	curves curves
	random *rand.Rand
	step   int
	millis int64
	body   []byte
}

func newTraining(run string, c curves, seed uint64) *training {
	return &training{run: run, curves: c, random: rand.New(rand.NewPCG(seed, 2)), millis: startOfTime}
}

// batch returns a log-batch with the next steps of the first so many metrics. It
// is valid until the next call.
func (t *training) batch(steps, metrics int) []byte {
	t.open()
	for range steps {
		t.millis += 95 + t.random.Int64N(10)
		for i := range metrics {
			t.point(keys[i], t.curves[i][t.step%curveLength])
		}
		t.step++
	}
	return t.close()
}

func (t *training) open() {
	t.body = append(t.body[:0], `{"run_id": "`...)
	t.body = append(t.body, t.run...)
	t.body = append(t.body, `", "metrics": [`...)
}

func (t *training) point(key, value string) {
	if t.body[len(t.body)-1] != '[' {
		t.body = append(t.body, ", "...)
	}
	t.body = append(t.body, `{"key": "`...)
	t.body = append(t.body, key...)
	t.body = append(t.body, `", "value": `...)
	t.body = append(t.body, value...)
	t.body = append(t.body, `, "timestamp": `...)
	t.body = strconv.AppendInt(t.body, t.millis, 10)
	t.body = append(t.body, `, "step": `...)
	t.body = strconv.AppendInt(t.body, int64(t.step), 10)
	t.body = append(t.body, '}')
}

func (t *training) close() []byte {
	t.body = append(t.body, "]}"...)
	return t.body
}

// last is the value that was logged last of the metric with this number.
func (t *training) last(i int) float64 {
	value, _ := strconv.ParseFloat(t.curves[i][(t.step-1)%curveLength], 64)
	return value
}
