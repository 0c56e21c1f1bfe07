import '@/app/mantine.css'; // before the pages' own styles, which refine it
import '@/app/tokens.css';
import { setNonce } from 'get-nonce';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from '@/app/App';
import { startI18n } from '@/lib/i18n';
import { nonce } from '@/lib/nonce';

if (nonce) setNonce(nonce);

const root = document.getElementById('root');
if (!root) throw new Error('The page has no #root.');
await startI18n();
createRoot(root).render(<StrictMode><App /></StrictMode>);
