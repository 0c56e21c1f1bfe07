/** How many colours there are for series before they come again. */
export const seriesColours = 8;

export function seriesColour(index: number): string {
  return `var(--series-${(index % seriesColours) + 1})`;
}
