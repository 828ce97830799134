/** Vite plugin: the isolation headers for dev and preview, what Vite must know of the package, and modules of tasks. */

import { type Bundling, withScripts } from './vite-modules.js';

/** What the plugin can be told. */
export interface IsolithPluginOptions {
  /**
   * Also put the service worker of `isolith/coi` at the site's root, for hosts that cannot set
   * headers; default false.
   */
  readonly coi?: boolean;
}

interface Response {
  setHeader(name: string, value: string): void;
  end(body: string): void;
}

interface Middlewares {
  use(path: string, handler: (request: unknown, response: Response) => void): void;
}

/** The parts of Vite's plugin type that this plugin uses; Vite is not a dependency. */
export interface IsolithPlugin {
  readonly name: string;
  config(): Record<string, unknown>;
  configureServer(server: { readonly middlewares: Middlewares }): void;
  configResolved(config: { readonly command: string }): void;
  transform(this: Bundling, code: string, id: string): Promise<{ code: string; map: null } | undefined>;
  generateBundle(
    this: { emitFile(file: { type: 'asset'; fileName: string; source: string }): string },
  ): Promise<void>;
}

/** The headers that make a page cross-origin isolated. */
export const ISOLATION_HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
} as const;

/** Name of the service worker at the site's root, as `isolith/coi` expects it. */
const COI_FILE = 'isolith-coi.js';

/** `plugins: [isolith()]` in vite.config. */
export default function isolith(options: IsolithPluginOptions = {}): IsolithPlugin {
  const source = async (): Promise<string> => (await import('./coi-inline.js')).default;
  let building = false;
  return {
    name: 'isolith',
    config: () => ({
      server: { headers: ISOLATION_HEADERS },
      preview: { headers: ISOLATION_HEADERS },
      // Vite before 8 breaks `new URL('./worker.js', import.meta.url)` in dependencies it pre-bundles.
      optimizeDeps: { exclude: ['isolith'] },
      worker: { format: 'es' },
    }),
    configureServer({ middlewares }) {
      if (!options.coi) return;
      middlewares.use(`/${COI_FILE}`, (_request, response) => {
        response.setHeader('Content-Type', 'text/javascript');
        void source().then((text) => response.end(text));
      });
    },
    configResolved({ command }) {
      building = command === 'build';
    },
    // In dev such modules are served as scripts already.
    async transform(code, id) {
      const changed = building ? await withScripts(this, code, id) : undefined;
      return changed === undefined ? undefined : { code: changed, map: null };
    },
    async generateBundle() {
      if (options.coi) this.emitFile({ type: 'asset', fileName: COI_FILE, source: await source() });
    },
  };
}

export { isolith };
