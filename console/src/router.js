import { createRouter, createWebHistory } from 'vue-router';

import { session } from './api.js';
import DeviceView from './views/DeviceView.vue';
import FleetView from './views/FleetView.vue';
import LoginView from './views/LoginView.vue';
import RefusalsView from './views/RefusalsView.vue';
import RulesView from './views/RulesView.vue';

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/', name: 'fleet', component: FleetView },
    { path: '/device/:product/:device', name: 'device', component: DeviceView, props: true },
    { path: '/rules', name: 'rules', component: RulesView },
    { path: '/refusals', name: 'refusals', component: RefusalsView },
    { path: '/login', name: 'login', component: LoginView, meta: { open: true } },
    { path: '/:rest(.*)*', redirect: '/' },
  ],
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
});

router.beforeEach(async (to) => {
  if (to.meta.open || (await session.check())) return true;
  return { name: 'login', query: to.fullPath === '/' ? {} : { next: to.fullPath } };
});
