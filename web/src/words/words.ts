import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import { en } from './en.ts'
import { ja } from './ja.ts'

const LANGUAGE_KEY = 'noroshi.language'
export const LANGUAGES = ['en', 'ja'] as const

/** Starts translation: the language chosen before, else the browser's, else English. */
export function startWords(): void {
  const wanted = localStorage.getItem(LANGUAGE_KEY) ?? navigator.language.slice(0, 2)
  const lng = LANGUAGES.find((language) => language === wanted) ?? 'en'
  void i18next.use(initReactI18next).init({
    lng,
    fallbackLng: 'en',
    resources: { en: { translation: en }, ja: { translation: ja } },
    interpolation: { escapeValue: false },
  })
  document.documentElement.lang = lng
}

/** Changes the language and keeps the choice. */
export function chooseLanguage(language: (typeof LANGUAGES)[number]): void {
  localStorage.setItem(LANGUAGE_KEY, language)
  document.documentElement.lang = language
  void i18next.changeLanguage(language)
}
