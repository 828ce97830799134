/** The files that a first visit finds in the home directory; what is there already stays as it is. */

import { exists, mkdir, writeFile } from 'isolith/fs';

const FILES: Readonly<Record<string, string>> = {
  'readme.txt': `Everything here is real: files in this page's own filesystem, kept in
IndexedDB, and programs compiled for the command line, each running in a
worker of its own. They read and write the files synchronously, through
memory that all threads share.

  ls -l                     what there is
  grep -n stone poem.txt    lines that match
  sort cities.csv | head    programs joined by a pipe
  rhai fib.rhai 30          a script in a small language
  rhai                      the same, line by line (Ctrl+D ends it)
`,
  'poem.txt': `One stone lay in the river's bend,
and all the water knew its name;
a hundred currents, end to end,
went round it, and the stone the same.

They carried sand from shore to shore,
each by itself, and side by side:
what one put down the others bore.
The stone was there for all to ride.
`,
  'cities.csv': `city,country,people
Lagos,Nigeria,15388000
Osaka,Japan,2753000
Lima,Peru,10092000
Oslo,Norway,709000
Quito,Ecuador,1763000
Hanoi,Vietnam,8054000
Turin,Italy,848000
Accra,Ghana,2660000
`,
  'fib.rhai': `// The first numbers of Fibonacci: rhai fib.rhai 30
let count = if ARGS.len() > 0 { parse_int(ARGS[0]) } else { 20 };
let a = 0;
let b = 1;
for i in 0..count {
    print(a);
    let next = a + b;
    a = b;
    b = next;
}
`,
};

/** Makes the home directory if this is the first visit. */
export async function furnish(home: string): Promise<void> {
  if (await exists(home)) return;
  await mkdir(home, { recursive: true });
  await Promise.all(Object.entries(FILES).map(([name, text]) => writeFile(`${home}/${name}`, text)));
}
