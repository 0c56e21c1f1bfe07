// MLflow's filter language, as far as Studio writes it for the reader. The
// server parses and checks it.

const comparison = /(!=|>=|<=|=|<|>|\bi?like\b|\bin\b|\bis\b)/i;

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Text that compares nothing is taken as a part of a run's name. */
export function toFilter(text: string): string {
  const trimmed = text.trim();
  if (trimmed === '' || comparison.test(trimmed)) return trimmed;
  return `attributes.run_name ILIKE ${quote(`%${trimmed}%`)}`;
}

/** Joins conditions, leaving out the empty ones. */
export function allOf(...conditions: string[]): string {
  return conditions.filter((condition) => condition !== '').join(' AND ');
}

/** The statuses of runs that a choice in the status box stands for. */
export function statusFilter(status: string | undefined): string {
  return status ? `attributes.status = ${quote(status)}` : '';
}

const plainKey = /^[A-Za-z_][A-Za-z0-9_.]*$/;

/** A key as the filter language wants it: quoted when it is more than a word. */
export function fieldName(column: string): string {
  const dot = column.indexOf('.');
  const group = column.slice(0, dot);
  const key = column.slice(dot + 1);
  return plainKey.test(key) ? column : `${group}.\`${key}\``;
}

export interface Order {
  column: string;
  descending: boolean;
}

export function parseOrder(text: string | undefined): Order | null {
  const match = /^(.+?)\s+(ASC|DESC)$/i.exec(text ?? '');
  if (!match?.[1]) return null;
  return { column: match[1], descending: match[2]?.toUpperCase() === 'DESC' };
}

export function orderBy(order: Order): string {
  return `${fieldName(order.column)} ${order.descending ? 'DESC' : 'ASC'}`;
}

/** What a click on a column's head sorts by next: down, up, not at all. */
export function nextOrder(current: Order | null, column: string, firstDescending: boolean): Order | null {
  if (current?.column !== column) return { column, descending: firstDescending };
  if (current.descending === firstDescending) return { column, descending: !firstDescending };
  return null;
}

/** The word before the cursor, and the fields that could complete it. */
export function completions(text: string, fields: readonly string[], limit = 8): { start: number; fields: string[] } {
  const start = Math.max(text.lastIndexOf(' '), text.lastIndexOf('(')) + 1;
  const word = text.slice(start).toLowerCase();
  if (word === '') return { start, fields: [] };
  const found = fields.filter((field) => {
    const lower = field.toLowerCase();
    return lower !== word && (lower.startsWith(word) || lower.includes(`.${word}`));
  });
  return { start, fields: found.slice(0, limit) };
}
