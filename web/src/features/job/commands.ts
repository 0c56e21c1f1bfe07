import { orderBy, type Order } from '@/lib/filter';

/** A word as a POSIX shell needs it. */
export function shellWord(text: string): string {
  return /^[\w./:@=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

export function listCommand(experiment: string | undefined, filter: string, order: Order | null): string {
  return [
    'atelier run list',
    experiment ? `--experiment ${shellWord(experiment)}` : '',
    filter ? `--filter ${shellWord(filter)}` : '',
    order ? `--order-by ${shellWord(orderBy(order))}` : '',
  ].filter(Boolean).join(' ');
}
