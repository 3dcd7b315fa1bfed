import { createApp } from 'vue';

import App from './App.vue';
import { i18n } from './locales/index.js';
import { router } from './router.js';
import { applyTheme } from './theme.js';
import './style.css';

applyTheme();
createApp(App).use(i18n).use(router).mount('#app');
