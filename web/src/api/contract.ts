// The native API's nouns and paths as Studio uses them. Names are the server's.

export interface ErrorBody {
  error: {
    code: string;
    message: string;
    field?: string;
    hint?: string;
    request_id?: string;
    details?: { location: string; message: string }[];
  };
}

export interface Page<T> {
  items: T[];
  next_page_token?: string;
}

export interface Me {
  user: { id: string; name: string; server_role?: string };
  workspaces: Membership[];
}

export interface Membership {
  name: string;
  display_name?: string;
  role?: string;
  description?: string;
  actions: string[];
  not_actions: string[];
}

export interface Workspace {
  name: string;
  display_name?: string;
  description?: string;
  tags?: Record<string, string>;
  created_by?: string;
  created_at: string;
  updated_at: string;
}

export interface Token {
  id: string;
  description?: string;
  created_at: string;
  expires_at?: string;
  used_at?: string;
  secret?: string;
}

export interface Experiment {
  id: string;
  name: string;
  lifecycle_stage: string;
  artifact_location?: string;
  tags?: Record<string, string>;
  created_at: string;
  updated_at: string;
}

export type MetricValue = number | 'NaN' | 'Infinity' | '-Infinity';

export interface Metric {
  value: MetricValue;
  step: number;
  timestamp: string;
}

export interface Run {
  id: string;
  name: string;
  experiment_id: string;
  experiment_name: string;
  status: string;
  lifecycle_stage: string;
  user?: string;
  started_at?: string;
  ended_at?: string;
  params?: Record<string, string>;
  metrics?: Record<string, Metric>;
  tags?: Record<string, string>;
  parent_run_id?: string;
  job?: boolean;
  outputs?: { model_id: string; step: number }[];
  inputs?: { name: string; digest: string; source_type: string; source: string; context?: string }[];
}

export interface MetricSeries {
  key: string;
  points: { step: number; timestamp: string; value: MetricValue }[];
  count: number;
  sampled: boolean;
}

export interface Artifact {
  path: string;
  is_dir: boolean;
  size?: number;
  sha256?: string;
}

export interface Job {
  name: string;
  type: string;
  display_name?: string;
  description?: string;
  experiment_name?: string;
  tags?: Record<string, string>;
  properties?: Record<string, string>;
  command?: string;
  code?: string;
  environment?: unknown;
  environment_variables?: Record<string, string>;
  compute?: string;
  limits?: { timeout?: number };
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
  status: string;
  error?: { code?: string; message: string };
  created_by?: string;
  created_at: string;
  started_at?: string;
  ended_at?: string;
  exit_code?: number;
  usage?: { cpu_seconds?: number; cpu_percent?: number; memory_bytes?: number; memory_peak_bytes?: number };
  environment_info?: {
    name?: string;
    version?: string;
    hash?: string;
    python?: string;
    packages?: { name: string; version: string }[];
  };
  runner?: { host?: string; pid?: number };
}

export interface Tree {
  id: string;
  files: { path: string; sha256: string; size: number; executable?: boolean }[];
}

export interface Model {
  name: string;
  description?: string;
  tags?: Record<string, string>;
  aliases?: Record<string, string>;
  latest_version?: string;
  created_at: string;
  updated_at: string;
}

export interface ModelVersion {
  name: string;
  version: string;
  type: string;
  path?: string;
  tree?: string;
  size?: number;
  flavors?: Record<string, unknown>;
  description?: string;
  tags?: Record<string, string>;
  properties?: Record<string, string>;
  stage?: string;
  run_id?: string;
  aliases?: string[];
  created_by?: string;
  created_at: string;
  updated_at: string;
  status?: string;
}

export interface Endpoint {
  name: string;
  description?: string;
  tags?: Record<string, string>;
  auth_mode: string;
  traffic?: Record<string, number>;
  mirror_traffic?: Record<string, number>;
  scoring_uri: string;
  openapi_uri?: string;
  provisioning_state: string;
  error?: { code?: string; message: string };
  created_by?: string;
  created_at: string;
  updated_at: string;
}

export interface Deployment {
  name: string;
  endpoint_name: string;
  description?: string;
  tags?: Record<string, string>;
  model?: unknown;
  code_configuration?: { code?: string; scoring_script?: string };
  environment?: unknown;
  instance_type?: string;
  instance_count?: number;
  request_settings?: {
    request_timeout_ms?: number;
    max_concurrent_requests_per_instance?: number;
    max_queue_wait_ms?: number;
  };
  provisioning_state: string;
  error?: { code?: string; message: string };
  replicas?: { id: string; state: string; pid?: number; started_at?: string }[];
  created_at: string;
  updated_at: string;
}

export interface Environment {
  name: string;
  version?: string;
  description?: string;
  image?: string;
  conda_file?: unknown;
  python_version?: string;
  requirements?: string[];
  hash?: string;
  curated?: boolean;
}
