// Collects what goes wrong in a page outside of any test's own promises; loaded before everything else, as a classic script.
(() => {
  'use strict';
  const found = [];
  const describe = (value) => (value instanceof Error ? `${value.name}: ${value.message}\n${value.stack ?? ''}` : String(value));
  addEventListener('error', (event) => {
    if (event instanceof ErrorEvent) found.push(`uncaught error: ${event.error ? describe(event.error) : event.message}`);
    else found.push(`cannot load ${event.target.src ?? event.target.href ?? 'a resource'}`);
  }, true);
  addEventListener('unhandledrejection', (event) => found.push(`unhandled rejection: ${describe(event.reason)}`));
  addEventListener('securitypolicyviolation', (event) => found.push(`policy violation: ${event.violatedDirective} ${event.blockedURI}`));
  const original = console.error;
  console.error = (...values) => {
    found.push(`console.error: ${values.map(describe).join(' ')}`);
    original.apply(console, values);
  };
  Object.defineProperty(globalThis, '__pageErrors', { value: found });
})();
