// As the README says; with PLUGIN=none as a user writes it who only sets the headers.
import isolith, { ISOLATION_HEADERS as headers } from 'isolith/vite';

const withPlugin = { plugins: [isolith()] };
const withoutPlugin = { server: { headers }, preview: { headers } };

export default {
  ...(process.env.PLUGIN === 'none' ? withoutPlugin : withPlugin),
  // The default target of older versions has no top-level await.
  build: { target: 'es2022' },
  logLevel: 'warn',
};
