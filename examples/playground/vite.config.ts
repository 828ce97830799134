// Serves and builds the playground; the package's plugin sets the two headers that shared memory needs.
import { isolith } from 'isolith/vite';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [isolith()],
  // The package lies beside the examples instead of in node_modules: let the server read it there.
  server: { fs: { allow: ['../..'] } },
  build: { target: 'es2022', assetsInlineLimit: 0 },
});
