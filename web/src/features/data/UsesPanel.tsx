import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { DataVersion } from '@/api/nouns';
import { Section } from '@/components/Page';
import { Await, EmptyState } from '@/components/States';
import { Table } from '@/components/Table';
import { Ago } from '@/components/Time';
import { shortID } from '@/lib/format';
import { usesQuery } from './queries';

/** Which runs read or made a version. */
export function UsesPanel({ workspace, version }: { workspace: string; version: DataVersion }) {
  const { t } = useTranslation();
  const uses = useQuery(usesQuery(workspace, version.name, version.version));
  return (
    <Section title={t('data.usedBy')} flush>
      <Await query={uses} rows={3}>
        {({ items }) => (items.length === 0
          ? <EmptyState title={t('data.unused')} snippet={`# job.yml\ninputs:\n  table: {type: ${version.type}, path: azureml:${version.name}:${version.version}}`} />
          : (
            <Table
              label={t('data.usedBy')} rows={items} rowKey={(one) => `${one.run_id} ${one.direction} ${one.name}`}
              columns={[
                { key: 'run', head: t('runs.name'), grow: true, cell: (one) => <Link to="/w/$workspace/runs/$run" params={{ workspace, run: one.run_id }} search={{}}>{shortID(one.run_id)}</Link> },
                { key: 'as', head: t('data.usedAs'), cell: (one) => <span className="nowrap">{t(`data.direction.${one.direction}`)} <bdi className="mono">{one.name}</bdi></span> },
                { key: 'at', head: t('data.usedAt'), cell: (one) => <Ago at={one.used_at} /> },
              ]}
            />
          ))}
      </Await>
    </Section>
  );
}
