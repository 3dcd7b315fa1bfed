import { onUnmounted, ref } from 'vue';

import { i18n } from './locales/index.js';

const tag = () => (i18n.global.locale.value === 'zh' ? 'zh-CN' : 'en-GB');

export function clockTime(ms) {
  if (!ms) return '';
  const at = new Date(Number(ms));
  const today = new Date().toDateString() === at.toDateString();
  return new Intl.DateTimeFormat(tag(), {
    ...(today ? {} : { year: 'numeric', month: '2-digit', day: '2-digit' }),
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hour12: false,
  }).format(at);
}

export function timeAgo(ms, now) {
  if (!ms) return '';
  const seconds = Math.round((now - Number(ms)) / 1000);
  const format = new Intl.RelativeTimeFormat(tag(), { numeric: 'auto', style: 'short' });
  if (seconds < 60) return format.format(-Math.max(seconds, 0), 'second');
  if (seconds < 3600) return format.format(-Math.floor(seconds / 60), 'minute');
  if (seconds < 86400) return format.format(-Math.floor(seconds / 3600), 'hour');
  return format.format(-Math.floor(seconds / 86400), 'day');
}

// The time, renewed every second while a view is shown.
export function useNow() {
  const now = ref(Date.now());
  const tick = setInterval(() => (now.value = Date.now()), 1000);
  onUnmounted(() => clearInterval(tick));
  return now;
}
