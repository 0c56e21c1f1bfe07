import { useEffect, useState } from 'react';

/** The present, moving on every so often while something on the page needs it. */
export function useNow(everyMilliseconds: number, active = true): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    if (!active) return;
    const timer = setInterval(() => setNow(new Date()), everyMilliseconds);
    return () => clearInterval(timer);
  }, [everyMilliseconds, active]);
  return now;
}
