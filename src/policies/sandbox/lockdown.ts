/**
 * Takes away, inside a fresh context and before a policy's code runs, what reads a clock, chance, the locale, memory or
 * another thread: the same view and seed must give the same answer anywhere. Its text is sent into the isolate, so it must
 * never use an import or a name from outside itself.
 */

export interface Removed {
  /** Globals that are replaced by a thing that fails when used, each with what to use instead. */
  traps: Record<string, string>;
  /** Every other global that may stay. What a newer engine adds is taken away until somebody has looked at it. */
  keep: string[];
}

export const REMOVED: Removed = {
  traps: {
    Date: 'use view.now',
    Temporal: 'use view.now',
    Intl: 'write numbers and text with String() and toFixed()',
    WeakRef: 'when memory is freed cannot be foreseen; use a Map',
    FinalizationRegistry: 'when memory is freed cannot be foreseen; use a Map',
    Atomics: 'a policy runs alone',
    SharedArrayBuffer: 'use ArrayBuffer',
    WebAssembly: 'write it in JavaScript',
    console: 'use view.log()',
  },
  keep: [
    ...['globalThis', 'Infinity', 'NaN', 'undefined', 'isFinite', 'isNaN', 'parseFloat', 'parseInt', 'eval'],
    ...['decodeURI', 'decodeURIComponent', 'encodeURI', 'encodeURIComponent', 'escape', 'unescape'],
    ...['Object', 'Function', 'Array', 'String', 'Number', 'Boolean', 'Symbol', 'BigInt', 'RegExp', 'Promise', 'Proxy'],
    ...['Math', 'JSON', 'Reflect', 'Iterator', 'Map', 'Set', 'WeakMap', 'WeakSet', 'ArrayBuffer', 'DataView'],
    ...['Error', 'AggregateError', 'EvalError', 'RangeError', 'ReferenceError', 'SuppressedError', 'SyntaxError'],
    ...['TypeError', 'URIError', 'DisposableStack', 'AsyncDisposableStack'],
    ...['Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array'],
    ...['Float16Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array'],
  ],
};

export function lockDown({ traps, keep }: Removed): void {
  const world = globalThis as unknown as Record<string, unknown>;

  function refuse(what: string, remedy: string): never {
    throw new TypeError(`${what} is not available in policies: ${remedy}`);
  }

  function define(on: object, name: string, value: unknown): void {
    Object.defineProperty(on, name, { value, writable: true, configurable: true, enumerable: false });
  }

  function trap(name: string, remedy: string): object {
    const nameOf = (key: string) => `${name}.${key}${/^[a-z]/.test(key) && key !== 'prototype' ? '()' : ''}`;
    // a plain function, because an arrow function cannot be called with `new`
    return new Proxy(function Unavailable() {}, {
      // engines ask a value for symbols when they print or compare it
      get: (_target, key) => (typeof key === 'symbol' ? undefined : refuse(nameOf(key), remedy)),
      apply: () => refuse(`${name}()`, remedy),
      construct: () => refuse(`new ${name}()`, remedy),
    });
  }

  /** Stands in for methods that answer differently on another machine. */
  function blunt(of: string, on: object, name: string, remedy: string): void {
    if (!Object.hasOwn(on, name)) return;
    define(on, name, () => refuse(`${of}${name}()`, remedy));
  }

  for (const name of Object.getOwnPropertyNames(world)) {
    if (!keep.includes(name)) delete world[name];
  }
  for (const name of Object.keys(traps)) define(world, name, trap(name, traps[name] as string));

  blunt('Math.', Math, 'random', 'use view.random()');
  const plain = 'it depends on the machine; use String() or toFixed()';
  const typedArray = Object.getPrototypeOf(Uint8Array.prototype);
  for (const on of [Object, Array, Number, BigInt, String]) blunt('', on.prototype, 'toLocaleString', plain);
  blunt('', typedArray, 'toLocaleString', plain);
  blunt('', String.prototype, 'toLocaleLowerCase', 'it depends on the machine; use toLowerCase()');
  blunt('', String.prototype, 'toLocaleUpperCase', 'it depends on the machine; use toUpperCase()');
  blunt('', String.prototype, 'localeCompare', 'it depends on the machine; compare with < and >');

  // Stacks tell where a policy failed, so a policy may not write them itself, nor make them long.
  for (const [name, value] of [
    ['prepareStackTrace', undefined],
    ['stackTraceLimit', 10],
  ] as const) {
    Object.defineProperty(Error, name, { value, writable: false, configurable: false, enumerable: false });
  }
}
