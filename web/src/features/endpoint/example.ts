// A first request for a model, from what its MLmodel file says about its inputs.

interface Column {
  name?: string;
  type?: string;
  'tensor-spec'?: { shape?: number[] };
}

/** The inputs of the signature in an MLmodel file: JSON in quotes, perhaps folded over lines. */
export function signatureInputs(mlmodel: string): Column[] {
  const quoted = /^signature:\s*\n(?:\s+.*\n)*?\s+inputs:\s*'((?:[^']|'')*)'/m.exec(mlmodel)?.[1];
  if (quoted === undefined) return [];
  try {
    const inputs: unknown = JSON.parse(quoted.replaceAll("''", "'").replaceAll(/\s*\n\s*/g, ' '));
    return Array.isArray(inputs) ? (inputs as Column[]) : [];
  } catch {
    return []; // a signature of a kind that we do not know
  }
}

/** A request body with one row of the right shape, to be filled in; nothing when the inputs say too little. */
export function exampleRequest(inputs: readonly Column[]): string | undefined {
  const names = inputs.flatMap((column) => column.name ?? []);
  if (names.length > 0 && names.length === inputs.length) {
    const row = inputs.map((column) => (column.type === 'string' ? '' : column.type === 'boolean' ? false : 0));
    return `{\n  "input_data": {\n    "columns": ${JSON.stringify(names)},\n    "data": [${JSON.stringify(row)}]\n  }\n}`;
  }
  const shape = inputs[0]?.['tensor-spec']?.shape;
  if (shape?.length !== 2 || (shape[1] ?? 0) < 1) return undefined;
  return `{\n  "input_data": [${JSON.stringify(new Array<number>(shape[1] ?? 0).fill(0))}]\n}`;
}
