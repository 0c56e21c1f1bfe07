import { useTranslation } from 'react-i18next';
import { Copyable } from '@/components/CommandLine';
import { formatLatency } from '@/lib/format';
import type { Answered } from './invoke';
import classes from './Console.module.css';

/** What came back, how long it took, from whom, and under which id it is in the logs. */
export function Answer({ answer }: { answer: Answered }) {
  const { t, i18n } = useTranslation();
  return (
    <div role="status" aria-label={t('try.answer')}>
      <div className={classes.answerHead}>
        <strong data-tone={answer.status < 400 ? 'good' : 'bad'} className={classes.tone}>{t('try.status', { status: answer.status })}</strong>
        <span className="number">{formatLatency(answer.milliseconds, i18n.language)}</span>
        {answer.deployment && <span>{t('try.from', { name: answer.deployment })}</span>}
        {answer.requestID && <span className={classes.id}>{t('try.requestID')} <Copyable text={answer.requestID} /></span>}
      </div>
      <pre className={classes.answerBody} tabIndex={0}>{pretty(answer.text)}</pre>
    </div>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text; // a script may answer with anything
  }
}
