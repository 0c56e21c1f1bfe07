import type { MetricValue } from '@/api/nouns';

// Pure functions from values to text in the reader's language.

const formats = new Map<string, Intl.NumberFormat>();

function numberFormat(language: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = language + JSON.stringify(options);
  let format = formats.get(key);
  if (!format) {
    format = new Intl.NumberFormat(language, options);
    formats.set(key, format);
  }
  return format;
}

/** A metric's value as a number; what JSON cannot say comes as a word. */
export function toNumber(value: MetricValue): number {
  if (value === null || value === undefined) return NaN;
  return Number(value);
}

/**
 * Five significant digits, and powers of ten where digits would mislead. In a
 * column ("aligned") zeros are kept at the end, so that the points line up.
 */
export function formatMetric(value: MetricValue, language: string, aligned = false): string {
  const n = toNumber(value);
  if (Number.isNaN(n)) return 'NaN';
  if (!Number.isFinite(n)) return n > 0 ? '∞' : '−∞';
  const size = Math.abs(n);
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) {
    return n.toExponential(3).replace('e+', 'e').replace('-', '−');
  }
  if (Number.isInteger(n)) return numberFormat(language, {}).format(n);
  return numberFormat(language, { maximumSignificantDigits: 5, ...(aligned ? { minimumSignificantDigits: 5 } : {}) }).format(n);
}

export function formatCount(value: number, language: string): string {
  return numberFormat(language, {}).format(value);
}

export function formatPercent(fraction: number, language: string): string {
  return numberFormat(language, { style: 'percent', maximumFractionDigits: 0 }).format(fraction);
}

const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];

export function formatBytes(bytes: number, language: string): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return numberFormat(language, {
    style: 'unit',
    unit: units[unit],
    unitDisplay: unit === 0 ? 'long' : 'short',
    maximumFractionDigits: digits,
  }).format(value);
}

type DurationUnit = 'day' | 'hour' | 'minute' | 'second' | 'millisecond';

function part(value: number, unit: DurationUnit, language: string): string {
  return numberFormat(language, { style: 'unit', unit, unitDisplay: 'narrow', maximumFractionDigits: unit === 'second' ? 1 : 0 }).format(value);
}

/** At most two units: "2h 5m", "41.3s", "120ms". */
export function formatDuration(milliseconds: number, language: string): string {
  if (!Number.isFinite(milliseconds) || milliseconds < 0) return '–';
  if (milliseconds < 1000) return part(Math.round(milliseconds), 'millisecond', language);
  const seconds = milliseconds / 1000;
  if (seconds < 60) return part(seconds < 10 ? Math.round(seconds * 10) / 10 : Math.round(seconds), 'second', language);
  const whole = Math.round(seconds);
  const steps: [number, DurationUnit, number, DurationUnit][] = [
    [86400, 'day', 3600, 'hour'],
    [3600, 'hour', 60, 'minute'],
    [60, 'minute', 1, 'second'],
  ];
  for (const [big, bigUnit, small, smallUnit] of steps) {
    if (whole < big) continue;
    const rest = Math.floor((whole % big) / small);
    const head = part(Math.floor(whole / big), bigUnit, language);
    return rest === 0 ? head : `${head} ${part(rest, smallUnit, language)}`;
  }
  return part(whole, 'second', language);
}

/** Milliseconds as a person reads them beside others: "0.8ms", "12ms", "1.4s". */
export function formatLatency(milliseconds: number, language: string): string {
  if (!Number.isFinite(milliseconds)) return '–';
  if (milliseconds >= 10 || milliseconds === 0) return formatDuration(milliseconds, language);
  return numberFormat(language, { style: 'unit', unit: 'millisecond', unitDisplay: 'narrow', maximumFractionDigits: 1 }).format(milliseconds);
}

const agoSteps: [number, Intl.RelativeTimeFormatUnit][] = [
  [60, 'second'],
  [3600, 'minute'],
  [86400, 'hour'],
  [86400 * 14, 'day'],
];

/** "5 minutes ago" within two weeks, the date after that. */
export function formatAgo(then: Date, now: Date, language: string): string {
  const seconds = (then.getTime() - now.getTime()) / 1000;
  const size = Math.abs(seconds);
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'long' });
  if (size < 10) return relative.format(0, 'second');
  let divisor = 1;
  for (const [limit, unit] of agoSteps) {
    if (size < limit) return relative.format(Math.round(seconds / divisor), unit);
    divisor = limit;
    if (unit === 'hour') divisor = 86400;
  }
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium' }).format(then);
}

export function formatTime(time: Date, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' }).format(time);
}

/** The time of day, to the minute, or "exactly" to the second. */
export function formatClock(time: Date, language: string, exact = false): string {
  return new Intl.DateTimeFormat(language, { timeStyle: exact ? 'medium' : 'short', hourCycle: 'h23' }).format(time);
}

/**
 * Eight characters of an id or a hash: enough to recognise it by. An id of a run
 * begins with when it was made, so its end is what tells it from its neighbours.
 * Names stay whole.
 */
export function shortID(id: string): string {
  if (/^[0-9a-f]{32}$/.test(id)) return id.slice(-8);
  return /^[0-9a-f-]{16,}$/.test(id) ? id.slice(0, 8) : id;
}
