/**
 * Programs that try to take the machine, the host or the router, each with the faults that may come of it. All of them have
 * defeated an isolate with a time and a memory limit alone, or show that one of these holds.
 */
import type { FaultKind } from '../../../src/policies/sandbox/types.ts';

export interface Hostile {
  /** Body of `plan`. */
  body: string;
  kinds: FaultKind[];
}

const WAIT = "return { action: 'wait', reason: 'x' };";

/** What takes time or memory. A slower machine may meet the clock first, a faster one the bound on memory. */
export const EXHAUSTING: Record<string, Hostile> = {
  'loops for ever': { body: 'for (;;);', kinds: ['timeout'] },
  'loops in microtasks': { body: `const f = () => Promise.resolve().then(f); f(); ${WAIT}`, kinds: ['timeout'] },
  'loops in an async function': { body: `(async () => { for (;;) await 0; })(); ${WAIT}`, kinds: ['timeout'] },
  'matches for ever': { body: `/^(a+)+$/.test('a'.repeat(40) + 'b'); ${WAIT}`, kinds: ['timeout'] },
  'matches 20 MB': { body: `/1+2/.test('1'.repeat(2e7)); ${WAIT}`, kinds: ['timeout'] },
  'prints a huge BigInt': {
    body: "return { action: 'wait', reason: String(2n ** 30000000n) };",
    kinds: ['timeout', 'too-long'],
  },
  'squares a BigInt for ever': { body: 'let x = 3n; for (;;) x = x * x;', kinds: ['timeout', 'memory', 'throw'] },
  'pushes arrays for ever': {
    body: 'const a = []; for (;;) a.push(new Array(1000).fill(1));',
    kinds: ['timeout', 'memory'],
  },
  'fills a huge array': { body: 'Array(1e9).fill(0);', kinds: ['timeout', 'memory'] },
  'joins a huge string': { body: "[].join.call('1'.repeat(2 ** 27));", kinds: ['timeout', 'memory'] },
  'sorts a huge string': { body: "[].sort.call('1'.repeat(2 ** 27));", kinds: ['timeout', 'memory', 'throw'] },
  'splits a huge string': { body: "'1'.repeat(2 ** 27).split('');", kinds: ['timeout', 'memory'] },
  'parses 67 million items': { body: "JSON.parse('[' + '1,'.repeat(67e6) + '1]');", kinds: ['timeout', 'memory'] },
  'spreads a huge string': { body: "[...'1'.repeat(5e8)];", kinds: ['timeout', 'memory'] },
  'recurses in try and finally': {
    body: 'const f = () => { try { f(); } finally { f(); } }; f();',
    kinds: ['timeout'],
  },
  'returns 200 MB': {
    body: "return { action: 'wait', reason: 'x'.repeat(2e8) };",
    kinds: ['timeout', 'memory', 'too-long', 'throw'],
  },
  'returns a million ids': {
    body: "return { action: 'swap', evict: Array(1e6).fill('*'), reason: 'x' };",
    kinds: ['too-long', 'timeout'],
  },
  'returns an object of great depth': {
    body: 'let o = {}; for (let i = 0; i < 2e5; i++) o = { o }; return o;',
    kinds: ['too-long', 'nonsense', 'timeout'],
  },
  'returns a looping getter': { body: 'return { get action() { for (;;); } };', kinds: ['timeout'] },
  'returns a looping proxy': { body: 'return new Proxy({}, { ownKeys() { for (;;); } });', kinds: ['timeout'] },
  'throws a message that loops': { body: 'throw { get message() { for (;;); } };', kinds: ['timeout'] },
  'throws a stack that loops': {
    body: "const e = new Error('x'); Object.defineProperty(e, 'stack', { get() { for (;;); } }); throw e;",
    kinds: ['timeout'],
  },
  'leaves a rejection whose message loops': {
    body: `Promise.reject({ get message() { for (;;); } }); ${WAIT}`,
    kinds: ['timeout'],
  },
};

