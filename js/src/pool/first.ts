/** What a worker can do before it has read most of its code: hold its lock, and run a first task of plain values. */

import { packError } from '../errors.js';
import { moduleAt } from '../module-at.js';
import type { FromWorker, Start, ToWorker } from '../protocol.js';
import type { Runner } from '../runner.js';
import type { AnyFunction } from '../task.js';
import type { Context } from './context.js';
import type { RingDuty } from './duty-ring.js';
import { Kind, LinkWord, SLOTS_AT, SlotState, SlotWord, Views } from './exports.js';
import { holdLock } from './lock.js';
import { expectParts, isModule, ring } from './parts.js';
import { isPlainLength, plainLength, readPlain } from './plain.js';

interface Scope {
  postMessage(message: FromWorker): void;
  onmessage: ((event: MessageEvent<ToWorker | null>) => void) | null;
  onmessageerror: (() => void) | null;
  close(): void;
}

/** What a worker has that has taken the start message and is on the ring. */
type First = Start & Required<Pick<Start, 'memory' | 'link'>>;

/** How long after its start a worker loads what its first task may do without, in milliseconds. */
const AFTER_START = 20;

const scope = globalThis as unknown as Scope;
const clock = (): number => performance.timeOrigin + performance.now();

let lock: Promise<string>;
let start: First | undefined;
let entered: { readonly runner: Runner; readonly duty: RingDuty } | undefined;

/** Asks for the lock, and waits for the start message. */
export function begin(): void {
  lock = holdLock();
  for (const name of ['heap', 'fs'] as const) Object.defineProperty(globalThis, name, { configurable: true, get: () => enter().runner[name]() });
  scope.onmessage = ({ data }) => {
    if (start) guard(() => take(data));
    else if (data) void prepare(data as Start);
  };
  scope.onmessageerror = () => guard(() => take(null));
}

/** Says that the worker is ready as soon as its lock is held, where the rest of the start has been seen to work. */
async function prepare(message: Start): Promise<void> {
  try {
    expectParts(message);
    const { scripts = {}, proven, memory, link, heapMemory } = message;
    const alone = isModule();
    if (alone) await Promise.all(Object.values<string>(scripts).map((url) => import(/* @vite-ignore */ /* webpackIgnore: true */ url)));
    if (alone || !proven || !memory || link === undefined || heapMemory) {
      ring()(moduleAt, lock).take(message);
      return;
    }
    const held = await lock;
    start = { ...message, memory, link };
    // As one that sleeps: the page rings it up when there is a job.
    Atomics.store(new Int32Array(memory.buffer), (link >>> 2) + LinkWord.asleep, 1);
    scope.postMessage({ type: 'ready', lock: held });
    setTimeout(() => guard(enter), AFTER_START);
  } catch (error) {
    scope.postMessage({ type: 'failed', error: packError(error) });
  }
}

/** Becomes a thread of the runtime, with the ring and all messages. */
function enter(): { readonly runner: Runner; readonly duty: RingDuty } {
  if (entered) return entered;
  const runner = ring()(moduleAt, lock);
  const duty = runner.goOn(start!);
  if (!duty) throw new Error('the worker is to end');
  return (entered = { runner, duty });
}

/** What fails here leaves nobody who could work: the worker ends, and its death tells the pool. */
function guard(run: () => void): void {
  try {
    run();
  } catch (error) {
    scope.postMessage({ type: 'stray', error: packError(error) });
    scope.close();
  }
}

function take(message: ToWorker | null): void {
  if (message === 0 && runPlain(start!)) return;
  const { runner } = enter();
  if (message === null) runner.unread();
  else runner.take(message);
}

/**
 * Runs the job in the ring's first slot if it is a function of a plain value, and answers by message if what
 * comes of it is one too; all else of it is left to the ring. False if there is none.
 */
function runPlain({ memory, link }: First): boolean {
  const slot = link + SLOTS_AT;
  const word = slot >>> 2;
  const views = new Views(memory);
  const { i32 } = views;
  if (entered || Atomics.load(i32, word) !== SlotState.queued || i32[word + SlotWord.kind] !== Kind.inline) return false;
  const length = i32[word + SlotWord.length]!;
  const fn = isPlainLength(length) ? functionAt(views, i32[word + SlotWord.source]! >>> 0) : undefined;
  if (!fn || Atomics.compareExchange(i32, word, SlotState.queued, SlotState.running) !== SlotState.queued) return false;
  const id = i32[word + SlotWord.job]!;
  let own: Context | undefined;
  const context = new Proxy({}, {
    get: (_, name) => Reflect.get((own ??= enter().duty.begun(slot)), name) as unknown,
    has: (_, name) => name in (own ??= enter().duty.begun(slot)),
  });
  const began = clock();
  let ok = true;
  let value: unknown;
  const closes = watchClose();
  try {
    value = fn(readPlain(views, slot, length) as never, context as never);
  } catch (error) {
    ok = false;
    value = error;
  }
  const isDone = ok && !own && plainLength(value) !== undefined;
  if (isDone) scope.postMessage({ type: 'answers', answers: [{ id, ok, value, start: began, end: clock() }] });
  if (closes()) return true;
  const { runner, duty } = enter();
  runner.learn(i32[word + SlotWord.fn]!, { fn, spread: false });
  duty.ran(slot, began, own, isDone ? undefined : { ok, value });
  return true;
}

/**
 * Notes whether the scope is closed until the answer is asked for. Such a worker loads nothing more: in WebKit
 * a script that is loaded while the worker closes keeps it alive, and with it its lock.
 */
function watchClose(): () => boolean {
  let closed = false;
  const { close } = scope;
  scope.close = () => {
    closed = true;
    close.call(scope);
  };
  return () => {
    scope.close = close;
    return closed;
  };
}

/** The function whose source lies there; undefined if it is to be imported, or does not compile: others say why. */
function functionAt({ i32, u8 }: Views, at: number): AnyFunction | undefined {
  const source = new TextDecoder().decode(u8.slice(at + 4, at + 4 + i32[at >>> 2]!));
  if (source.startsWith('\0')) return undefined;
  try {
    return Function(`return (${source}\n)`)() as AnyFunction;
  } catch {
    return undefined;
  }
}
