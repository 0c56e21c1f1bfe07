// What a deployment's OpenAPI document says of a request, as a form.

export interface Schema {
  type?: string;
  format?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  enum?: unknown[];
  example?: unknown;
  default?: unknown;
  $ref?: string;
}

/** Where a value lies in a request. */
export type Path = readonly (string | number)[];

export type Field =
  | { kind: 'text' | 'number' | 'integer' | 'boolean'; name: string; hint?: string | undefined }
  | { kind: 'choice'; name: string; choices: string[]; hint?: string | undefined }
  | { kind: 'group'; name: string; fields: Field[] }
  | { kind: 'rows'; name: string; columns: Field[]; empty: unknown }
  | { kind: 'json'; name: string; hint?: string | undefined };

export interface RequestForm {
  fields: Field[];
  example: unknown;
}

const deepest = 8;

/** Reads the form out of a document of OpenAPI 2 or 3; nothing where it says nothing of a request. */
export function readDocument(text: string): RequestForm | null {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return null; // not every script answers with JSON there
  }
  const given = find(document, ['definitions', 'ServiceInput']) ?? find(document, ['components', 'schemas', 'ServiceInput']) ?? scoringBody(document);
  const schema = resolve(document, given as Schema | undefined, 0);
  if (!schema || !schema.properties || Object.keys(schema.properties).length === 0) return null;
  return { fields: Object.entries(schema.properties).map(([name, one]) => fieldOf(name, one)), example: exampleOf(schema) };
}

/** The body of the only operation that takes one at /score, in a document of somebody's own. */
function scoringBody(document: unknown): unknown {
  const paths = find(document, ['paths']);
  const [, item] = Object.entries((paths ?? {}) as Record<string, unknown>).find(([path]) => path.endsWith('/score')) ?? [];
  return find(item, ['post', 'requestBody', 'content', 'application/json', 'schema']) ?? find(item, ['post', 'parameters', 0, 'schema']);
}

function find(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, key) => (at !== null && typeof at === 'object' ? (at as Record<string | number, unknown>)[key] : undefined), value);
}

/** The schema with every reference replaced by what it refers to. */
function resolve(document: unknown, schema: Schema | undefined, depth: number): Schema | undefined {
  if (!schema || typeof schema !== 'object' || depth > deepest) return undefined;
  if (typeof schema.$ref === 'string') return resolve(document, find(document, schema.$ref.replace(/^#\//, '').split('/')) as Schema | undefined, depth + 1);
  const properties = schema.properties && Object.fromEntries(Object.entries(schema.properties).map(([name, one]) => [name, resolve(document, one, depth + 1) ?? {}]));
  const items = resolve(document, schema.items, depth + 1);
  return { ...schema, ...(properties ? { properties } : {}), ...(items ? { items } : {}) };
}

function fieldOf(name: string, schema: Schema): Field {
  const hint = schema.description;
  if (schema.enum && schema.enum.every((one) => typeof one === 'string')) return { kind: 'choice', name, choices: schema.enum, hint };
  switch (schema.type) {
    case 'string': return { kind: 'text', name, hint };
    case 'number': return { kind: 'number', name, hint };
    case 'integer': return { kind: 'integer', name, hint };
    case 'boolean': return { kind: 'boolean', name, hint };
    case 'object':
      if (!schema.properties || Object.keys(schema.properties).length === 0) return { kind: 'json', name, hint };
      return { kind: 'group', name, fields: Object.entries(schema.properties).map(([inner, one]) => fieldOf(inner, one)) };
    case 'array': {
      const columns = Object.entries(schema.items?.properties ?? {}).map(([inner, one]) => fieldOf(inner, one));
      if (columns.length === 0 || columns.some((one) => !isPlain(one))) return { kind: 'json', name, hint };
      return { kind: 'rows', name, columns, empty: exampleOf(schema.items ?? {}) };
    }
    default: return { kind: 'json', name, hint };
  }
}

function isPlain(field: Field): boolean {
  return field.kind === 'text' || field.kind === 'number' || field.kind === 'integer' || field.kind === 'boolean' || field.kind === 'choice';
}

/** The document's own example, or the least that fits. */
export function exampleOf(schema: Schema): unknown {
  if (schema.example !== undefined) return schema.example;
  if (schema.default !== undefined) return schema.default;
  if (schema.enum && schema.enum.length > 0) return schema.enum[0];
  switch (schema.type) {
    case 'string': return '';
    case 'number':
    case 'integer': return 0;
    case 'boolean': return false;
    case 'array': return schema.items ? [exampleOf(schema.items)] : [];
    case 'object': return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, one]) => [name, exampleOf(one)]));
    default: return null;
  }
}

export function valueAt(value: unknown, path: Path): unknown {
  return find(value, path);
}

/** The value with another one at the path; what leads there is made where it is missing. */
export function withValue(value: unknown, path: Path, next: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return next;
  if (typeof key === 'number') {
    const list = Array.isArray(value) ? [...(value as unknown[])] : [];
    list[key] = withValue(list[key], rest, next);
    return list;
  }
  const record = value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
  return { ...record, [key]: withValue(record[key], rest, next) };
}
