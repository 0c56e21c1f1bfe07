export type Direction = 'lower' | 'higher';

const lower = /(^|[^a-z])(loss|error|err|rmse|mse|mae|mape|smape|rmsle|perplexity|ppl|wer|cer|log_?loss|nll|brier|hinge|latency|seconds|time|duration|fpr|fnr|regret|distance)([^a-z]|$)/i;
const higher = /(^|[^a-z])(acc|accuracy|auc|auroc|roc_auc|f1|f_?beta|precision|recall|score|r2|bleu|rouge|map|ndcg|iou|dice|sensitivity|specificity|mcc|kappa|reward|return|throughput|psnr|ssim|hit_?rate)([^a-z]|$)/i;

/** Whether smaller or larger is better, guessed from a metric's name; null when the name does not say. */
export function betterDirection(metric: string): Direction | null {
  const name = metric.replace(/([a-z])([A-Z])/g, '$1_$2').replaceAll('_', ' ').toLowerCase();
  const plain = metric.toLowerCase();
  if (lower.test(name) || lower.test(plain)) return 'lower';
  if (higher.test(name) || higher.test(plain)) return 'higher';
  return null;
}

/** The places of the best values; none when all are equal, so that a mark always means something. */
export function bestOf(values: readonly number[], direction: Direction | null): Set<number> {
  const finite = values.filter(Number.isFinite);
  if (direction === null || finite.length < 2) return new Set();
  const best = direction === 'lower' ? Math.min(...finite) : Math.max(...finite);
  if (finite.every((value) => value === best)) return new Set();
  return new Set(values.flatMap((value, i) => (value === best ? [i] : [])));
}
