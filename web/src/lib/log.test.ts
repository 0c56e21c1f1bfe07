import { describe, expect, it } from 'vitest';
import { findLines, LogBuffer, splitLines, withoutEscapes } from './log';

const bytes = (text: string) => new TextEncoder().encode(text);

it('keeps what a terminal would show of a progress bar', () => {
  expect(splitLines('10%\r50%\r100%\ndone\r\n')).toEqual(['100%', 'done']);
});

it('finds words across colours, without regard to case', () => {
  const lines = ['\u001b[31mERROR\u001b[0m: it broke', 'fine', 'no error'];
  expect(withoutEscapes(lines[0] ?? '')).toBe('ERROR: it broke');
  expect(findLines(lines, 'error: it')).toEqual([0]);
  expect(findLines(lines, 'ERROR')).toEqual([0, 2]);
  expect(findLines(lines, '')).toEqual([]);
});

describe('LogBuffer', () => {
  it('takes overlapping pieces once and refuses a gap', () => {
    const log = new LogBuffer(0);
    expect(log.append(0, bytes('abc'))).toBe(true);
    expect(log.append(1, bytes('bcde'))).toBe(true);
    expect(log.append(9, bytes('x'))).toBe(false);
    expect(log.text()).toBe('abcde');
    expect(log.end).toBe(5);
  });
  it('grows at its head', () => {
    const log = new LogBuffer(3);
    log.append(3, bytes('def'));
    expect(log.prepend(0, bytes('abc'))).toBe(true);
    expect(log.text()).toBe('abcdef');
    expect(log.start).toBe(0);
  });
  it('joins characters that were cut in two', () => {
    const log = new LogBuffer(0);
    const whole = bytes('정확도');
    log.append(0, whole.subarray(0, 4));
    log.append(4, whole.subarray(4));
    expect(log.text()).toBe('정확도');
  });
});
