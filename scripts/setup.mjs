// Installs what building and testing needs: toolchains, tools, npm packages, browsers. Safe to repeat; `--no-browsers` leaves browsers out.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ENGINES, missingParts, possibleEngines } from './lib/browsers.mjs';
import { ROOT, run } from './lib/run.mjs';
import { TOOLS, capture, lockedVersion, toolchain, which } from './lib/tools.mjs';

/** Targets that guests (programs that run inside the runtime) are built for, with stable Rust. */
const GUEST_TARGETS = ['wasm32-unknown-unknown', 'wasm32-wasip1', 'wasm32-wasip1-threads'];

const withBrowsers = !process.argv.includes('--no-browsers');
/** What could not be had, in words for the user: without these nothing can be built. */
const problems = [];
/** Without these some tests cannot run, and will say so; the rest can. */
const lacks = [];

function say(what, state) {
  console.log(`setup: ${what}: ${state}`);
}

async function rust() {
  if (!which('rustup')) {
    problems.push('rustup is missing: install it as https://rustup.rs tells, then run this again');
    return;
  }
  const { channel, components, targets } = toolchain();
  await ensureToolchain(channel, components, targets);
  await ensureToolchain('stable', [], GUEST_TARGETS);
}

async function ensureToolchain(channel, components, targets) {
  const installed = capture('rustup', ['component', 'list', '--installed', '--toolchain', channel])?.split('\n');
  const has = (name) => installed?.some((line) => line === name || line.startsWith(`${name}-`));
  const missing = [...components, ...targets.map((target) => `rust-std-${target}`)].filter((name) => !has(name));
  if (installed && missing.length === 0) return say(`Rust ${channel}`, 'there');
  say(`Rust ${channel}`, installed ? `adding ${missing.join(', ')}` : 'installing');
  if (installed) {
    const newTargets = targets.filter((target) => !has(`rust-std-${target}`));
    const newComponents = components.filter((name) => !has(name));
    if (newTargets.length > 0) await run('rustup', ['target', 'add', '--toolchain', channel, ...newTargets]);
    if (newComponents.length > 0) await run('rustup', ['component', 'add', '--toolchain', channel, ...newComponents]);
    return;
  }
  const extras = [...components.flatMap((name) => ['--component', name]), ...targets.flatMap((name) => ['--target', name])];
  await run('rustup', ['toolchain', 'install', channel, '--profile', 'minimal', '--no-self-update', ...extras]);
}

/** Programs made by `cargo install`, as well optimised as `level` says: those on PATH will do if their version is right. */
async function cargoTool(programs, crate, { version, level, extra = [] }) {
  const found = programs.map((name) => capture(name, ['--version'])?.split(/\s+/)[1]);
  if (found.every((one) => one && (!version || one === version))) return say(crate, `${found[0]} there`);
  const wrong = found[0] ? `, as ${found.join(' and ')} is not the one` : '';
  say(crate, `building ${version ?? 'it'} into .tools (a few minutes)${wrong}`);
  const wanted = version ? ['--version', version] : [];
  await run('cargo', ['install', crate, ...wanted, ...extra, '--root', TOOLS, '--force'], {
    // They work for moments only: what they would gain by more optimising is less than what that takes.
    env: { RUSTUP_TOOLCHAIN: 'stable', RUSTFLAGS: '', CARGO_PROFILE_RELEASE_OPT_LEVEL: level },
  });
}

/** npm packages of the workspace: installed anew when the lock file changed or one is gone. */
async function npmPackages() {
  const lock = join(ROOT, 'package-lock.json');
  const stamp = join(ROOT, 'node_modules/.isolith-setup');
  const hash = createHash('sha256').update(readFileSync(lock)).digest('hex');
  const { devDependencies = {} } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const gone = Object.keys(devDependencies).filter((name) => !existsSync(join(ROOT, 'node_modules', name, 'package.json')));
  const fresh = existsSync(stamp) && readFileSync(stamp, 'utf8') === hash && gone.length === 0;
  if (fresh) return say('npm packages', 'there');
  say('npm packages', gone.length > 0 ? `installing (${gone.join(', ')})` : 'installing as package-lock.json says');
  await run('npm', ['ci', '--no-audit', '--no-fund']);
  writeFileSync(stamp, hash);
}

