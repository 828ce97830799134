// Runs a program and ends it with all its descendants when standard input closes: so also when the test runner is killed.
import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** Parent of every process, by process id. */
function parents() {
  const found = new Map();
  if (process.platform === 'linux') {
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        // The program's name stands in brackets and may hold anything: state and parent follow the last one.
        found.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
      } catch {
        // It ended while we read.
      }
    }
    return found;
  }
  for (const line of execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).split('\n')) {
    const [pid, parent] = line.trim().split(/\s+/).map(Number);
    if (pid) found.set(pid, parent);
  }
  return found;
}

/** Process ids of everything that `root` started and that still lives, children before grandchildren. */
export function descendants(root) {
  const all = parents();
  const found = [];
  for (let level = [root]; level.length > 0; ) {
    level = [...all].filter(([, parent]) => level.includes(parent)).map(([pid]) => pid);
    found.push(...level);
  }
  return found;
}

/** Marks all that this leash holds: a browser whose driver has died is nobody's descendant, but has its environment. */
const MARK = `ISOLITH_LEASH=${randomUUID()}`;

/** Process ids of everything on this leash. */
function held() {
  const found = new Set(descendants(process.pid));
  if (process.platform !== 'linux') return found;
  for (const name of readdirSync('/proc')) {
    try {
      if (/^\d+$/.test(name) && readFileSync(`/proc/${name}/environ`, 'latin1').includes(MARK)) found.add(Number(name));
    } catch {
      // It ended while we read, or belongs to somebody else.
    }
  }
  return found;
}

/** Sends `signal` to each process that is still there. */
export function signalAll(pids, signal) {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It is gone already.
    }
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    // An ended process that nobody has collected yet still has its number.
    return process.platform !== 'linux' || !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

/** Asks all to end, and makes those end that have not after two seconds. */
async function endAll() {
  const known = held();
  signalAll(known, 'SIGTERM');
  for (let waited = 0; waited < 2000 && [...known].some(isAlive); waited += 50) {
    await new Promise((done) => setTimeout(done, 50));
    for (const pid of held()) known.add(pid);
  }
  signalAll(known, 'SIGKILL');
  for (let waited = 0; waited < 5000 && [...known].some(isAlive); waited += 20) await new Promise((done) => setTimeout(done, 20));
}

/** `[--scratch=folder] command arguments…`: the folder is removed when our owner dies without a word. */
async function main(args) {
  const scratch = args[0]?.startsWith('--scratch=') ? args.shift().slice('--scratch='.length) : undefined;
  const [command, ...rest] = args;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
  const [key, mark] = MARK.split('=');
  const child = spawn(command, rest, { env: { ...process.env, [key]: mark }, stdio: ['ignore', 'inherit', 'inherit'] });
  let released = false;
  let ending = false;
  const end = async (code) => {
    if (ending) return;
    ending = true;
    await endAll();
    if (scratch && !released) rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
    process.exit(code);
  };
  child.on('error', (error) => {
    console.error(`cannot start ${command}: ${error.message}`);
    process.exit(127);
  });
  child.on('exit', (code) => void end(code ?? 1));
  process.stdin.on('data', () => (released = true));
  process.stdin.on('end', () => void end(0)).on('error', () => void end(0));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(process.argv.slice(2));
