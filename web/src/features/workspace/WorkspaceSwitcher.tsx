import { Menu } from '@mantine/core';
import { IconCheck, IconSelector } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { meQuery } from '@/features/access/queries';
import classes from './WorkspaceSwitcher.module.css';

/** The workspace one is in, and the others. */
export function WorkspaceSwitcher({ current }: { current: string }) {
  const { t } = useTranslation();
  const { data: me } = useQuery(meQuery);
  const navigate = useNavigate();
  const here = me?.workspaces.find((one) => one.name === current);
  return (
    <Menu position="bottom-start" width={232} shadow="md">
      <Menu.Target>
        <button type="button" className={classes.target} aria-label={t('workspaces.switch', { name: here?.display_name || current })}>
          <span className={classes.label}>{t('workspaces.one')}</span>
          <span className={`ellipsis ${classes.name}`}>{here?.display_name || current}</span>
          <IconSelector size={15} className={classes.icon} aria-hidden="true" />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {me?.workspaces.map((one) => (
          <Menu.Item
            key={one.name} onClick={() => void navigate({ to: '/w/$workspace', params: { workspace: one.name } })}
            rightSection={one.name === current ? <IconCheck size={15} aria-hidden="true" /> : undefined}
          >
            {one.display_name || one.name}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item onClick={() => void navigate({ to: '/settings/workspaces' })}>{t('workspaces.all')}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
