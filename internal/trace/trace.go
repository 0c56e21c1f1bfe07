// Package trace tells an OpenTelemetry collector how long requests take. It is
// the one place that knows OpenTelemetry; without an address nothing is sent,
// and nothing is measured.
package trace

import (
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Tracer makes spans. Nil makes none.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

// closeTime is how long the last spans may take to be sent.
const closeTime = 5 * time.Second

// New returns a tracer that sends to the collector at address, such as
// http://127.0.0.1:4318, by OTLP over HTTP; nil for an empty address.
func New(ctx context.Context, address, version string) (*Tracer, error) {
	if address == "" {
		return nil, nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(address+"/v1/traces"))
	if err != nil {
		return nil, err
	}
	return newTracer(sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(resource.NewSchemaless(
		attribute.String("service.name", "atelier"), attribute.String("service.version", version))))), nil
}

func newTracer(provider *sdk.TracerProvider) *Tracer {
	return &Tracer{provider: provider, tracer: provider.Tracer("github.com/atelier-ml/atelier")}
}

// Close sends what has not been sent.
func (t *Tracer) Close() error {
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	return t.provider.Shutdown(ctx)
}

// Span is a piece of work under way. Nil is none.
type Span struct{ span trace.Span }

// Start begins the span of a request. Where the sender has one of its own, it is
// part of that; and header goes on with the new one, for whom it is passed to.
func (t *Tracer) Start(ctx context.Context, header http.Header, name string) *Span {
	if t == nil {
		return nil
	}
	passed := propagation.HeaderCarrier(header)
	ctx = propagation.TraceContext{}.Extract(ctx, passed)
	ctx, span := t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindServer))
	propagation.TraceContext{}.Inject(ctx, passed)
	return &Span{span}
}

// Set notes something about the work.
func (s *Span) Set(key, value string) {
	if s != nil {
		s.span.SetAttributes(attribute.String(key, value))
	}
}

// End ends the work, with the HTTP status that was answered.
func (s *Span) End(status int) {
	if s == nil {
		return
	}
	s.span.SetAttributes(attribute.Int("http.response.status_code", status))
	if status >= http.StatusInternalServerError {
		s.span.SetStatus(codes.Error, "")
	}
	s.span.End()
}
