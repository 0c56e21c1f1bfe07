// What a role grants: what matches one of the actions and none of the exceptions.
// Both are patterns: "jobs/*", "*/read", "*".
export interface Grant {
  actions: readonly string[];
  not_actions: readonly string[];
}

export function allows({ actions, not_actions }: Grant, permission: string): boolean {
  return actions.some((pattern) => covers(pattern, permission)) && !not_actions.some((pattern) => covers(pattern, permission));
}

function covers(pattern: string, permission: string): boolean {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${escaped}$`, 'i').test(permission);
}
