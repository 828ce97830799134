/** The table tab: takes a CSV file, adds it up on all workers, shows the figures per group. */

import { element } from './dom.js';
import { bytes, count } from './format.js';
import { inspectTable, joinRanges, planTable, suggestColumns, type Table } from './jobs/table.js';
import { Session, setUpSources, type Shell, type Source, summary } from './session.js';
import { showSheet } from './views/sheet.js';
import { showFacts, showSpeed } from './views/speed.js';

export function setUpTable(shell: Shell): void {
  const session = new Session('table', shell);
  const sheet = element('table-sheet', HTMLDivElement);
  const group = element('table-group', HTMLSelectElement);
  const value = element('table-value', HTMLSelectElement);
  const form = element('table-form', HTMLFormElement);
  const speed = element('table-speed', HTMLDivElement);
  const result = element('table-result', HTMLDListElement);
  let table: Table | undefined;

  const run = (): Promise<void> =>
    session.during('Adding up', async (signal) => {
      const current = table;
      if (!current) throw new Error('there is no table yet');
      const [by, of] = [Number(group.value), Number(value.value)];
      const compared = await session.measure(planTable(current, by, of), signal);
      const { alone, together } = compared;
      const totals = joinRanges(together.results);
      const same = JSON.stringify(totals) === JSON.stringify(joinRanges(alone.results));
      if (!same) throw new Error('one worker and all workers came to different figures');
      showSheet(sheet, totals, current.columns[by]?.name ?? '', current.columns[of]?.name ?? '');
      element('table-empty', HTMLDivElement).hidden = true;
      showSpeed(speed, alone.milliseconds, together.milliseconds, together.workers);
      showFacts(result, [
        ['Rows', count(totals.rows)],
        ['Groups', count(totals.groups.length)],
        ['Left out', totals.skipped === 0 ? 'none' : `${count(totals.skipped)} lines`],
        ['Speed', `${((current.block.size / 1e6 / together.milliseconds) * 1000).toFixed(0)} MB/s`],
      ]);
      Object.assign(result.dataset, { rows: totals.rows, skipped: totals.skipped, groups: totals.groups.length });
      return summary(compared);
    });

  const load = async (source: Source): Promise<void> => {
    await session.during(`Loading ${source.name}`, async (signal) => {
      const block = await session.load(source, signal);
      let fresh: Table;
      try {
        fresh = inspectTable(block, source.name);
      } catch (error) {
        shell.engine.free(block);
        throw error;
      }
      shell.engine.free(table?.block);
      table = fresh;
      const options = (numeric: boolean): HTMLOptionElement[] =>
        fresh.columns.flatMap((column, index) => (numeric && !column.numeric ? [] : [new Option(column.name, String(index))]));
      group.replaceChildren(...options(false));
      value.replaceChildren(...options(true));
      const first = suggestColumns(fresh);
      group.value = String(first.group);
      value.value = String(first.value);
      group.disabled = value.disabled = false;
      element('table-change', HTMLButtonElement).hidden = false;
      element('table-name', HTMLHeadingElement).textContent = fresh.name;
      element('table-facts', HTMLParagraphElement).textContent = `${bytes(block.size)} · ${fresh.columns.length} columns`;
      speed.hidden = result.hidden = true;
      session.ready = true;
      return 'The table is in the heap.';
    });
    if (form.dataset.state === 'done') await run();
  };
  setUpSources('table', '/generated/orders-1.csv', (source) => void load(source));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void run();
  });
}
