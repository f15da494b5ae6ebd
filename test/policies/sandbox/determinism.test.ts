/** The same view and seed give the same answer: nothing but `state` survives a call, and `state` changes in `evolve` only. */
import { describe, expect, it } from 'vitest';
import { until } from '../../support/until.ts';
import {
  asked,
  faultOf,
  LRU,
  loaded,
  planning,
  programOf,
  reasonOf,
  testHost,
  told,
  unwrap,
  usualView,
} from './support.ts';

const VIEW = usualView();

describe('an answer', () => {
  const host = testHost();

  it('is the same for the same view and seed, also after 1,000 other calls', async () => {
    const source = planning(`
      const ready = view.models.filter((model) => model.phase === 'ready');
      return { action: 'swap', evict: [ready[Math.floor(view.random() * ready.length)].id], reason: String(view.random()) };`);
    await loaded(host, programOf(source));
    const first = unwrap(await asked(host, { view: VIEW, seed: 42 })).answer;
    const others = new Set<string>();
    for (let seed = 0; seed < 1_000; seed++) {
      others.add(JSON.stringify(unwrap(await asked(host, { view: VIEW, seed })).answer));
    }
    expect(others.size).toBe(1_000);
    expect(unwrap(await asked(host, { view: VIEW, seed: 42 })).answer).toEqual(first);
  });

  it('is the same in another child', async () => {
    const expression = '[view.random(), view.random(), view.random()]';
    const here = await told(host, expression, 7);
    const there = testHost();
    expect(await told(there, expression, 7)).toBe(here);
    const draws = here.split(',').map(Number);
    expect(draws.every((draw) => draw >= 0 && draw < 1)).toBe(true);
    expect(new Set(draws).size).toBe(3);
  });

  it('does not see what an earlier call left in variables, globals or prototypes', async () => {
    const source = `
      let calls = 0;
      export default { name: 'counter', apiVersion: 1, plan(view) {
        calls += 1;
        globalThis.seen = (globalThis.seen ?? 0) + 1;
        Array.prototype.seen = (Array.prototype.seen ?? 0) + 1;
        this.seen = (this.seen ?? 0) + 1;
        return { action: 'wait', reason: [calls, seen, [].seen, this.seen].join() };
      } };`;
    await loaded(host, programOf(source));
    for (let i = 0; i < 20; i++) expect(reasonOf(await asked(host))).toBe('1,1,1,1');
  });

  it('does not see what an earlier call did to JSON or Object', async () => {
    const source = planning(`
      const before = JSON.stringify({ a: 1 });
      JSON.stringify = () => 'gone'; Object.freeze = null; Object.prototype.toJSON = () => ({ action: 'gone' });
      delete Object.prototype.toJSON;
      return { action: 'wait', reason: before };`);
    await loaded(host, programOf(source));
    for (let i = 0; i < 5; i++) expect(reasonOf(await asked(host))).toBe('{"a":1}');
  });
});

describe('what reads a clock, chance or the machine', () => {
  const host = testHost();

  it.each([
    ['Date.now()', 'Date.now() is not available in policies: use view.now'],
    ['new Date()', 'new Date() is not available in policies: use view.now'],
    ['Date()', 'Date() is not available in policies: use view.now'],
    ['Temporal.Now.instant()', 'Temporal.Now is not available in policies: use view.now'],
    ['Math.random()', 'Math.random() is not available in policies: use view.random()'],
    ['console.log(1)', 'console.log() is not available in policies: use view.log()'],
    ['new Intl.NumberFormat()', 'Intl.NumberFormat is not available in policies: write numbers and text'],
    ['(1).toLocaleString()', 'toLocaleString() is not available in policies: it depends on the machine'],
    ['[1].toLocaleString()', 'toLocaleString() is not available in policies'],
    ['new Uint8Array(1).toLocaleString()', 'toLocaleString() is not available in policies'],
    ['1n.toLocaleString()', 'toLocaleString() is not available in policies'],
    [
      "'a'.localeCompare('b')",
      'localeCompare() is not available in policies: it depends on the machine; compare with < and >',
    ],
    [
      "'a'.toLocaleUpperCase()",
      'toLocaleUpperCase() is not available in policies: it depends on the machine; use toUpperCase()',
    ],
    ['new WeakRef({})', 'new WeakRef() is not available in policies'],
    ['Atomics.now', 'Atomics.now() is not available in policies'],
    ['WebAssembly.compile()', 'WebAssembly.compile() is not available in policies: write it in JavaScript'],
    ['setTimeout(() => {}, 1)', 'setTimeout is not defined (answer { action: "wait", forMs } instead)'],
    ['performance.now()', 'performance is not defined (use view.now)'],
    ['crypto.randomUUID()', 'crypto is not defined (use view.random())'],
    ["require('fs')", 'require is not defined (a policy has its view and nothing else)'],
    ["fetch('http://example.org')", 'fetch is not defined (a policy cannot reach the network)'],
  ])('%s fails with what to use instead', async (expression, message) => {
    await loaded(host, programOf(planning(`return { action: 'wait', reason: String(${expression}) };`)));
    const fault = faultOf(await asked(host));
    expect(fault.kind).toBe('throw');
    expect(fault.message).toContain(message);
    expect(fault).toMatchObject({ line: 1 });
  });

  it('has no other door: whatever this engine adds to the language is taken away', async () => {
    const rest = await told(
      host,
      `Object.getOwnPropertyNames(globalThis).filter((name) => typeof globalThis[name] === 'object' && globalThis[name] !== globalThis).join()`,
    );
    expect(rest.split(',').sort()).toEqual(['JSON', 'Math', 'Reflect']);
  });
});

