import type { Failure } from './nouns';

/** What the server said when it refused, or why it could not be asked. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string;
  readonly field: string;
  readonly requestID: string;
  readonly details: { location: string; message: string }[];

  constructor(status: number, body: Partial<Failure['error']>) {
    super(body.message ?? '');
    this.status = status;
    this.code = body.code ?? 'internal';
    this.hint = body.hint ?? '';
    this.field = body.field ?? '';
    this.requestID = body.request_id ?? '';
    this.details = body.details ?? [];
  }
}

/** Makes an ApiError of whatever a failed answer carried. */
export function errorFromBody(status: number, body: unknown): ApiError {
  if (body && typeof body === 'object' && 'error' in body) {
    return new ApiError(status, (body as Failure).error);
  }
  const message = typeof body === 'string' && body.trim() !== '' ? body.trim() : `HTTP ${status}`;
  return new ApiError(status, { message });
}

/** Whether asking again later could help. */
export function isPassing(error: unknown): boolean {
  return error instanceof ApiError && (error.code === 'offline' || error.status === 502 || error.status === 503);
}
