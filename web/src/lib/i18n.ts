import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import { en } from '@/locales/en';

export const languages = { en: 'English', ko: '한국어' } as const;
export type Language = keyof typeof languages;

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'translation';
    resources: { translation: typeof en };
  }
}

const storageKey = 'atelier-language';

function isLanguage(value: string | null): value is Language {
  return value !== null && value in languages;
}

/** The reader's own choice, else the first language of the browser that we have. */
export function chooseLanguage(stored: string | null, preferred: readonly string[]): Language {
  if (isLanguage(stored)) return stored;
  const known = preferred.map((tag) => tag.split('-')[0] ?? '').find(isLanguage);
  return known ?? 'en';
}

async function load(language: Language) {
  if (language === 'ko' && !i18next.hasResourceBundle('ko', 'translation')) {
    const { ko } = await import('@/locales/ko');
    i18next.addResourceBundle('ko', 'translation', ko);
  }
}

export async function startI18n() {
  const language = chooseLanguage(localStorage.getItem(storageKey), navigator.languages);
  await i18next.use(initReactI18next).init({
    resources: { en: { translation: en } },
    lng: 'en',
    fallbackLng: 'en',
    interpolation: { escapeValue: false }, // React escapes
    returnNull: false,
  });
  await show(language);
}

async function show(language: Language) {
  await load(language);
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}

export async function setLanguage(language: Language) {
  localStorage.setItem(storageKey, language);
  await show(language);
}
