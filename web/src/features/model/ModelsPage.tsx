import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { Page, Section } from '@/components/Page';
import { Await, EmptyState } from '@/components/States';
import { Table } from '@/components/Table';
import { Ago } from '@/components/Time';
import { useWorkspaceName } from '@/lib/workspace';
import { Aliases } from './Aliases';
import { modelsQuery } from './queries';

export default function ModelsPage() {
  const { t } = useTranslation();
  const workspace = useWorkspaceName();
  const models = useQuery(modelsQuery(workspace));
  return (
    <Page title={t('models.title')} command="atelier model list">
      <Section flush>
        <Await query={models}>
          {(page) => page.items.length === 0
            ? <EmptyState title={t('models.none')} command="atelier model create --name my-model --path azureml://jobs/JOB/outputs/model">{t('models.noneHint')}</EmptyState>
            : (
              <Table
                label={t('models.title')} rows={page.items} rowKey={(model) => model.name}
                columns={[
                  { key: 'name', head: t('common.name'), grow: true, cell: (model) => (
                    <div>
                      <Link to="/w/$workspace/models/$model" params={{ workspace, model: model.name }} search={{}}>{model.name}</Link>
                      {model.description && <div className="muted">{model.description}</div>}
                    </div>
                  ) },
                  { key: 'aliases', head: t('model.aliases'), cell: (model) => <Aliases names={Object.entries(model.aliases ?? {}).map(([alias, version]) => `${alias} → ${version}`)} /> },
                  { key: 'latest', head: t('model.latest'), numeric: true, cell: (model) => model.latest_version },
                  { key: 'updated', head: t('common.updated'), cell: (model) => <Ago at={model.updated_at} /> },
                ]}
              />
            )}
        </Await>
      </Section>
    </Page>
  );
}
