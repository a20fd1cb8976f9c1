// Builds the page into `dist`, which the program embeds. The result is the same for the same sources:
// names come from contents, and nothing of the machine or the time goes in.
import { paraglideVitePlugin } from '@inlang/paraglide-js';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

const server = process.env.RESIGHT ?? 'http://127.0.0.1:7777';

export default defineConfig({
  // Below any prefix of a reverse proxy.
  base: './',
  plugins: [
    svelte(),
    paraglideVitePlugin({
      project: './project.inlang',
      outdir: './src/paraglide',
      strategy: ['localStorage', 'preferredLanguage', 'baseLocale'],
    }),
  ],
  build: {
    target: 'es2022',
    assetsDir: 'assets',
    // The content security policy allows no data: address but for pictures.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { '/v1': server, '/errors': server, '/openapi.json': server, '/livez': server } },
});
