import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { useEffect } from 'react';
import { onSignedOut } from '@/api/connection';
import { nonce } from '@/lib/nonce';
import { queryClient } from './query-client';
import { goToSignIn, router } from './router';
import { resolver, theme } from './theme';

export function App() {
  useEffect(() => onSignedOut(() => goToSignIn(router)), []);
  return (
    <MantineProvider theme={theme} cssVariablesResolver={resolver} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  );
}
