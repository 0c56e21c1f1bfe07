/** How many requests are on their way at a time, which leaves the page some to read with. */
const together = 4;

/**
 * Does something for each thing, a few at a time, and for all of them even when
 * some fail; then fails with the first failure, if there was one.
 */
export async function inTurn<T>(things: readonly T[], act: (thing: T) => Promise<unknown>): Promise<void> {
  const waiting = [...things];
  const failures: unknown[] = [];
  const work = async () => {
    for (let thing = waiting.shift(); thing !== undefined; thing = waiting.shift()) {
      try {
        await act(thing);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: together }, work));
  if (failures.length > 0) throw failures[0];
}
