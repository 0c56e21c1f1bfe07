/** A link as MLflow's client prints it after a run: `#/experiments/ID[/runs/RUN]`. */
export type MlflowLink = { run: string } | { experiment: string };

/** Reads the part of an address behind `#`; undefined when it is no such link. */
export function readMlflowLink(hash: string): MlflowLink | undefined {
  const found = /^#?\/experiments\/([\w-]+)(?:\/runs\/([\w-]+))?\/?$/.exec(hash);
  if (!found) return undefined;
  const [, experiment, run] = found;
  if (run !== undefined) return { run };
  return experiment === undefined ? undefined : { experiment };
}
