import { useTranslation } from 'react-i18next';
import { toneOf, type Status } from './status';
import classes from './StatusBadge.module.css';

/** A status as a dot and a word: the colour repeats what the word says. */
export function StatusBadge({ status, plain }: { status: Status; plain?: boolean }) {
  const { t } = useTranslation();
  const tone = toneOf(status);
  return (
    <span className={plain ? classes.plain : classes.badge} data-tone={tone}>
      <span className={classes.dot} aria-hidden="true" />
      {t(`status.${status}`)}
    </span>
  );
}
