package mlflow

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

var sameBatches = cmp.Options{cmpopts.EquateEmpty(), cmp.Comparer(func(a, b series.Value) bool { return a == b || a.IsNaN() && b.IsNaN() })}

var plainBatches = []string{
	`{"run_id": "r", "metrics": [{"key": "a", "value": 0.5, "timestamp": 12, "step": 3}, {"key": "ä", "value": -1e-3, "timestamp": 0}]}`,
	`{"run_id":"r","metrics":[{"key":"a","value":"NaN","timestamp":1,"step":-5},{"key":"a","value":"-Infinity","timestamp":1,"step":0,"model_id":"m","dataset_name":"d","dataset_digest":"x"}],"params":[{"key":"p","value":"1"}],"tags":[{"key":"t","value":""}]}` + "\n",
	`{"run_id":"r"}`,
	`{"tags":[],"run_id":"r","metrics":[],"params":[{}]}`,
}

var oddBatches = []string{
	``, `{}`, `null`, `[]`, `{"run_id":""}`, `{"run_id":1}`, `{"run_id":"r"} x`, `{"run_id":"r",}`, `{"run_id":"r","more":1}`,
	`{"run_id":"a","run_id":"b"}`, `{"run_id":"a\u0062"}`, "{\"run_id\":\"\xff\"}", `"{\"run_id\":\"r\"}"`, `{"Run_ID":"r"}`,
	`{"run_id":"r","metrics":null}`, `{"run_id":"r","metrics":[{"key":"a","value":1}]}`, `{"run_id":"r","metrics":[{"key":"a","timestamp":1}]}`,
	`{"run_id":"r","metrics":[{"key":"a","value":NaN,"timestamp":1}]}`, `{"run_id":"r","metrics":[{"key":"a","value":null,"timestamp":1}]}`,
	`{"run_id":"r","metrics":[{"key":"a","value":1e999,"timestamp":1}]}`, `{"run_id":"r","metrics":[{"key":"a","value":01,"timestamp":1}]}`,
	`{"run_id":"r","metrics":[{"key":"a","value":1.,"timestamp":1}]}`, `{"run_id":"r","metrics":[{"key":"a","value":1,"timestamp":1.0}]}`,
	`{"run_id":"r","metrics":[{"key":"a","value":1,"timestamp":"1"}]}`, `{"run_id":"r","metrics":[{"key":"a","value":"1","timestamp":1}]}`,
	`{"run_id":"r","params":[{"key":"a","value":1}]}`, `{"run_id":"r","metrics":[{"key":"a","value":1,"timestamp":99999999999999999999}]}`,
}

func TestPlainBatchesAreReadQuickly(t *testing.T) {
	for _, text := range plainBatches {
		if !new(logBatchRequest).quick([]byte(text)) {
			t.Errorf("%s was left to the general decoder", text)
		}
	}
	for _, text := range oddBatches {
		if new(logBatchRequest).quick([]byte(text)) {
			t.Errorf("%s was read quickly", text)
		}
	}
}

// What is read quickly means what the general decoder makes of it.
func FuzzQuickBatch(f *testing.F) {
	for _, text := range append(plainBatches, oddBatches...) {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var quick logBatchRequest
		if !quick.quick(raw) {
			return
		}
		type plain logBatchRequest // without quick
		var general plain
		if err := decodeBody(raw, &general); err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
		want, err := (*logBatchRequest)(&general).read()
		if err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
		if diff := cmp.Diff(want, *quick.batch, sameBatches); diff != "" || general.RunID != quick.RunID {
			t.Fatalf("%q: %s", raw, diff)
		}
	})
}

var plainMetrics = []string{
	`{"run_id": "r", "key": "a", "value": 0.5, "timestamp": 12, "step": 3}`,
	`{"run_uuid":"r","key":"ä","value":"-Infinity","timestamp":0}`,
	"{\n  \"run_uuid\": \"r\",\n  \"key\": \"a\",\n  \"value\": 1e-05,\n  \"timestamp\": 1700000000000,\n  \"step\": 0,\n  \"run_id\": \"r\"\n}",
	`{"run_id":"r","run_uuid":"","key":"a","value":"NaN","timestamp":1,"step":-5,"model_id":"m","dataset_name":"d","dataset_digest":"x"}`,
	`{"run_id":"a","run_id":"b","key":"a","key":"b","value":1,"value":2,"timestamp":1,"timestamp":2}`,
}

var oddMetrics = []string{
	``, `{}`, `null`, `[]`, `{"run_id":"r"}`, `{"run_id":"","key":"a","value":1,"timestamp":1}`, `{"run_id":1,"key":"a","value":1,"timestamp":1}`,
	`{"run_id":"r","key":"","value":1,"timestamp":1}`, `{"run_id":"r","key":"a","timestamp":1}`, `{"run_id":"r","key":"a","value":1}`,
	`{"run_id":"r","key":"a","value":NaN,"timestamp":1}`, `{"run_id":"r","key":"a","value":null,"timestamp":1}`, `{"run_id":"r","key":"a","value":1,"timestamp":"1"}`,
	`{"run_id":"r","key":"a","value":1,"timestamp":1} x`, `{"run_id":"r","key":"a","value":1,"timestamp":1,"more":0}`, `{"run_id":"r","Key":"a","value":1,"timestamp":1}`,
	`{"run_id":"r","key":"\u0061","value":1,"timestamp":1}`, "{\"run_id\":\"\xff\",\"key\":\"a\",\"value\":1,\"timestamp\":1}",
}

func TestPlainMetricsAreReadQuickly(t *testing.T) {
	for _, text := range plainMetrics {
		if !new(logMetricRequest).quick([]byte(text)) {
			t.Errorf("%s was left to the general decoder", text)
		}
	}
	for _, text := range oddMetrics {
		if new(logMetricRequest).quick([]byte(text)) {
			t.Errorf("%s was read quickly", text)
		}
	}
}

// What is read quickly means what the general decoder makes of it.
func FuzzQuickMetric(f *testing.F) {
	for _, text := range append(plainMetrics, oddMetrics...) {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var quick logMetricRequest
		if !quick.quick(raw) {
			return
		}
		type plain logMetricRequest // without quick
		var general plain
		if err := decodeBody(raw, &general); err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
		want, err := (*logMetricRequest)(&general).read()
		if err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
		if diff := cmp.Diff(want, *quick.quickly, sameBatches); diff != "" || general.RunID != quick.RunID || general.RunUUID != quick.RunUUID {
			t.Fatalf("%q: %s", raw, diff)
		}
	})
}

func BenchmarkDecodeBatch(b *testing.B) {
	raw := []byte(`{"run_id":"r","metrics":[`)
	for i := range 1000 {
		if i > 0 {
			raw = append(raw, ", "...)
		}
		raw = append(raw, `{"key": "train/loss", "value": 0.6931471824645996, "timestamp": 1700000000000, "step": 1234}`...)
	}
	raw = append(raw, "]}"...)
	var batch tracking.Batch
	for b.Loop() {
		var in logBatchRequest
		if err := decodeBody(raw, &in); err != nil {
			b.Fatal(err)
		}
		batch, _ = in.read()
	}
	b.ReportMetric(float64(b.N*len(batch.Metrics))/b.Elapsed().Seconds(), "points/s")
}
