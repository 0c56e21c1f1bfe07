/** Whether one of the patterns ("jobs/*", "*\/read", "*") covers the permission. "!" takes away. */
export function allows(patterns: readonly string[], permission: string): boolean {
  const granted = patterns.some((pattern) => !pattern.startsWith('!') && covers(pattern, permission));
  const refused = patterns.some((pattern) => pattern.startsWith('!') && covers(pattern.slice(1), permission));
  return granted && !refused;
}

function covers(pattern: string, permission: string): boolean {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${escaped}$`, 'i').test(permission);
}
