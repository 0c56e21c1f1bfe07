import { useTranslation } from 'react-i18next';
import { seriesColour } from '@/lib/colours';
import { formatPercent } from '@/lib/format';
import classes from './EndpointPage.module.css';

type Shares = Record<string, number> | undefined;

function given(traffic: Shares): [string, number][] {
  return Object.entries(traffic ?? {}).filter(([, percent]) => percent > 0).toSorted(([, a], [, b]) => b - a);
}

export function TrafficText({ traffic }: { traffic: Shares }) {
  const { t, i18n } = useTranslation();
  const shares = given(traffic);
  if (shares.length === 0) return <span className="muted">{t('endpoint.noTraffic')}</span>;
  return <span className="nowrap">{shares.map(([name, percent]) => `${name} ${formatPercent(percent / 100, i18n.language)}`).join(' · ')}</span>;
}

interface TrafficBarProps {
  traffic: Shares;
  /** All deployments, in the order of their colours. */
  order: readonly string[];
  /** Without the words, where they stand beside it. */
  plain: boolean;
}

/** Which part of the requests goes to which deployment. */
export function TrafficBar({ traffic, order, plain }: TrafficBarProps) {
  const { t } = useTranslation();
  const shares = order.map((name, i) => ({ name, colour: seriesColour(i), percent: traffic?.[name] ?? 0 })).filter(({ percent }) => percent > 0);
  if (shares.length === 0) return <p className={`muted ${classes.noTraffic}`}>{t('endpoint.noTrafficHint')}</p>;
  return (
    <div className={classes.traffic}>
      <div className={classes.trafficBar} aria-hidden="true">
        {shares.map(({ name, percent, colour }) => <span key={name} style={{ width: `${percent}%`, background: colour }} />)}
      </div>
      {!plain && <TrafficText traffic={traffic} />}
    </div>
  );
}
