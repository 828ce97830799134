/** The photo tab: takes a picture, filters it on all workers, shows before and after. */

import { element } from './dom.js';
import { bytes, count } from './format.js';
import { decodePhoto, type Filter, freePhoto, imageOf, type Photo, planPhoto } from './jobs/photo.js';
import { Session, setUpSources, type Shell, type Source, summary } from './session.js';
import { showFacts, showSpeed } from './views/speed.js';

export function setUpPhoto(shell: Shell): void {
  const session = new Session('photo', shell);
  const compare = element('photo-compare', HTMLElement);
  const before = element('photo-before', HTMLCanvasElement);
  const after = element('photo-after', HTMLCanvasElement);
  const split = element('photo-split', HTMLInputElement);
  const radius = element('photo-radius', HTMLInputElement);
  const form = element('photo-form', HTMLFormElement);
  const speed = element('photo-speed', HTMLDivElement);
  const result = element('photo-result', HTMLDListElement);
  let photo: Photo | undefined;

  const show = (canvas: HTMLCanvasElement, image: ImageData): void => {
    [canvas.width, canvas.height] = [image.width, image.height];
    canvas.getContext('2d')?.putImageData(image, 0, 0);
  };
  const divide = (): void => {
    compare.style.setProperty('--split', `${split.value}%`);
    split.ariaValueText = `${split.value} % before`;
  };
  split.addEventListener('input', divide);
  radius.addEventListener('input', () => (element('photo-radius-value', HTMLOutputElement).value = `${radius.value} px`));

  const load = (source: Source): Promise<void> =>
    session.during(`Loading ${source.name}`, async (signal) => {
      const file = await session.load(source, signal);
      const fresh = await decodePhoto(shell.engine, file, source.name);
      freePhoto(shell.engine, photo);
      photo = fresh;
      show(before, imageOf(fresh, fresh.pixels));
      [after.width, after.height] = [fresh.width, fresh.height];
      element('photo-empty', HTMLDivElement).hidden = true;
      element('photo-change', HTMLButtonElement).hidden = false;
      compare.hidden = false;
      compare.dataset.done = 'no';
      split.value = '100';
      divide();
      speed.hidden = result.hidden = true;
      element('photo-name', HTMLHeadingElement).textContent = fresh.name;
      element('photo-facts', HTMLParagraphElement).textContent = `${count(fresh.width)} × ${count(fresh.height)} · ${bytes(fresh.fileBytes)}`;
      session.ready = true;
      return 'The photo is in the heap: choose a filter and run it.';
    });
  setUpSources('photo', '/generated/lake-1.png', (source) => void load(source));

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const current = photo;
    if (!current) return;
    const filter = new FormData(form).get('filter') as Filter;
    const softness = Number(radius.value);
    void session.during('Filtering', async (signal) => {
      const compared = await session.measure(planPhoto(current, filter, softness), signal);
      const { alone, together } = compared;
      const image = imageOf(current, current.output);
      show(after, image);
      compare.dataset.done = 'yes';
      if (split.value === '100') split.value = '50';
      divide();
      const hash = await sha256(image.data);
      const megapixels = (current.width * current.height) / 1e6;
      showSpeed(speed, alone.milliseconds, together.milliseconds, together.workers);
      showFacts(result, [
        ['Speed', `${((megapixels / together.milliseconds) * 1000).toFixed(1)} megapixels/s`],
        ['Tasks', count(together.spans.length)],
        ['Result', hash.slice(0, 16), { code: true, title: `SHA-256 of the pixels: ${hash}` }],
      ]);
      result.dataset.sha256 = hash;
      return summary(compared);
    });
  });
}

async function sha256(data: Uint8ClampedArray<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', data));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
