import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { splitField } from './columns';

/** How a column of the table of runs looks. */
export interface Look {
  id: string;
  width: number;
  title: string;
  group?: string;
  numeric?: boolean;
  /** How the server calls it when sorting; none when it cannot. */
  sort?: string;
  firstDescending?: boolean;
  /** Whether it stays when the table is scrolled sideways. */
  pinned?: boolean;
}

/** The columns that every run has, besides its name, and that can be left out. */
export const commonColumns = ['status', 'experiment', 'started', 'duration', 'user'] as const;
export type CommonColumn = (typeof commonColumns)[number];

/** The columns in their order: the name, what is pinned, and the rest. */
export function useLooks(fields: readonly string[], hidden: readonly string[], pinned: readonly string[]): Look[] {
  const { t } = useTranslation();
  return useMemo(() => {
    const common: Record<CommonColumn, Look> = {
      status: { id: 'status', width: 116, title: t('common.status'), sort: 'attributes.status' },
      experiment: { id: 'experiment', width: 124, title: t('common.experiment') },
      started: { id: 'started', width: 116, title: t('runs.started'), sort: 'attributes.start_time', firstDescending: true },
      duration: { id: 'duration', width: 84, title: t('common.duration'), numeric: true },
      user: { id: 'user', width: 100, title: t('common.user'), sort: 'attributes.user' },
    };
    const logged = fields.map((field): Look => {
      const { group, key } = splitField(field);
      const numeric = group === 'metrics';
      return { id: field, width: numeric ? 100 : 108, title: key, group: t(`runs.${group}`), sort: field, numeric };
    });
    const { user, ...before } = common;
    const all = [...Object.values(before), ...logged, user].filter((look) => !hidden.includes(look.id));
    const staying = pinned.flatMap((id) => all.find((look) => look.id === id) ?? []).map((look) => ({ ...look, pinned: true }));
    const name: Look = { id: 'name', width: 230, title: t('runs.name'), sort: 'attributes.run_name', pinned: true };
    return [name, ...staying, ...all.filter((look) => !pinned.includes(look.id))];
  }, [fields, hidden, pinned, t]);
}
