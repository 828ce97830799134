/** Tabs as keyboards know them: arrows move, Home and End jump, the page's hash remembers. */

/** Calls `shown` with the id of the panel that came to the front. */
export function setUpTabs(shown: (panel: string) => void): void {
  const tabs = [...document.querySelectorAll<HTMLButtonElement>('[role=tab]')];
  const select = (chosen: HTMLButtonElement, focus: boolean): void => {
    for (const tab of tabs) {
      const here = tab === chosen;
      tab.setAttribute('aria-selected', String(here));
      tab.tabIndex = here ? 0 : -1;
      const panel = document.getElementById(tab.getAttribute('aria-controls') ?? '');
      if (panel) panel.hidden = !here;
    }
    if (focus) chosen.focus();
    history.replaceState(null, '', `#${chosen.id.replace('tab-', '')}`);
    shown(chosen.getAttribute('aria-controls') ?? '');
  };
  for (const [index, tab] of tabs.entries()) {
    tab.addEventListener('click', () => select(tab, false));
    tab.addEventListener('keydown', (event) => {
      const to = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: tabs.length - 1 }[event.key];
      const next = to === undefined ? undefined : tabs[(to + tabs.length) % tabs.length];
      if (!next) return;
      event.preventDefault();
      select(next, true);
    });
  }
  const wanted = tabs.find((tab) => `#${tab.id.replace('tab-', '')}` === location.hash) ?? tabs[0];
  if (wanted) select(wanted, false);
}
