/**
 * Tools of the code around a policy, inside the isolate. The text of this function is sent in, so it must stand alone: it
 * must never use an import or a name from outside itself. What it needs of the language it takes before the policy's code
 * runs; the policy may then change what it likes.
 */

export interface InsideBounds {
  answerChars: number;
  stateChars: number;
  logLines: number;
  logLineChars: number;
  messageChars: number;
  stackChars: number;
}

export interface InsideTools {
  deepFreeze(value: object): void;
  /** Numbers from 0 to below 1, the same for the same seed. */
  randomOf(seed: number): () => number;
  /** One line, cut to what a logged line may hold. */
  lineOf(value: unknown): string;
  /** `F` and a fault as JSON. */
  fault(kind: string, message: string, stack: string): string;
  /** The fault for whatever was thrown. */
  faultOf(thrown: unknown, kind: string, before: string): string;
  /** `A` and a value as JSON, or the fault that it is none or too long. `what` = the function that returned it. */
  written(what: string, value: unknown, charsMax: number): string;
  /** The JSON of what `written` gave. */
  jsonOf(told: string): string;
}

export function insideTools(bounds: InsideBounds): InsideTools {
  const { stringify } = JSON;
  const { freeze, values, create } = Object;
  const { imul } = Math;
  const text = String;
  // a bound `call` keeps working when `Function.prototype` is changed afterwards
  const uncurried = (method: unknown): unknown => Function.prototype.call.bind(method as () => void);
  const slice = uncurried(String.prototype.slice) as (of: string, from: number, to: number) => string;
  const replaceAll = uncurried(String.prototype.replaceAll) as (of: string, what: string, by: string) => string;

  function deepFreeze(value: object): void {
    freeze(value);
    const parts = values(value);
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i];
      if (typeof part === 'object' && part !== null) deepFreeze(part);
    }
  }

  /** Mulberry32: small, and good enough to break ties. */
  function randomOf(seed: number): () => number {
    let state = seed | 0;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
    };
  }

  function lineOf(value: unknown): string {
    const line = slice(typeof value === 'string' ? value : text(value), 0, bounds.logLineChars);
    return replaceAll(line, '\n', ' ');
  }

  function fault(kind: string, message: string, stack: string): string {
    const told = create(null);
    told.kind = kind;
    told.message = slice(message, 0, bounds.messageChars);
    told.stack = slice(stack, 0, bounds.stackChars);
    return `F${stringify(told)}`;
  }

  function field(thrown: object, name: string): string {
    const value = (thrown as Record<string, unknown>)[name];
    return typeof value === 'string' ? value : '';
  }

  /** Anything can be thrown, and reading it runs the policy's code again. */
  function faultOf(thrown: unknown, kind: string, before: string): string {
    try {
      if ((typeof thrown !== 'object' && typeof thrown !== 'function') || thrown === null) {
        return fault(kind, `${before}${typeof thrown === 'string' ? thrown : `${text(thrown)} was thrown`}`, '');
      }
      const name = field(thrown, 'name');
      const message = field(thrown, 'message');
      if (name === '' && message === '') return fault(kind, `${before}an object without a message was thrown`, '');
      return fault(kind, `${before}${name === '' ? 'Error' : name}: ${message}`, field(thrown, 'stack'));
    } catch {
      return fault(kind, `${before}what was thrown cannot be read`, '');
    }
  }

  function written(what: string, value: unknown, charsMax: number): string {
    let json: string | undefined;
    try {
      json = stringify(value);
    } catch (thrown) {
      return faultOf(thrown, 'nonsense', `${what}() returned what cannot be written as JSON: `);
    }
    if (typeof json !== 'string') {
      return fault('nonsense', `${what}() returned ${typeof value}, which cannot be written as JSON`, '');
    }
    if (json.length > charsMax) {
      return fault('too-long', `${what}() returned ${json.length} characters, at most ${charsMax} are allowed`, '');
    }
    return `A${json}`;
  }

  const jsonOf = (told: string) => slice(told, 1, told.length);

  return { deepFreeze, randomOf, lineOf, fault, faultOf, written, jsonOf };
}
