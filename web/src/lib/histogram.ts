interface Bin {
  from: number;
  to: number;
  count: number;
}

interface Bar {
  x: number;
  y: number;
  width: number;
  height: number;
}

/**
 * Histograms as bars over one common axis. Bins need not be equally wide, so a
 * bar's height is its share of the values for its width; the highest fills the
 * height.
 */
export function place(histograms: readonly (readonly Bin[])[], width: number, height: number): Bar[][] {
  const all = histograms.flat().filter((bin) => bin.count > 0);
  if (all.length === 0) return histograms.map(() => []);
  const low = Math.min(...all.map((bin) => bin.from));
  const span = Math.max(...all.map((bin) => bin.to)) - low;
  const scaled = histograms.map((bins) => {
    const total = bins.reduce((sum, bin) => sum + bin.count, 0);
    return bins.filter((bin) => bin.count > 0).map((bin) => {
      const share = span > 0 ? (bin.to - bin.from) / span : 1;
      return { x: span > 0 ? ((bin.from - low) / span) * width : 0, width: Math.max(share * width, 1), density: bin.count / total / Math.max(share, 1e-9) };
    });
  });
  const top = Math.max(...scaled.flat().map((bar) => bar.density));
  return scaled.map((bars) => bars.map(({ x, width: wide, density }) => {
    const tall = Math.max((density / top) * height, 1);
    return { x, y: height - tall, width: Math.max(wide - 0.5, 0.5), height: tall };
  }));
}
