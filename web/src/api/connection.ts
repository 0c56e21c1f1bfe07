import { useSyncExternalStore } from 'react';

// Whether the server answers, and whether it still knows us. Every request and
// the event stream report here; the banner and the router listen.

type Listener = () => void;

let reachable = true;
const listeners = new Set<Listener>();
const signedOutListeners = new Set<Listener>();

function subscribe(listener: Listener) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export function reportReachable(now: boolean) {
  if (now === reachable) return;
  reachable = now;
  listeners.forEach((listener) => listener());
}

export function useReachable(): boolean {
  return useSyncExternalStore(subscribe, () => reachable);
}

export function reportSignedOut() {
  signedOutListeners.forEach((listener) => listener());
}

export function onSignedOut(listener: Listener) {
  signedOutListeners.add(listener);
  return () => void signedOutListeners.delete(listener);
}
