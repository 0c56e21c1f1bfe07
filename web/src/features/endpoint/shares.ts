// Shares of the traffic that always make up the whole.

export type Shares = Record<string, number>;

export function totalOf(shares: Shares | undefined): number {
  return Object.values(shares ?? {}).reduce((sum, share) => sum + share, 0);
}

/** The shares of the named deployments, those that have none included. */
export function sharesOf(traffic: Shares | undefined, names: readonly string[]): Shares {
  return Object.fromEntries(names.map((name) => [name, traffic?.[name] ?? 0]));
}

/**
 * Gives one deployment its share. The others divide the rest in the ratio that
 * they had, or equally where they had nothing, in whole percent.
 */
export function moveShare(shares: Shares, name: string, share: number): Shares {
  const others = Object.keys(shares).filter((other) => other !== name);
  if (others.length === 0) return { [name]: share };
  const rest = 100 - share;
  const before = others.reduce((sum, other) => sum + (shares[other] ?? 0), 0);
  const exact = others.map((other) => (before > 0 ? ((shares[other] ?? 0) * rest) / before : rest / others.length));
  const whole = exact.map(Math.floor);
  const largestRest = others.map((_, i) => i).toSorted((a, b) => (exact[b] ?? 0) - (whole[b] ?? 0) - (exact[a] ?? 0) + (whole[a] ?? 0) || a - b);
  for (const i of largestRest.slice(0, rest - whole.reduce((sum, one) => sum + one, 0))) whole[i] = (whole[i] ?? 0) + 1;
  return Object.fromEntries(Object.keys(shares).map((key) => [key, key === name ? share : (whole[others.indexOf(key)] ?? 0)]));
}

/** Which shares differ, with both values. */
export function changesOf(before: Shares, after: Shares): { name: string; from: number; to: number }[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .map((name) => ({ name, from: before[name] ?? 0, to: after[name] ?? 0 }))
    .filter(({ from, to }) => from !== to);
}
