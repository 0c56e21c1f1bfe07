import { QueryClient } from '@tanstack/react-query';
import { isPassing } from '@/api/error';

// News from the server says what is stale (live.ts), so nothing is asked for
// again only because time went by or the window came to the front.
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      refetchOnWindowFocus: false,
      networkMode: 'always',
      retry: (count, error) => isPassing(error) && count < 3,
      retryDelay: (count) => Math.min(500 * 2 ** count, 5000),
    },
    mutations: { networkMode: 'always' },
  },
});
