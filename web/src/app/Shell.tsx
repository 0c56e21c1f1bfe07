import { Burger } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { IconArrowsLeftRight, IconBox, IconCpu, IconDatabase, IconHome, IconKey, IconPackage, IconServer, IconSettings, IconTimeline } from '@tabler/icons-react';
import { Link, Outlet, useLocation } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useReachable } from '@/api/connection';
import { Mark } from '@/components/Mark';
import { meQuery } from '@/features/access/queries';
import { lastWorkspace, rememberWorkspace } from '@/features/workspace/queries';
import { WorkspaceSwitcher } from '@/features/workspace/WorkspaceSwitcher';
import { allows } from '@/lib/permission';
import { useWorkspaceName } from '@/lib/workspace';
import { useLive } from './live';
import classes from './Shell.module.css';

/** The frame around every page: where one can go, in which workspace, as whom. */
export function Shell() {
  const { t } = useTranslation();
  const named = useWorkspaceName();
  const workspace = named || lastWorkspace() || 'default';
  const [open, setOpen] = useState(false);
  const { pathname } = useLocation();
  useLive(named);
  useEffect(() => {
    if (named) rememberWorkspace(named);
  }, [named]);
  const [shownAt, setShownAt] = useState(pathname);
  if (shownAt !== pathname) {
    setShownAt(pathname);
    setOpen(false);
  }
  return (
    <div className={classes.shell}>
      <a href="#content" className={classes.skip}>{t('nav.skip')}</a>
      <header className={classes.side} data-open={open || undefined}>
        <div className={classes.top}>
          <Link to="/w/$workspace" params={{ workspace }} className={classes.brand}><Mark size={22} /><span>Atelier</span></Link>
          <Burger opened={open} onClick={() => setOpen(!open)} size="sm" className={classes.burger} aria-label={t('nav.menu')} aria-expanded={open} />
        </div>
        <div className={classes.folded}>
          <WorkspaceSwitcher current={workspace} />
          <Navigation workspace={workspace} />
        </div>
      </header>
      <div className={classes.main}>
        <ConnectionBanner />
        <main id="content" tabIndex={-1} className={classes.content}><Outlet /></main>
      </div>
    </div>
  );
}

function Navigation({ workspace }: { workspace: string }) {
  const { t } = useTranslation();
  const { data: me } = useQuery(meQuery);
  const here = me?.workspaces.find((one) => one.name === workspace);
  const sees = (permission: string) => here === undefined || allows(here, permission);
  const icon = { size: 17, stroke: 1.6, 'aria-hidden': true } as const;
  const link = { className: classes.link, activeProps: { className: classes.active, 'aria-current': 'page' as const } };
  return (
    <nav className={classes.nav} aria-label={t('nav.label')}>
      <Link to="/w/$workspace" params={{ workspace }} activeOptions={{ exact: true }} {...link}><IconHome {...icon} />{t('nav.home')}</Link>
      {sees('experiments/runs/read') && <Link to="/w/$workspace/runs" params={{ workspace }} search={{}} activeOptions={{ includeSearch: false }} {...link}><IconTimeline {...icon} />{t('nav.runs')}</Link>}
      {sees('data/read') && <Link to="/w/$workspace/data" params={{ workspace }} search={{}} activeOptions={{ includeSearch: false }} {...link}><IconDatabase {...icon} />{t('nav.data')}</Link>}
      {sees('models/read') && <Link to="/w/$workspace/models" params={{ workspace }} {...link}><IconBox {...icon} />{t('nav.models')}</Link>}
      {sees('endpoints/online/read') && <Link to="/w/$workspace/endpoints" params={{ workspace }} {...link}><IconArrowsLeftRight {...icon} />{t('nav.endpoints')}</Link>}
      <span className={classes.gap} />
      {sees('environments/read') && <Link to="/w/$workspace/environments" params={{ workspace }} {...link}><IconPackage {...icon} />{t('nav.environments')}</Link>}
      {sees('computes/read') && <Link to="/w/$workspace/compute" params={{ workspace }} {...link}><IconCpu {...icon} />{t('nav.compute')}</Link>}
      {sees('datastores/read') && <Link to="/w/$workspace/datastores" params={{ workspace }} {...link}><IconServer {...icon} />{t('nav.datastores')}</Link>}
      {sees('secrets/list') && <Link to="/w/$workspace/secrets" params={{ workspace }} {...link}><IconKey {...icon} />{t('nav.secrets')}</Link>}
      <span className={classes.spacer} />
      <Link to="/settings" activeOptions={{ exact: true }} {...link}><IconSettings {...icon} />{t('nav.settings')}<span className={`ellipsis ${classes.user}`}>{me?.user.name}</span></Link>
    </nav>
  );
}

function ConnectionBanner() {
  const { t } = useTranslation();
  const reachable = useReachable();
  return (
    <div role="status" className={classes.bannerPlace}>
      {!reachable && <div className={classes.banner}><span className={classes.bannerDot} aria-hidden="true" />{t('error.banner')}</div>}
    </div>
  );
}
