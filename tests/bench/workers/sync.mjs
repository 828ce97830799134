// The two sides of every queue, ring and channel that the sync rows measure, by name.
import { RingBuffer } from 'ringbuf.js';

/** Both rings nap after so many vain attempts in a row: on a busy machine a spinning end only keeps the other from running. */
const VAIN = 2000;
const nap = new Int32Array(new SharedArrayBuffer(4));
const idle = (vain) => {
  if (vain % VAIN === 0) Atomics.wait(nap, 0, 0, 0.05);
};

/** A function per kind of ring, so that engines compile each loop for one kind. */
const pushBlocks = (ring, array) => (n) => {
  for (let i = 0, vain = 0; i < n; ) {
    array[0] = i;
    const pushed = ring.push(array);
    i += pushed;
    if (pushed === 0) idle(++vain);
    else vain = 0;
  }
};
const popBlocks = (ring, array) => (n) => {
  let first = 0;
  for (let i = 0, vain = 0; i < n; ) {
    const popped = ring.pop(array);
    i += popped;
    if (popped > 0) {
      first = array[0];
      vain = 0;
    } else {
      idle(++vain);
    }
  }
  return first;
};

/** Vyukov's queue with a sequence number per slot, spinning: what the hardware allows in JavaScript. */
function vyukov({ buffer, size }) {
  const words = new Int32Array(buffer);
  const mask = size - 1;
  return {
    push(value) {
      for (let vain = 0; ; ) {
        const at = Atomics.load(words, 0);
        const cell = 64 + ((at & mask) << 1);
        const ahead = (Atomics.load(words, cell) - at) | 0;
        if (ahead === 0 && Atomics.compareExchange(words, 0, at, at + 1) === at) {
          words[cell + 1] = value;
          Atomics.store(words, cell, at + 1);
          return;
        }
        if (ahead < 0) idle(++vain);
      }
    },
    pop() {
      for (let vain = 0; ; ) {
        const at = Atomics.load(words, 32);
        const cell = 64 + ((at & mask) << 1);
        const ahead = (Atomics.load(words, cell) - at - 1) | 0;
        if (ahead === 0 && Atomics.compareExchange(words, 32, at, at + 1) === at) {
          const value = words[cell + 1];
          Atomics.store(words, cell, at + size);
          return value;
        }
        if (ahead < 0) idle(++vain);
      }
    },
  };
}

const pushNumbers = (push) => (n) => {
  for (let i = 0; i < n; i++) push(i);
};
const popNumbers = (pop) => (n) => {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += pop();
  return sum;
};

/** Sums up what arrives at a port, also what does before it is told how many to wait for. */
function listening(port, numberOf) {
  let [arrived, sum, enough] = [0, 0, () => {}];
  port.onmessage = ({ data }) => {
    arrived++;
    sum += numberOf(data);
    enough();
  };
  return (n) =>
    new Promise((done) => {
      enough = () => {
        if (arrived < n) return;
        done(sum);
        [arrived, sum, enough] = [0, 0, () => {}];
      };
      enough();
    });
}

/** Has the engine compile what the two ends of a queue run: a wake-up is measured, not an interpreter. */
function warm({ createQueue }) {
  const queue = createQueue({ capacity: 4, type: 'i32' });
  for (let i = 0; i < 20_000; i++) {
    queue.pushWait(i);
    queue.popWait();
    if (i % 10 === 0) queue.popWait({ timeout: 0.001 });
  }
}

