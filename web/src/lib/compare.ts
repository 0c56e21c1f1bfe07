/** One row of a comparison: the same thing of each run, and whether it differs. */
export interface CompareRow<T> {
  key: string;
  values: (T | undefined)[];
  differs: boolean;
}

/** Rows for every key that any of the records has, in the order of their names. */
export function compareRecords<T>(records: readonly Record<string, T>[], same: (a: T | undefined, b: T | undefined) => boolean): CompareRow<T>[] {
  const keys = [...new Set(records.flatMap((record) => Object.keys(record)))].toSorted((a, b) => a.localeCompare(b));
  return keys.map((key) => {
    const values = records.map((record) => record[key]);
    return { key, values, differs: values.some((value) => !same(value, values[0])) };
  });
}