describe('the view', () => {
  const host = testHost();

  it.each([
    ['a model', 'view.models[0].id = "x"'],
    ['the list of models', 'view.models.push(1)'],
    ['the order of the waiting', 'view.waiting.sort()'],
    ['what is deep in it', 'view.models[0].memory.declared.gpu0 = 1'],
    ['itself', 'view.now = 1'],
    ['its functions', 'view.log.x = 1'],
    ['the options', 'view.options.x = 1'],
  ])('cannot be changed: %s', async (_, change) => {
    await loaded(host, programOf(planning(`${change}; return { action: 'wait', reason: 'x' };`)));
    const fault = faultOf(await asked(host, { view: VIEW }));
    expect(fault.kind).toBe('throw');
    expect(fault.message).toContain('(the view cannot be changed; copy it first)');
  });

  it('holds what the kernel sent, the options and no memory where there is none', async () => {
    const options = { keep: { type: 'string', default: 'coder' } };
    const source = `export default { name: 'o', apiVersion: 1, options: ${JSON.stringify(options)}, plan(view) {
      return { action: 'wait', reason: JSON.stringify([view.now, view.options, view.state]) };
    } };`;
    await loaded(host, programOf(source));
    expect(reasonOf(await asked(host, { view: '{"now":5}' }))).toBe('[5,{"keep":"coder"},null]');
  });

  it('takes log lines: at most 100, each of at most 500 characters and one line', async () => {
    await loaded(
      host,
      programOf(
        planning(`
      view.log('two\\nlines'); view.log({}); view.log('x'.repeat(1000)); view.log('\\u001b[31mred');
      for (let i = 0; i < 200; i++) view.log(i);
      return { action: 'wait', reason: 'x' };`),
      ),
    );
    const { logs } = unwrap(await asked(host));
    expect(logs).toHaveLength(100);
    expect(logs.slice(0, 2)).toEqual(['two lines', '[object Object]']);
    expect(logs[2]).toBe('x'.repeat(500));
    expect(logs[3]).toBe('red');
    expect(logs.at(-1)).toBe('95');
  });
});

