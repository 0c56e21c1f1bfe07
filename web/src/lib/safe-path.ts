/** A path within Studio to go to after signing in; anything else becomes the home page. */
export function safePath(path: string | undefined): string {
  if (!path || !path.startsWith('/') || path.startsWith('//') || path.includes('\\')) return '/';
  return path.startsWith('/sign-in') ? '/' : path;
}
