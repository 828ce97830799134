// A stack machine that runs a program of its own: what an interpreter's inner loop does, without a library.

enum { PUSH, LOAD, STORE, ADD, SUB, MUL, LESS, JUMP, BRANCH, XOR, SHR, HALT };

static int code[] = {
  PUSH, 0, STORE, 0,           // sum = 0
  PUSH, 0, STORE, 1,           // i = 0
  LOAD, 1, LOAD, 2, LESS, BRANCH, 17, HALT, 0, // while (i < n)
  LOAD, 0, LOAD, 1, LOAD, 1, MUL, ADD,         // sum + i * i
  PUSH, 7, XOR, PUSH, 1, ADD, STORE, 0,
  LOAD, 1, PUSH, 1, ADD, STORE, 1, JUMP, 8,    // i += 1
};

static int variables[16];
static int stack[256];

int run(int rounds) {
  int *top = stack;
  int at = 0;
  variables[2] = rounds;
  for (;;) {
    switch (code[at++]) {
      case PUSH: *top++ = code[at++]; break;
      case LOAD: *top++ = variables[code[at++] & 15]; break;
      case STORE: variables[code[at++] & 15] = *--top; break;
      case ADD: top--; top[-1] += top[0]; break;
      case SUB: top--; top[-1] -= top[0]; break;
      case MUL: top--; top[-1] *= top[0]; break;
      case XOR: top--; top[-1] ^= top[0]; break;
      case SHR: top--; top[-1] >>= top[0] & 31; break;
      case LESS: top--; top[-1] = top[-1] < top[0]; break;
      case JUMP: at = code[at]; break;
      case BRANCH: at = *--top ? code[at] : at + 1; break;
      case HALT: return variables[code[at]];
    }
  }
}

int add(int a, int b) { return a + b; }