describe('memory', () => {
  /** Counts loads by model; its plan tries to change the memory too. */
  const counting = `
    let leaked = 0;
    export default { name: 'counting', apiVersion: 1, events: ['swap.finished'],
      initial(options) { return { first: 'initial', loads: {} }; },
      evolve(state, event) {
        leaked += 1;
        state.loads[event.model] = (state.loads[event.model] ?? 0) + 1;
        return state;
      },
      plan(view) {
        try { view.state.loads.a = 99; } catch {}
        return { action: 'wait', reason: leaked + JSON.stringify(view.state) };
      } };`;
  const event = (model: string) => JSON.stringify({ type: 'swap.finished', model });

  it('begins with initial(), changes in evolve() and is only read in plan()', async () => {
    const host = testHost();
    await loaded(host, programOf(counting));
    expect(reasonOf(await asked(host))).toBe('0{"first":"initial","loads":{}}');
    host.evolve('live', 1, [event('a'), event('b')]);
    host.evolve('live', 2, [event('a')]);
    const expected = '0{"first":"initial","loads":{"a":2,"b":1}}';
    for (let i = 0; i < 3; i++) expect(reasonOf(await asked(host))).toBe(expected);
    host.evolve('live', 3, [event('a')]);
    expect(reasonOf(await asked(host))).toBe('0{"first":"initial","loads":{"a":3,"b":1}}');
  });

  it('is the same however the events were cut into pieces', async () => {
    const host = testHost();
    // what is not JSON does not survive an event, wherever the cut is
    const source = `export default { name: 'map', apiVersion: 1, events: ['swap.finished'],
      evolve: (state, event) => ({ map: state?.map instanceof Map ? 'map' : new Map(), n: (state?.n ?? 0) + event.n, at: undefined }),
      plan: (view) => ({ action: 'wait', reason: JSON.stringify(view.state) }) };`;
    const events = Array.from({ length: 600 }, (_, n) => JSON.stringify({ n }));
    const ends: string[] = [];
    for (const size of [1, 7, 256, 600]) {
      await loaded(host, programOf(source));
      for (let from = 0; from < events.length; from += size) {
        host.evolve('live', from, events.slice(from, from + size));
        if (size < 256 && from % 70 === 0) unwrap(await asked(host));
      }
      ends.push(reasonOf(await asked(host)));
    }
    expect(new Set(ends)).toEqual(new Set(['{"map":{},"n":179700}']));
  });

  it('is rebuilt from the log when a program is loaded, and then equals one that lived through it', async () => {
    const log = Array.from({ length: 1_000 }, (_, i) => event(`model-${i % 7}`));
    const questions: unknown[] = [];
    const host = testHost({
      async *replay(question) {
        questions.push(question);
        yield log.slice(0, 300);
        host.evolve('rebuilt', 1_000, log.slice(990)); // these come while it is being loaded
        yield log.slice(300, question.upTo);
      },
    });
    await loaded(host, programOf(counting, { slot: 'lived' }));
    host.evolve('lived', 1_000, log);
    await loaded(host, programOf(counting, { slot: 'rebuilt', position: 990 }));
    expect(questions).toEqual([{ slot: 'rebuilt', types: ['swap.finished'], upTo: 990 }]);
    const rebuilt = reasonOf(await asked(host, { slot: 'rebuilt' }));
    expect(rebuilt).toBe(reasonOf(await asked(host, { slot: 'lived' })));
    expect(rebuilt).toContain('"model-0":143');
  });

  it('is not touched by an event that is too long: that is told, and nobody is blamed', async () => {
    const faults: string[] = [];
    const host = testHost({ onFault: (_, fault) => faults.push(fault.message) });
    await loaded(host, programOf(counting));
    host.evolve('live', 1, [event('a'), event('x'.repeat(2_000_000))]);
    expect(faultOf(await host.ask('live', 'plan', '{}', 1))).toMatchObject({ kind: 'too-long', guilty: false });
    expect(faults).toEqual(['an event is 2000037 bytes long, at most 1048576 are allowed']);
  });

  it.each([
    ['throws', 'throw new Error("no")', 'throw', 'Error: no'],
    ['loops', 'for (;;);', 'timeout', 'took longer than 50 ms'],
    ['returns nothing', '', 'nonsense', 'evolve() returned undefined, which cannot be written as JSON'],
    ['returns too much', 'return "x".repeat(70000)', 'too-long', 'evolve() returned 70002 characters'],
  ] as const)(
    'that missed an event is none: a policy whose evolve %s answers with that fault from then on',
    async (_, body, kind, message) => {
      const faults: unknown[] = [];
      const host = testHost({ onFault: (slot, fault) => faults.push([slot, fault.kind]) });
      const source = `export default { name: 'bad', apiVersion: 1, events: ['swap.finished'],\nevolve() { ${body} },\nplan: () => ({ action: 'wait', reason: 'x' }) };`;
      await until('evolve to fail by itself', async () => {
        faults.length = 0;
        await loaded(host, programOf(source));
        unwrap(await asked(host));
        host.evolve('live', 1, ['{}']);
        return faultOf(await host.ask('live', 'plan', '{}', 1)).guilty;
      });
      for (let i = 0; i < 3; i++) {
        const fault = faultOf(await host.ask('live', 'plan', '{}', 1));
        expect(fault).toMatchObject({ kind, during: 'evolve', guilty: true });
        expect(fault.message).toContain(message);
      }
      expect(faults).toEqual([['live', kind]]);
      expect(host.status().slots).toMatchObject([{ slot: 'live', phase: 'broken' }]);
      await loaded(host, programOf(LRU));
      unwrap(await asked(host, { view: VIEW }));
    },
  );
});
