// Runs a command with its output shown, and fails with the command in the message.
import { spawn } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root of the repository. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** Starts `command` and resolves when it has ended well. */
export function run(command, args, { env = {}, cwd = ROOT, quiet = false } = {}) {
  return new Promise((done, failed) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', quiet ? 'pipe' : 'inherit', 'inherit'],
    });
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', (cause) => failed(new Error(`cannot start ${command}`, { cause })));
    child.on('close', (code, signal) =>
      code === 0 ? done(output) : failed(new Error(`${command} ${args.join(' ')} ended with ${signal ?? code}`)),
    );
  });
}