/** What the system's own packages can give: browsers, and the C compiler. */
async function systemPackages() {
  const parts = possibleEngines().flatMap((engine) => missingParts(engine).map((part) => ENGINES[engine].packages[part] ?? []));
  const lists = [...parts, ...missingCompilers().map(([, name]) => [name])].filter((names) => names.length > 0);
  if (lists.length > 0) await aptInstall(lists);
}

function browsers() {
  for (const engine of possibleEngines()) {
    const missing = missingParts(engine);
    if (missing.length === 0) say(ENGINES[engine].name, versionOf(engine));
    else lacks.push(`${ENGINES[engine].name} lacks its ${missing.join(' and ')}: ${ENGINES[engine].hint}`);
  }
}

function versionOf(engine) {
  const { binary, driver } = ENGINES[engine].parts();
  const number = (text) => /\d+(\.\d+)+/.exec(text ?? '')?.[0];
  const version = number(capture(binary, ['--version']));
  const of = number(capture(driver, ['--version']));
  if (engine === 'chromium' && version?.split('.')[0] !== of?.split('.')[0]) {
    lacks.push(`Chromium is ${version} but chromedriver is for ${of}: install the same version, or set CHROME_BIN and CHROMEDRIVER`);
  }
  return `${version ?? 'version unknown'} there`;
}

/** The C compiler and linker for WebAssembly: the linker's tests put its modules beside Rust's. */
function guestCompiler() {
  const missing = missingCompilers();
  if (missing.length === 0) return say('clang and wasm-ld', 'there');
  lacks.push(`${missing.map(([program]) => program).join(' and ')} missing: install LLVM's clang and lld (the linker's tests need them)`);
}

/** Programs that are missing, and the packages that have them. */
function missingCompilers() {
  return [['clang', 'clang'], ['wasm-ld', 'lld']].filter(([program]) => !which(program));
}

/** Installs the first known package of each list by apt, where there is apt and the right to use it. */
async function aptInstall(lists) {
  const asRoot = process.getuid?.() === 0 ? [] : capture('sudo', ['-n', 'true']) !== undefined ? ['sudo', '-n'] : undefined;
  if (!which('apt-get') || !asRoot) return say('apt', 'not to be had here, or not allowed: some packages stay missing');
  const apt = (...args) => {
    const [command, ...rest] = [...asRoot, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args];
    return run(command, rest, { quiet: true });
  };
  say('apt', 'update');
  await apt('update');
  const packages = new Set();
  for (const names of lists) {
    const known = names.find((name) => capture('apt-cache', ['show', '--no-all-versions', name]));
    if (known) packages.add(known);
  }
  if (packages.size === 0) return;
  say('apt', `install ${[...packages].join(' ')}`);
  await apt('install', '-y', '--no-install-recommends', ...packages);
}

const started = Date.now();
await rust();
// Side by side: compilers wait for their last crate, the others for the network and the disk.
const tasks = [npmPackages()];
if (problems.length === 0) {
  tasks.push(cargoTool(['wasm-bindgen', 'wasm-bindgen-test-runner'], 'wasm-bindgen-cli', { version: lockedVersion('wasm-bindgen'), level: '1' }));
  if (withBrowsers) tasks.push(cargoTool(['geckodriver'], 'geckodriver', { level: '0', extra: ['--locked'] }));
}
if (withBrowsers) tasks.push(systemPackages());
const failed = (await Promise.allSettled(tasks)).find(({ status }) => status === 'rejected');
if (failed) throw failed.reason;
if (withBrowsers) {
  browsers();
  guestCompiler();
}
else say('browsers', 'left out, as asked');
for (const problem of [...problems, ...lacks]) console.error(`setup: to do: ${problem}`);
const outcome = problems.length > 0 ? 'not complete' : lacks.length > 0 ? 'ready to build, but not for all tests,' : 'ready';
console.log(`setup: ${outcome} after ${((Date.now() - started) / 1000).toFixed(1)} s`);
process.exitCode = problems.length === 0 ? 0 : 1;
