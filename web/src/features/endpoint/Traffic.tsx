import { useTranslation } from 'react-i18next';
import { seriesColour } from '@/lib/colours';
import { formatPercent } from '@/lib/format';
import classes from './EndpointPage.module.css';

type Shares = Record<string, number> | undefined;

function sharesOf(traffic: Shares): [string, number][] {
  return Object.entries(traffic ?? {}).filter(([, percent]) => percent > 0).toSorted(([, a], [, b]) => b - a);
}

export function TrafficText({ traffic }: { traffic: Shares }) {
  const { t, i18n } = useTranslation();
  const shares = sharesOf(traffic);
  if (shares.length === 0) return <span className="muted">{t('endpoint.noTraffic')}</span>;
  return <span className="nowrap">{shares.map(([name, percent]) => `${name} ${formatPercent(percent / 100, i18n.language)}`).join(' · ')}</span>;
}

/** Which part of the requests goes to which deployment. */
export function TrafficBar({ traffic }: { traffic: Shares }) {
  const { t } = useTranslation();
  const shares = sharesOf(traffic);
  if (shares.length === 0) return <p className="muted">{t('endpoint.noTrafficHint')}</p>;
  return (
    <div className={classes.traffic}>
      <div className={classes.trafficBar} aria-hidden="true">
        {shares.map(([name, percent], i) => <span key={name} style={{ width: `${percent}%`, background: seriesColour(i) }} />)}
      </div>
      <TrafficText traffic={traffic} />
    </div>
  );
}
