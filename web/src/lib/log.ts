// Log text into lines that can be drawn.

const escapes = /\u001b\[[0-9;?]*[ -/]*[@-~]|\u001b\][^\u0007]*(?:\u0007|\u001b\\)/g; // eslint-disable-line no-control-regex
const colours = /\u001b\[[0-9;]*m/; // eslint-disable-line no-control-regex

/** A line as a terminal would leave it: a carriage return starts it again. */
export function settle(line: string): string {
  const trimmed = line.endsWith('\r') ? line.slice(0, -1) : line;
  const last = trimmed.lastIndexOf('\r');
  return last < 0 ? trimmed : trimmed.slice(last + 1);
}

export function splitLines(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map(settle);
}

export function hasColour(line: string): boolean {
  return colours.test(line);
}

export function withoutEscapes(line: string): string {
  return line.replace(escapes, '');
}

/** The numbers of the lines that contain the words, without regard to case. */
export function findLines(lines: readonly string[], words: string): number[] {
  const wanted = words.toLowerCase();
  if (wanted === '') return [];
  return lines.flatMap((line, i) => (withoutEscapes(line).toLowerCase().includes(wanted) ? [i] : []));
}

/**
 * Bytes of a log that arrive in pieces, put together in order. Pieces may
 * overlap or come twice; a piece beyond the end is refused, so that no gap is
 * ever shown as if it were the log.
 */
export class LogBuffer {
  private pieces: Uint8Array[] = [];
  private from: number;
  end: number;

  constructor(start: number) {
    this.from = start;
    this.end = start;
  }

  get start(): number {
    return this.from;
  }

  append(offset: number, bytes: Uint8Array): boolean {
    if (offset > this.end) return false;
    const fresh = bytes.subarray(this.end - offset);
    if (fresh.length > 0) {
      this.pieces.push(fresh);
      this.end += fresh.length;
    }
    return true;
  }

  prepend(offset: number, bytes: Uint8Array): boolean {
    if (offset + bytes.length < this.from) return false;
    this.pieces.unshift(bytes.subarray(0, this.from - offset));
    this.from = offset;
    return true;
  }

  text(): string {
    const whole = new Uint8Array(this.end - this.from);
    let at = 0;
    for (const piece of this.pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    this.pieces = [whole];
    return new TextDecoder().decode(whole);
  }
}
