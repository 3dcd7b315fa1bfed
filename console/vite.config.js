import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';

// `npm run dev` serves the page with hot reload and passes what it asks for on to a running platform (TERCET, by default
// the local one). The build has nothing inline, so that the strict Content-Security-Policy holds.
export default defineConfig({
  plugins: [vue()],
  build: {
    target: 'es2020',
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    chunkSizeWarningLimit: 1200,
    reportCompressedSize: false,
    rollupOptions: { output: { manualChunks: { echarts: ['echarts/core', 'echarts/charts', 'echarts/components', 'echarts/renderers'] } } },
  },
  define: { __VUE_OPTIONS_API__: false, __VUE_PROD_DEVTOOLS__: false, __INTLIFY_PROD_DEVTOOLS__: false },
  server: { proxy: { '/console': { target: process.env.TERCET ?? 'http://127.0.0.1:8080' } } },
});
