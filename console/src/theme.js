import { ref } from 'vue';

// light, dark, or whatever the system says.
export const theme = ref(localStorage.getItem('tercet.theme') ?? 'auto');
const system = matchMedia('(prefers-color-scheme: dark)');
export const isDark = ref(false);

export function applyTheme() {
  isDark.value = theme.value === 'dark' || (theme.value === 'auto' && system.matches);
  document.documentElement.dataset.theme = isDark.value ? 'dark' : 'light';
}
export function nextTheme() {
  const order = ['auto', 'light', 'dark'];
  theme.value = order[(order.indexOf(theme.value) + 1) % order.length];
  localStorage.setItem('tercet.theme', theme.value);
  applyTheme();
}
system.addEventListener('change', applyTheme);
