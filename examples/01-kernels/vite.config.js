// Vite for this page: the package's own plugin sets the headers.
import { defineConfig } from 'vite';
import isolith from 'isolith/vite';

export default defineConfig({ base: './', plugins: [isolith()] });
