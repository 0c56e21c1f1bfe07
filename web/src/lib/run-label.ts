import { shortID } from './format';

interface Named {
  id: string;
  name: string;
}

/** What to call each of some runs: the name where only one has it, else the name with the id. */
export function runLabels(runs: readonly Named[]): Map<string, string> {
  const counts = new Map<string, number>();
  for (const run of runs) counts.set(run.name, (counts.get(run.name) ?? 0) + 1);
  return new Map(runs.map((run) => {
    if (run.name === '') return [run.id, shortID(run.id)];
    return [run.id, counts.get(run.name) === 1 ? run.name : `${run.name} · ${shortID(run.id)}`];
  }));
}
