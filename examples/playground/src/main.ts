/** Starts the playground: the engine, the two instruments, the tabs. */

import { IsolithError, support } from 'isolith';
import { element } from './dom.js';
import { Engine } from './engine.js';
import { setUpPhoto } from './photo-tab.js';
import { setUpTable } from './table-tab.js';
import { setUpTabs } from './tabs.js';
import { repaintTerminal, setUpTerminal } from './terminal-tab.js';
import { setUpTheme } from './theme.js';
import { HeapMap } from './views/heap-map.js';
import { Timeline } from './views/timeline.js';

const status = element('status', HTMLSpanElement);
const words = element('status-text', HTMLSpanElement);
const live = element('live', HTMLParagraphElement);
const alert = element('alert', HTMLParagraphElement);

/** Most workers taken, however many cores there are. */
const MOST = 8;

function fail(error: unknown): void {
  alert.hidden = error === undefined;
  alert.textContent = error instanceof IsolithError || error instanceof Error ? error.message : String(error ?? '');
}

async function start(): Promise<void> {
  const timeline = new Timeline((text) => (live.textContent = text));
  let map: HeapMap | undefined;
  setUpTheme(() => {
    timeline.draw();
    map?.redraw();
    repaintTerminal();
  });
  const showTerminal = setUpTerminal(fail);
  setUpTabs((panel) => {
    timeline.show(panel.replace('panel-', ''));
    if (panel === 'panel-terminal') showTerminal();
  });
  const { sharedMemory } = support();
  if (sharedMemory !== true) throw new Error(`Shared memory is not to be had here: ${sharedMemory}.`);
  const engine = await Engine.start(Math.max(1, Math.min(MOST, navigator.hardwareConcurrency)));
  timeline.offer(() => engine.trace());
  map = new HeapMap(engine, (text) => (live.textContent = text));
  const shell = { engine, timeline, fail, say: (text: string) => void (live.textContent = text) };
  setUpPhoto(shell);
  setUpTable(shell);
  words.textContent = `Shared memory · ${engine.workers} ${engine.workers === 1 ? 'worker' : 'workers'}`;
  status.dataset.state = 'ready';
}

await start().catch((error: unknown) => {
  status.dataset.state = 'failed';
  words.textContent = 'Not available';
  fail(error);
});