/** `role(sync, data, port)` makes what a worker does when it is told to, with the number it is told. */
const ROLES = {
  ringPushOne(sync, { handle }) {
    const ring = sync.Ring.attach(handle);
    return (n) => {
      for (let i = 0; i < n; i++) for (let vain = 1; !ring.pushOne(i & 1023); vain++) idle(vain);
    };
  },
  ringPopOne(sync, { handle }) {
    const ring = sync.Ring.attach(handle);
    return (n) => {
      let sum = 0;
      for (let i = 0; i < n; i++) {
        let value;
        for (let vain = 1; (value = ring.popOne()) === undefined; vain++) idle(vain);
        sum += value;
      }
      return sum;
    };
  },
  ringPush: (sync, { handle, block }) => pushBlocks(sync.Ring.attach(handle), new Float32Array(block)),
  ringPop: (sync, { handle, block }) => popBlocks(sync.Ring.attach(handle), new Float32Array(block)),
  peerPushOne(_, { buffer }) {
    const ring = new RingBuffer(buffer, Float32Array);
    const one = new Float32Array(1);
    return (n) => {
      for (let i = 0; i < n; i++) {
        one[0] = i & 1023;
        for (let vain = 1; ring.push(one) === 0; vain++) idle(vain);
      }
    };
  },
  peerPopOne(_, { buffer }) {
    const ring = new RingBuffer(buffer, Float32Array);
    const one = new Float32Array(1);
    return (n) => {
      let sum = 0;
      for (let i = 0; i < n; i++) {
        for (let vain = 1; ring.pop(one) === 0; vain++) idle(vain);
        sum += one[0];
      }
      return sum;
    };
  },
  peerPush: (_, { buffer, block }) => pushBlocks(new RingBuffer(buffer, Float32Array), new Float32Array(block)),
  peerPop: (_, { buffer, block }) => popBlocks(new RingBuffer(buffer, Float32Array), new Float32Array(block)),

  queuePush(sync, { handle }) {
    const queue = sync.Queue.attach(handle);
    return pushNumbers((i) => queue.pushWait(i));
  },
  queuePop(sync, { handle }) {
    const queue = sync.Queue.attach(handle);
    return popNumbers(() => queue.popWait());
  },
  vyukovPush(_, data) {
    const queue = vyukov(data);
    return pushNumbers((i) => queue.push(i));
  },
  vyukovPop(_, data) {
    const queue = vyukov(data);
    return popNumbers(() => queue.pop());
  },
  portPush: (_sync, _data, port) => pushNumbers((i) => port.postMessage(i)),
  portPop: (_sync, _data, port) => listening(port, (number) => number),
  queuePushObjects(sync, { handle }) {
    const queue = sync.Queue.attach(handle);
    return pushNumbers((id) => queue.pushWait({ id, name: 'task' }));
  },
  queuePopObjects(sync, { handle }) {
    const queue = sync.Queue.attach(handle);
    return popNumbers(() => queue.popWait().id);
  },
  portPushObjects: (_sync, _data, port) => pushNumbers((id) => port.postMessage({ id, name: 'task' })),
  portPopObjects: (_sync, _data, port) => listening(port, ({ id }) => id),

  atomicsAlone() {
    const words = new Int32Array(new SharedArrayBuffer(256));
    return (n) => {
      Atomics.store(words, 0, 0);
      const from = performance.now();
      for (let i = 0; i < n; i++) {
        Atomics.compareExchange(words, 0, i, i + 1);
        Atomics.store(words, 32, i);
      }
      return ((performance.now() - from) * 1e6) / n;
    };
  },
  queueAlone(sync) {
    const queue = sync.createQueue({ capacity: 1024, type: 'i32' });
    return (n) => {
      let sum = 0;
      const from = performance.now();
      for (let i = 0; i < n; i++) {
        queue.push(i);
        sum += queue.pop();
      }
      const spent = performance.now() - from;
      if (sum !== (n * (n - 1)) / 2) throw new Error('wrong answer');
      return (spent * 1e6) / n;
    };
  },
  mutexAlone(sync) {
    const mutex = new sync.Mutex();
    return (n) => {
      const from = performance.now();
      for (let i = 0; i < n; i++) mutex.lockSync().release();
      return ((performance.now() - from) * 1e6) / n;
    };
  },

  queueEcho(sync, { there, back }) {
    warm(sync);
    const [from, to] = [sync.Queue.attach(there), sync.Queue.attach(back)];
    return (n) => {
      for (let i = 0; i < n; i++) to.pushWait(from.popWait());
    };
  },
  queueAsk(sync, { there, back }) {
    const [to, from] = [sync.Queue.attach(there), sync.Queue.attach(back)];
    return (n) => {
      const start = performance.now();
      for (let i = 0; i < n; i++) {
        to.pushWait(i);
        if (from.popWait() !== i) throw new Error('wrong answer');
      }
      return ((performance.now() - start) * 1000) / n / 2;
    };
  },
  bareEcho(_, { words, slice }) {
    return (n) => {
      for (let i = 0; i < n; i++) {
        const at = Atomics.load(words, 64);
        Atomics.wait(words, 0, at, slice);
        Atomics.store(words, 64, (at + 1) | 0);
        Atomics.store(words, 32, (at + 1) | 0);
        Atomics.notify(words, 32);
      }
    };
  },
  bareAsk(_, { words, slice }) {
    return (n) => {
      const start = performance.now();
      for (let i = 0; i < n; i++) {
        const at = Atomics.load(words, 0);
        Atomics.store(words, 0, (at + 1) | 0);
        Atomics.notify(words, 0);
        Atomics.wait(words, 32, at, slice);
      }
      return ((performance.now() - start) * 1000) / n / 2;
    };
  },
  // The same with a millisecond between: both are certainly asleep, and only the way there is timed.
  queueSleepyAsk(sync, { there, back }) {
    warm(sync);
    const [to, from] = [sync.Queue.attach(there), sync.Queue.attach(back)];
    return (n) => {
      let spent = 0;
      for (let i = 0; i < n; i++) {
        Atomics.wait(nap, 0, 0, 1);
        const start = performance.now();
        to.pushWait(i);
        if (from.popWait() !== i) throw new Error('wrong answer');
        spent += performance.now() - start;
      }
      return (spent * 1000) / n / 2;
    };
  },
  bareSleepyAsk(_, { words, slice }) {
    return (n) => {
      let spent = 0;
      for (let i = 0; i < n; i++) {
        Atomics.wait(nap, 0, 0, 1);
        const start = performance.now();
        const at = Atomics.load(words, 0);
        Atomics.store(words, 0, (at + 1) | 0);
        Atomics.notify(words, 0);
        Atomics.wait(words, 32, at, slice);
        spent += performance.now() - start;
      }
      return (spent * 1000) / n / 2;
    };
  },
};

let act;
onmessage = async ({ data, ports }) => {
  try {
    if (data.role !== undefined) {
      act = ROLES[data.role](await import(data.sync), data.data, ports[0]);
      postMessage({ value: 'ready' });
    } else {
      postMessage({ value: await act(data.n) });
    }
  } catch (error) {
    postMessage({ error: String(error?.message ?? error) });
  }
};
