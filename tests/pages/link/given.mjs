// What linked modules import in the tests beside it: as a function that every thread calls for its own.

let made = 0;

/** `seed` counts per thread, `told` reads the module's own data through the memory that it was given. */
export default async function given({ memory, table, wanted, call }) {
  made++;
  const names = wanted.map(({ module, name }) => `${module}.${name}`);
  return {
    env: { told: (x) => x * 10 + made + (names.includes('host.seed') ? 0 : 1000) },
    host: { seed: () => (memory.buffer.byteLength > 0 && table ? call('user_twice', 1) : -1) },
  };
}
