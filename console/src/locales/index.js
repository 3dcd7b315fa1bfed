import { createI18n } from 'vue-i18n';

import en from './en.js';
import zh from './zh.js';

const stored = localStorage.getItem('tercet.language');
const locale = stored ?? (navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en');
document.documentElement.lang = locale === 'zh' ? 'zh-CN' : 'en';

export const i18n = createI18n({ legacy: false, locale, fallbackLocale: 'en', messages: { en, zh } });

export function setLanguage(language) {
  i18n.global.locale.value = language;
  localStorage.setItem('tercet.language', language);
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
}
