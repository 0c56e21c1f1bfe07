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
export type Rank = Schemas['ComputeRank'];
export type Secret = Schemas['VaultSecret'];
export type Tree = Schemas['Tree'];
export type ModelVersion = Schemas['ModelVersion'];
export type Endpoint = Schemas['Endpoint'];
export type Deployment = Schemas['EndpointDeployment'];
export type Activity = Schemas['EndpointActivity'];
export type ActivityStep = Schemas['EndpointActivityStep'];
export type Rollout = Schemas['EndpointRollout'];
export type RequestCounts = Schemas['EndpointRequestCounts'];
export type Environment = Schemas['Environment'];
export type EnvironmentBuild = Schemas['EnvironmentStatus'];
export type EnvironmentPackage = Schemas['EnvironmentPackage'];
export type DataAsset = Schemas['DataAsset'];
export type DataVersion = Schemas['DataVersion'];
export type DataUse = Schemas['DataUse'];
export type DataPreview = Schemas['DataPreview'];
export type DataDifference = Schemas['DataDifference'];
export type ColumnDifference = Schemas['DataColumnDifference'];
export type Profile = Schemas['Profile'];
export type ProfileColumn = Schemas['ProfileColumn'];
export type Bin = Schemas['ProfileBin'];
export type Datastore = Schemas['Datastore'];
export type DatastoreCreate = Schemas['DatastoreCreate'];
export type DatastoreSecrets = Schemas['DatastoreSecrets'];
export type Compute = Schemas['JobCompute'];
export type Amounts = Schemas['JobAmounts'];
export type Queue = Schemas['JobQueue'];
export type QueueJob = Schemas['JobQueueJob'];
export type Explanation = Schemas['JobExplanation'];
export type Comparison = Schemas['JobComparison'];
export type JobLimits = Schemas['JobWorkspaceLimits'];
export type LineageGraph = Schemas['LineageGraph'];
export type LineageNode = Schemas['LineageNode'];
export type LineageEdge = Schemas['LineageEdge'];

/** A number; or NaN, Infinity or -Infinity as a word, because JSON cannot say them. */
export type MetricValue = Metric['value'];
