// The nouns of the native API, by the names that the server gives them. Their
// shapes are generated from its OpenAPI document: `npm run gen`.
import type { components } from './schema';

type Schemas = components['schemas'];

export type Failure = Schemas['Failure'];
export type Me = Schemas['Me'];
export type Token = Schemas['Token'];
export type Run = Schemas['Run'];
export type Metric = Schemas['SeriesPoint'];
export type MetricSeries = Schemas['MetricSeries'];
export type Artifact = Schemas['Artifact'];
/** A job that was submitted always has a name; the document shares the shape with what is sent. */
export type Job = Schemas['Job'] & { name: string };
export type Tree = Schemas['Tree'];
export type ModelVersion = Schemas['ModelVersion'];
export type Endpoint = Schemas['Endpoint'];
export type Deployment = Schemas['EndpointDeployment'];
export type Environment = Schemas['Environment'];

/** A number; or NaN, Infinity or -Infinity as a word, because JSON cannot say them. */
export type MetricValue = Metric['value'];
