import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet, redirect } from '@tanstack/react-router';
import { ApiError } from '@/api/error';
import { LoadingRows } from '@/components/States';
import { meQuery } from '@/features/access/queries';
import { parseCompareSearch, parseRunSearch, parseRunsSearch } from '@/features/job/search';
import { parseAssetSearch, parseAssetsSearch } from '@/features/data/search';
import { parseEndpointSearch } from '@/features/endpoint/search';
import { parseEnvironmentSearch } from '@/features/environment/search';
import { readMlflowLink } from '@/lib/mlflow-link';
import { lastWorkspace } from '@/features/workspace/queries';
import { NotFound, RouteError } from './Fallbacks';
import { queryClient } from './query-client';
import { Shell } from './Shell';

const root = createRootRoute({ component: Outlet, notFoundComponent: NotFound });

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: (raw: Record<string, unknown>): { code?: string | undefined; next?: string | undefined } => ({
    code: raw.code === undefined ? undefined : String(raw.code),
    next: typeof raw.next === 'string' ? raw.next : undefined,
  }),
  component: lazyRouteComponent(() => import('@/features/access/SignInPage')),
});

/** Everything inside needs somebody signed in. */
const app = createRoute({
  getParentRoute: () => root,
  id: 'app',
  component: Shell,
  beforeLoad: async ({ location }) => {
    try {
      await queryClient.ensureQueryData(meQuery);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) {
        throw redirect({ to: '/sign-in', search: { next: location.href }, replace: true });
      }
      throw error;
    }
  },
});

const start = createRoute({
  getParentRoute: () => app,
  path: '/',
  beforeLoad: async ({ location }) => {
    const link = readMlflowLink(location.hash);
    if (link && 'run' in link) {
      throw redirect({ to: '/w/$workspace/runs/$run', params: { workspace: 'default', run: link.run }, replace: true });
    }
    if (link) {
      throw redirect({ to: '/w/$workspace/runs', params: { workspace: 'default' }, search: { experiment: link.experiment }, replace: true });
    }
    const me = await queryClient.ensureQueryData(meQuery);
    const names = me.workspaces.map((one) => one.name);
    const last = lastWorkspace();
    const workspace = last && names.includes(last) ? last : names.includes('default') ? 'default' : names[0];
    if (workspace === undefined) throw redirect({ to: '/settings/workspaces', replace: true });
    throw redirect({ to: '/w/$workspace', params: { workspace }, replace: true });
  },
});

const settings = createRoute({
  getParentRoute: () => app, path: '/settings',
  component: lazyRouteComponent(() => import('@/features/access/SettingsPage')),
});
const workspaces = createRoute({
  getParentRoute: () => app, path: '/settings/workspaces',
  component: lazyRouteComponent(() => import('@/features/workspace/WorkspacesPage')),
});
const home = createRoute({
  getParentRoute: () => app, path: '/w/$workspace',
  component: lazyRouteComponent(() => import('./HomePage')),
});
const runs = createRoute({
  getParentRoute: () => app, path: '/w/$workspace/runs', validateSearch: parseRunsSearch,
  component: lazyRouteComponent(() => import('@/features/job/RunsPage')),
});
const run = createRoute({
  getParentRoute: () => app, path: '/w/$workspace/runs/$run', validateSearch: parseRunSearch,
  component: lazyRouteComponent(() => import('@/features/job/RunPage')),
});
const compare = createRoute({
  getParentRoute: () => app, path: '/w/$workspace/compare', validateSearch: parseCompareSearch,
  component: lazyRouteComponent(() => import('@/features/job/ComparePage')),
});
const models = createRoute({
  getParentRoute: () => app, path: '/w/$workspace/models',
  component: lazyRouteComponent(() => import('@/features/model/ModelsPage')),
});
const model = createRoute({
  getParentRoute: () => app, path: '/w/$workspace/models/$model',
  validateSearch: (raw: Record<string, unknown>): { version?: string | undefined; path?: string | undefined } => ({
    version: raw.version === undefined ? undefined : String(raw.version),
    path: typeof raw.path === 'string' ? raw.path : undefined,
  }),
  component: lazyRouteComponent(() => import('@/features/model/ModelPage')),
});
const endpoints = createRoute({
  getParentRoute: () => app, path: '/w/$workspace/endpoints',
  component: lazyRouteComponent(() => import('@/features/endpoint/EndpointsPage')),
});
const endpoint = createRoute({
  getParentRoute: () => app, path: '/w/$workspace/endpoints/$endpoint', validateSearch: parseEndpointSearch,
  component: lazyRouteComponent(() => import('@/features/endpoint/EndpointPage')),
});
const environments = createRoute({
  getParentRoute: () => app, path: '/w/$workspace/environments',
  component: lazyRouteComponent(() => import('@/features/environment/EnvironmentsPage')),
});
const environment = createRoute({
  getParentRoute: () => app, path: '/w/$workspace/environments/$environment', validateSearch: parseEnvironmentSearch,
  component: lazyRouteComponent(() => import('@/features/environment/EnvironmentPage')),
});
const data = createRoute({
  getParentRoute: () => app, path: '/w/$workspace/data', validateSearch: parseAssetsSearch,
  component: lazyRouteComponent(() => import('@/features/data/DataPage')),
});
const asset = createRoute({
  getParentRoute: () => app, path: '/w/$workspace/data/$asset', validateSearch: parseAssetSearch,
  component: lazyRouteComponent(() => import('@/features/data/DataAssetPage')),
});
const datastores = createRoute({
  getParentRoute: () => app, path: '/w/$workspace/datastores',
  component: lazyRouteComponent(() => import('@/features/datastore/DatastoresPage')),
});
const datastore = createRoute({
  getParentRoute: () => app, path: '/w/$workspace/datastores/$datastore',
  validateSearch: (raw: Record<string, unknown>): { path?: string | undefined } => ({ path: typeof raw.path === 'string' && raw.path !== '' ? raw.path : undefined }),
  component: lazyRouteComponent(() => import('@/features/datastore/DatastorePage')),
});
const compute = createRoute({
  getParentRoute: () => app, path: '/w/$workspace/compute',
  component: lazyRouteComponent(() => import('@/features/job/ComputePage')),
});

const secrets = createRoute({
  getParentRoute: () => app, path: '/w/$workspace/secrets',
  component: lazyRouteComponent(() => import('@/features/vault/SecretsPage')),
});

const tree = root.addChildren([
  signIn,
  app.addChildren([
    start, settings, workspaces, home, runs, run, compare, data, asset, datastores, datastore, models, model, endpoints, endpoint, environments, environment, compute, secrets,
  ]),
]);

export const router = createRouter({
  routeTree: tree,
  defaultPreload: 'intent',
  defaultPendingMs: 300,
  defaultPendingComponent: LoadingRows,
  defaultErrorComponent: RouteError,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

/** Leads to the sign-in page and, after it, back to here. */
export function goToSignIn(by: typeof router) {
  const { pathname, href } = by.state.location;
  if (pathname === '/sign-in') return;
  queryClient.removeQueries({ queryKey: meQuery.queryKey });
  void by.navigate({ to: '/sign-in', search: { next: href }, replace: true });
}
