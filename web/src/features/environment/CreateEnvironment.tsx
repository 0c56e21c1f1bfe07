import { SegmentedControl, Switch, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import type { Environment } from '@/api/nouns';
import { FormDialog } from '@/components/FormDialog';
import classes from './CreateEnvironment.module.css';

interface CreateEnvironmentProps {
  workspace: string;
  /** The version that a new one begins as; none for a new environment. */
  from?: Environment | undefined;
  onClose: () => void;
}

type Form = 'conda' | 'pip';

const beginnings = {
  conda: 'dependencies:\n  - python=3.11\n  - pip\n  - pip:\n      - scikit-learn==1.5.2\n',
  pip: 'scikit-learn==1.5.2\n',
};

/** Registers a version of an environment from the text of a conda file or a list of packages, and builds it at once. */
export function CreateEnvironment({ workspace, from, onClose }: CreateEnvironmentProps) {
  const { t } = useTranslation();
  const [name, setName] = useState(from?.name ?? '');
  const [description, setDescription] = useState(from?.description ?? '');
  const [form, setForm] = useState<Form>(from && !from.conda_file ? 'pip' : 'conda');
  const [texts, setTexts] = useState({ conda: from?.conda_file || beginnings.conda, pip: from && !from.conda_file ? from.requirements.join('\n') : beginnings.pip });
  const [python, setPython] = useState(from && !from.conda_file ? from.python_version : '');
  const [build, setBuild] = useState(true);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const create = useMutation({
    mutationFn: async () => {
      const content = form === 'conda' ? { conda_file: texts.conda } : { pip_requirements: texts.pip, ...(python ? { python_version: python } : {}) };
      const made = await ask(api.POST('/api/v1/workspaces/{workspace}/environments', {
        params: { path: { workspace } }, body: { name, ...(description ? { description } : {}), ...content },
      }));
      if (build) await ask(api.POST('/api/v1/workspaces/{workspace}/environments/{environment}/versions/{version}/build', { params: { path: { workspace, environment: made.name, version: made.version } } }));
      return made;
    },
    onSuccess: async (made) => {
      await queries.invalidateQueries({ queryKey: [workspace, 'environments'] });
      onClose();
      void navigate({ to: '/w/$workspace/environments/$environment', params: { workspace, environment: made.name }, search: { version: made.version, ...(build ? { tab: 'build' as const } : {}) } });
    },
  });
  const title = from ? t('data.newVersionOf', { name: from.name }) : t('environments.create');
  return (
    <FormDialog title={title} submit={t('upload.submit')} sending={create} onClose={onClose}>
      {!from && <TextInput data-autofocus required label={t('common.name')} description={t('data.nameRule')} value={name} onChange={(event) => setName(event.currentTarget.value)} />}
      <SegmentedControl
        size="xs" className={classes.form} aria-label={t('environments.definition')} value={form} onChange={(next) => setForm(next as Form)}
        data={[{ value: 'conda', label: t('environments.conda') }, { value: 'pip', label: t('environments.pip') }]}
      />
      <Textarea
        required autosize minRows={6} maxRows={18} spellCheck={false} className={classes.text} label={form === 'conda' ? t('environments.conda') : t('environments.pip')}
        description={t('environments.fileHint')} value={texts[form]} onChange={(event) => setTexts({ ...texts, [form]: event.currentTarget.value })}
      />
      {form === 'pip' && <TextInput label={t('environments.python')} description={t('environments.pythonHint')} value={python} onChange={(event) => setPython(event.currentTarget.value)} />}
      <TextInput label={t('common.description')} value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
      <Switch label={t('environments.buildAtOnce')} checked={build} onChange={(event) => setBuild(event.currentTarget.checked)} />
    </FormDialog>
  );
}