/** What is refused at once. */
export const REFUSED: Record<string, Hostile & { message: string }> = {
  'allocates 4 GB': { body: 'new ArrayBuffer(4e9);', kinds: ['throw'], message: 'Array buffer allocation failed' },
  'allocates buffers for ever': {
    body: 'const a = []; for (;;) a.push(new ArrayBuffer(1e7));',
    kinds: ['throw'],
    message: 'Array buffer allocation failed',
  },
  'recurses for ever': {
    body: 'const f = () => f(); f();',
    kinds: ['throw'],
    message: 'Maximum call stack size exceeded',
  },
  'compiles two million parentheses': {
    body: "eval('('.repeat(2e6));",
    kinds: ['throw'],
    message: 'Maximum call stack size exceeded',
  },
  'grows a string for ever': {
    body: "let s = 'x'; for (;;) s += s;",
    kinds: ['throw'],
    message: 'Invalid string length',
  },
  'shares memory': {
    body: 'new SharedArrayBuffer(1e9, { maxByteLength: 2e9 });',
    kinds: ['throw'],
    message: 'new SharedArrayBuffer() is not available in policies',
  },
  'grows the memory of WebAssembly': {
    body: 'new WebAssembly.Memory({ initial: 65536 });',
    kinds: ['throw'],
    message: 'WebAssembly.Memory is not available in policies',
  },
  'waits for another thread': {
    body: 'Atomics.wait(new Int32Array(4), 0, 0);',
    kinds: ['throw'],
    message: 'Atomics.wait() is not available in policies',
  },
  'watches the garbage collector': {
    body: 'new FinalizationRegistry(() => {});',
    kinds: ['throw'],
    message: 'new FinalizationRegistry() is not available in policies',
  },
  'writes stacks itself': {
    body: 'Error.prepareStackTrace = () => { for (;;); }; throw new Error();',
    kinds: ['throw'],
    message: 'Cannot assign to read only property',
  },
  'returns a promise': { body: 'return new Promise(() => {});', kinds: ['nonsense'], message: 'returned a promise' },
  'returns nothing': { body: '', kinds: ['nonsense'], message: 'returned undefined' },
  'returns a function': { body: 'return () => 1;', kinds: ['nonsense'], message: 'returned function' },
  'returns a symbol': { body: 'return Symbol();', kinds: ['nonsense'], message: 'returned symbol' },
  'returns a map': {
    body: 'return new Map([["action", "wait"]]);',
    kinds: ['nonsense'],
    message: '"action" must be one of',
  },
  'returns a circle': {
    body: 'const o = {}; o.o = o; return o;',
    kinds: ['nonsense'],
    message: 'cannot be written as JSON',
  },
  'returns a BigInt': {
    body: "return { action: 'wait', forMs: 1n, reason: 'x' };",
    kinds: ['nonsense'],
    message: 'cannot be written as JSON',
  },
  'returns NaN': {
    body: "return { action: 'wait', forMs: NaN, reason: 'x' };",
    kinds: ['nonsense'],
    message: '"forMs" must be a number',
  },
  'returns an infinity': {
    body: "return { action: 'wait', forMs: JSON.rawJSON('1e400'), reason: 'x' };",
    kinds: ['nonsense'],
    message: '"forMs" must be a number',
  },
  'returns no date': { body: 'return new Date(NaN);', kinds: ['throw'], message: 'new Date() is not available' },
  'returns half a character as a model': {
    body: "return { action: 'redirect', model: 'a\\ud800', reason: 'x' };",
    kinds: ['nonsense'],
    message: '"model" must hold ids',
  },
  'returns a command to terminals as a model': {
    body: "return { action: 'swap', evict: ['\\u001b[2J'], reason: 'x' };",
    kinds: ['nonsense'],
    message: '"evict" must hold ids',
  },
  'speaks for all objects': {
    body: "Object.prototype.toJSON = () => 'mine'; return { action: 'wait', reason: 'x' };",
    kinds: ['nonsense'],
    message: 'expected an object with an "action", got string',
  },
  'inherits its answer': {
    body: "Object.prototype.evict = []; Object.prototype.reason = 'x'; return { action: 'swap' };",
    kinds: ['nonsense'],
    message: '"evict" must be a list of ids, got nothing',
  },
  'returns its own __proto__': {
    body: 'return JSON.parse(`{"action":"swap","evict":[],"reason":"x","__proto__":{"polluted":1}}`);',
    kinds: ['nonsense'],
    message: 'unknown field "__proto__"',
  },
  'returns a constructor': {
    body: "return { action: 'swap', evict: [], reason: 'x', constructor: { prototype: { polluted: 1 } } };",
    kinds: ['nonsense'],
    message: 'unknown field "constructor"',
  },
  'evicts everything by a star': {
    body: "return { action: 'swap', evict: '*', reason: 'x' };",
    kinds: ['nonsense'],
    message: '"evict" must be a list of ids',
  },
  'throws nothing': { body: 'throw undefined;', kinds: ['throw'], message: 'undefined was thrown' },
  'throws what cannot be read': {
    body: 'throw new Proxy({}, { get() { throw 1; } });',
    kinds: ['throw'],
    message: 'what was thrown cannot be read',
  },
};
