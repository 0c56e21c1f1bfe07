import { orderBy, type Order } from '@/lib/filter';
import { shellWord } from '@/lib/shell';

export function listCommand(experiment: string | undefined, filter: string, order: Order | null): string {
  return [
    'atelier run list',
    experiment ? `--experiment ${shellWord(experiment)}` : '',
    filter ? `--filter ${shellWord(filter)}` : '',
    order ? `--order-by ${shellWord(orderBy(order))}` : '',
  ].filter(Boolean).join(' ');
}
