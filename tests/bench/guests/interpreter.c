// An interpreter of a small dynamic language: tagged values, checked types and stack, variables by index.

enum { PUSH, LOAD, STORE, ADD, SUB, MUL, LESS, JUMP, BRANCH, HALT };
enum { INTEGER, REAL };

typedef struct {
  int tag;
  union {
    int integer;
    double real;
  };
} Value;

static const int code[] = {
  PUSH, 0, STORE, 0,                                  // sum = 0
  PUSH, 0, STORE, 1,                                  // i = 0
  LOAD, 1, LOAD, 2, LESS, BRANCH, 17, HALT, 0,        // while (i < n)
  LOAD, 0, LOAD, 1, LOAD, 1, MUL, ADD, PUSH, 7, SUB,  // sum + i * i - 7
  STORE, 0,
  LOAD, 1, PUSH, 1, ADD, STORE, 1, JUMP, 8,           // i += 1
};

static Value variables[16];
static Value stack[256];

static double number(Value value) { return value.tag == INTEGER ? (double)value.integer : value.real; }

// Integers as long as they fit, reals beyond.
static __attribute__((noinline)) Value arithmetic(int op, Value a, Value b) {
  Value result;
  if (a.tag == INTEGER && b.tag == INTEGER) {
    long long wide = op == ADD ? (long long)a.integer + b.integer : op == SUB ? (long long)a.integer - b.integer : (long long)a.integer * b.integer;
    if (wide == (int)wide) {
      result.tag = INTEGER;
      result.integer = (int)wide;
      return result;
    }
  }
  double x = number(a), y = number(b);
  result.tag = REAL;
  result.real = op == ADD ? x + y : op == SUB ? x - y : x * y;
  return result;
}

int run(int rounds) {
  Value *top = stack;
  int at = 0;
  variables[2].tag = INTEGER;
  variables[2].integer = rounds;
  for (;;) {
    if (top < stack || top > stack + 254 || at < 0 || at >= (int)(sizeof code / sizeof *code)) return -1;
    int op = code[at++];
    switch (op) {
      case PUSH:
        top->tag = INTEGER;
        top++->integer = code[at++];
        break;
      case LOAD: *top++ = variables[code[at++] & 15]; break;
      case STORE: variables[code[at++] & 15] = *--top; break;
      case ADD:
      case SUB:
      case MUL:
        top--;
        top[-1] = arithmetic(op, top[-1], top[0]);
        break;
      case LESS:
        top--;
        top[-1].integer = number(top[-1]) < number(top[0]);
        top[-1].tag = INTEGER;
        break;
      case JUMP: at = code[at]; break;
      case BRANCH: {
        Value condition = *--top;
        at = number(condition) != 0 ? code[at] : at + 1;
        break;
      }
      case HALT: {
        double sum = number(variables[code[at]]);
        return sum < 2e9 ? (int)sum : (int)(sum / 1e12);
      }
      default: return -1;
    }
  }
}

int add(int a, int b) { return a + b; }
