import { setNonce } from 'get-nonce';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from '@/app/App';
import { startI18n } from '@/lib/i18n';
import { nonce } from '@/lib/nonce';
import '@/app/mantine.css';
import '@/app/tokens.css';

if (nonce) setNonce(nonce);

const root = document.getElementById('root');
if (!root) throw new Error('The page has no #root.');
await startI18n();
createRoot(root).render(<StrictMode><App /></StrictMode>);
