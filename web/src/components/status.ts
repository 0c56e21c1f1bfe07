const tones = {
  NotStarted: 'wait', Queued: 'wait', Preparing: 'running', Running: 'running', Finalizing: 'running',
  CancelRequested: 'wait', Completed: 'good', Failed: 'bad', Canceled: 'quiet', NotResponding: 'bad',
  Available: 'good', Stopped: 'quiet', NotBuilt: 'quiet', Building: 'running', Creating: 'running', Updating: 'running', Scaling: 'running', Deleting: 'wait', Succeeded: 'good', RolledBack: 'bad', Unknown: 'quiet',
} as const;

export type Status = keyof typeof tones;
export type Tone = (typeof tones)[Status];

export function toneOf(status: Status): Tone {
  return tones[status];
}

const ofRun: Record<string, Status> = {
  RUNNING: 'Running', SCHEDULED: 'Queued', FINISHED: 'Completed', FAILED: 'Failed', KILLED: 'Canceled',
};

/** A status of a run, job, endpoint or deployment in the one vocabulary that Studio shows. */
export function toStatus(text: string | undefined): Status {
  if (text && text in tones) return text as Status;
  return ofRun[text ?? ''] ?? 'Unknown';
}

export function isActive(status: Status): boolean {
  return tones[status] === 'running' || tones[status] === 'wait';
}
