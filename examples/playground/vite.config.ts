// Serves and builds the playground; every answer carries the two headers that shared memory needs.
import { defineConfig } from 'vite';

const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export default defineConfig({
  // The package lies beside the examples instead of in node_modules: let the server read it there.
  server: { headers, fs: { allow: ['../..'] } },
  preview: { headers },
  build: { target: 'es2022', assetsInlineLimit: 0 },
});
