/** Light, dark, or as the system says: the button in the page's head goes round them. */

import { element } from './dom.js';

type Theme = 'auto' | 'light' | 'dark';

const NEXT: Record<Theme, Theme> = { auto: 'light', light: 'dark', dark: 'auto' };
const LABELS: Record<Theme, string> = { auto: 'as the system', light: 'light', dark: 'dark' };
const ICONS: Record<Theme, string> = {
  auto: '<circle cx="12" cy="12" r="8.5"/><path d="M12 3.500v17a8.500 8.500 0 0 0 0-17z" fill="currentColor"/>',
  light: '<circle cx="12" cy="12" r="4"/><path d="M12 2.500v2M12 19.500v2M2.500 12h2M19.500 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M5.300 18.700l1.400-1.400M17.300 6.700l1.400-1.400"/>',
  dark: '<path d="M20 14.500A8.500 8.500 0 0 1 9.500 4a8.500 8.500 0 1 0 10.500 10.500z"/>',
};

/** Calls `changed` when the colours on the screen change. */
export function setUpTheme(changed: () => void): void {
  const button = element('theme', HTMLButtonElement);
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const stored = localStorage.getItem('theme');
  let theme: Theme = stored === 'light' || stored === 'dark' ? stored : 'auto';
  const show = (): void => {
    document.documentElement.dataset.theme = theme === 'auto' ? (dark.matches ? 'dark' : 'light') : theme;
    button.setAttribute('aria-label', `Theme: ${LABELS[theme]}`);
    button.title = `Theme: ${LABELS[theme]}`;
    button.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[theme]}</svg>`;
    changed();
  };
  button.addEventListener('click', () => {
    theme = NEXT[theme];
    localStorage.setItem('theme', theme);
    show();
  });
  dark.addEventListener('change', show);
  show();
}
