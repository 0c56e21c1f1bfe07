import { Link, type LinkProps } from '@tanstack/react-router';
import { useEffect, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { CommandButton } from './CommandLine';
import classes from './Page.module.css';

interface Crumb {
  label: string;
  link: LinkProps;
}

interface PageProps {
  title: string;
  heading?: ReactNode;
  parents?: Crumb[];
  meta?: ReactNode;
  actions?: ReactNode;
  command?: string;
  wide?: boolean;
  children: ReactNode;
}

/** The frame that every page shares: where one is, what it is, what can be done. */
export function Page({ title, heading, parents, meta, actions, command, wide, children }: PageProps) {
  const { t } = useTranslation();
  useEffect(() => {
    document.title = `${title} · Atelier`;
  }, [title]);
  return (
    <div className={wide ? classes.wide : classes.page}>
      <header className={classes.header}>
        <div className={classes.titles}>
          {parents && parents.length > 0 && (
            <nav className={classes.crumbs} aria-label={t('nav.parents')}>
              {parents.map((crumb, i) => (
                <span key={crumb.label}>{i > 0 && <span aria-hidden="true"> / </span>}<Link {...crumb.link}>{crumb.label}</Link></span>
              ))}
            </nav>
          )}
          <h1 className={classes.title}>{heading ?? title}</h1>
          {meta && <div className={classes.meta}>{meta}</div>}
        </div>
        <div className={classes.actions}>
          {actions}
          {command && <CommandButton command={command} />}
        </div>
      </header>
      {children}
    </div>
  );
}

/** A titled part of a page on its own sheet. */
export function Section(props: { title?: string; aside?: ReactNode; children: ReactNode; flush?: boolean; id?: string }) {
  return (
    <section className={classes.section} aria-label={props.title} id={props.id}>
      {props.title && (
        <div className={classes.sectionHead}>
          <h2 className={classes.sectionTitle}>{props.title}</h2>
          {props.aside && <div className={classes.aside}>{props.aside}</div>}
        </div>
      )}
      <div className={props.flush ? undefined : classes.sectionBody}>{props.children}</div>
    </section>
  );
}

/** What narrows the list below it. */
export function Bar({ children }: { children: ReactNode }) {
  return <div className={classes.bar}>{children}</div>;
}

/** Names and values in two aligned columns; what has no value is left out. */
export function Facts({ rows }: { rows: [name: string, value: ReactNode][] }) {
  const filled = rows.filter(([, value]) => value !== undefined && value !== null && value !== '');
  return (
    <dl className={classes.facts}>
      {filled.map(([name, value]) => (
        <div key={name} className={classes.fact}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Two columns of sections on a broad screen, one below the other on a narrow one. */
export function Columns({ main, side }: { main: ReactNode; side: ReactNode }) {
  return (
    <div className={classes.columns}>
      <div className={classes.column}>{main}</div>
      <div className={classes.column}>{side}</div>
    </div>
  );
}
