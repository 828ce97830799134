/** Shows how long one worker and all workers took, and how much faster all were. */

import { make } from '../dom.js';
import { duration } from '../format.js';

/** Fills `place`; the number is there for machines too, as data-speedup. */
export function showSpeed(place: HTMLElement, alone: number, together: number, workers: number): void {
  const times = alone / together;
  const longest = Math.max(alone, together);
  const bar = (name: string, milliseconds: number, className: string): HTMLElement => {
    const fill = make('i');
    fill.style.width = `${(milliseconds / longest) * 100}%`;
    return make('div', `bar ${className}`, make('span', '', name), make('span', 'track', fill), make('span', '', duration(milliseconds)));
  };
  const words = workers === 1 ? 'with the only worker here' : `as fast with ${workers} workers`;
  place.replaceChildren(
    make('strong', '', `${times.toFixed(2)}×`, make('small', '', words)),
    bar('1 worker', alone, ''),
    bar(workers === 1 ? 'again' : `${workers} workers`, together, 'ours'),
  );
  place.dataset.speedup = times.toFixed(3);
  place.hidden = false;
}

/** Fills a list of facts: pairs of a name and a value; a value with `code` is set like code. */
export function showFacts(place: HTMLElement, facts: readonly (readonly [string, string, { code?: boolean; title?: string }?])[]): void {
  place.replaceChildren(
    ...facts.flatMap(([name, value, options]) => {
      const shown = options?.code ? make('code', '', value) : value;
      const field = make('dd', '', shown);
      if (options?.title) field.title = options.title;
      return [make('dt', '', name), field];
    }),
  );
  place.hidden = false;
}
