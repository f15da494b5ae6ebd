/**
 * What runs inside the isolate around a policy. The text of this function is sent in, as that of `insideTools`, so it must
 * stand alone: it must never use an import or a name from outside itself.
 */
import type { InsideBounds, InsideTools } from './inside-tools.ts';

/** How the host speaks to the inside: texts and numbers in, one text out. */
export type InsideCall = (
  op: string,
  policy: unknown,
  body: string,
  state: string,
  options: string,
  seed: number,
) => string;

type Functions = Record<string, (...given: unknown[]) => unknown>;

/**
 * Gives the function through which everything is asked. Its answer starts with a letter: `A` and the answer as JSON, then
 * each logged line after a newline (JSON has none); or `F` and the fault as JSON.
 */
export function insideCall(bounds: InsideBounds, tools: InsideTools): InsideCall {
  const { parse } = JSON;
  const { freeze, keys, create } = Object;
  const { isArray } = Array;
  const { deepFreeze, randomOf, lineOf, fault, faultOf, written, jsonOf } = tools;

  function ask(policy: Functions, hook: string, body: string, state: string, options: string, seed: number): string {
    const view = parse(body);
    let logs = '';
    let lines = 0;
    view.options = parse(options);
    view.state = parse(state);
    view.random = randomOf(seed);
    view.log = (line: unknown) => {
      if (lines >= bounds.logLines) return;
      lines++;
      logs += `\n${lineOf(line)}`;
    };
    freeze(view.random);
    freeze(view.log);
    deepFreeze(view);
    const answer = policy[hook]!(view);
    if (typeof answer !== 'object' || answer === null) {
      return fault('nonsense', `${hook}() returned ${answer === null ? 'null' : typeof answer}`, '');
    }
    if (typeof (answer as Functions)['then'] === 'function') {
      return fault('nonsense', `${hook}() returned a promise: policies answer at once, without async`, '');
    }
    const told = written(hook, answer, bounds.answerChars);
    return told[0] === 'A' ? told + logs : told;
  }

  /** Between two events the memory is JSON, so that it does not depend on how events were cut into pieces. */
  function evolve(policy: Functions, body: string, state: string, options: string): string {
    const events = parse(body);
    const given = parse(options);
    deepFreeze(given);
    let told = `A${state}`;
    for (let i = 0; i < events.length; i++) {
      deepFreeze(events[i]);
      const next = policy['evolve']!(parse(jsonOf(told)), events[i], given);
      told = written('evolve', next, bounds.stateChars);
      if (told[0] !== 'A') return told;
    }
    return told;
  }

  function initial(policy: Functions, options: string): string {
    const given = parse(options);
    deepFreeze(given);
    const first = policy['initial']!(given);
    return written('initial', first, bounds.stateChars);
  }

  /** What the default export is, for the host to judge. */
  function describe(policy: unknown): string {
    const told = create(null);
    told.is = policy === null ? 'null' : isArray(policy) ? 'array' : typeof policy;
    if (told.is === 'object') {
      const { name, apiVersion, events, options } = policy as Record<string, unknown>;
      const types = create(null);
      const names = keys(policy as object);
      for (let i = 0; i < names.length; i++) {
        types[names[i] as string] = typeof (policy as Record<string, unknown>)[names[i] as string];
      }
      told.types = types;
      told.name = name;
      told.apiVersion = apiVersion;
      told.events = events;
      told.options = options;
    }
    return written('default export', told, bounds.answerChars);
  }

  /** Goes the way of a question once, before the policy's code is there: the next time is a third faster. */
  function warm(view: { log(line: string): void; random(): number }): object {
    view.log('');
    return { random: view.random() };
  }

  return (op, policy, body, state, options, seed) => {
    try {
      if (op === 'warm') return ask({ warm } as unknown as Functions, op, body, state, options, seed);
      if (op === 'describe') return describe(policy);
      if (op === 'initial') return initial(policy as Functions, options);
      if (op === 'evolve') return evolve(policy as Functions, body, state, options);
      return ask(policy as Functions, op, body, state, options, seed);
    } catch (thrown) {
      return faultOf(thrown, 'throw', '');
    }
  };
}
