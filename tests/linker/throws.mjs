// Exceptions as Emscripten's JavaScript makes them for side modules of C++: what such modules import, for tests of any engine.

class Thrown extends Error {
  constructor(object) {
    super(`a C++ exception at ${object}`);
    this.object = object;
  }
}

/** The object last thrown on this thread, whichever modules did, and the type that it was caught as. */
let thrown = 0;
let matched = 0;

/** The imports of modules that let JavaScript call what may throw; see `ImportContext` of heap.link. */
export default function given({ memory, wanted, call, invoke }) {
  /** The type of a thrown object lies in front of it. */
  const typeOf = (object) => new Uint32Array(memory.buffer)[(object - 16) >> 2];
  const rethrow = (object) => {
    thrown = object;
    throw new Thrown(object);
  };
  const env = {
    __cxa_throw(object, type) {
      new Uint32Array(memory.buffer)[(object - 16) >> 2] = type;
      rethrow(object);
    },
    __resumeException: rethrow,
    __cxa_begin_catch: (object) => object,
    __cxa_end_catch() {},
    llvm_eh_typeid_for: (type) => type,
    getTempRet0: () => matched,
  };
  const match = (...types) => {
    matched = types.find((type) => type === 0 || type === typeOf(thrown)) ?? 0;
    return thrown;
  };
  for (const { name } of wanted) {
    if (name.startsWith('__cxa_find_matching_catch_')) env[name] = match;
    if (!name.startsWith('invoke_')) continue;
    env[name] = (slot, ...args) => {
      try {
        return invoke(slot, ...args);
      } catch (error) {
        if (!(error instanceof Thrown)) throw error;
        call('setThrew', 1, 0);
        return 0;
      }
    };
  }
  return { env };
}
