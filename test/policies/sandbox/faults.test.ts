/** A policy that is wrong is told where and why, in its own file and with what to do. */
import { describe, expect, it } from 'vitest';
import { asked, faultOf, LRU, loaded, loadFault, planning, programOf, testHost, unwrap } from './support.ts';

/** As its author would write it; the mistake is in line 12, behind a type. */
const KEEP_HOT = `// Never evicts a model that is to be kept.
import { definePolicy } from 'turnout/policy';
import type { Verdict, View } from 'turnout/policy';

interface Options { keep: string[] }

export default definePolicy({
  name: 'keep-hot',
  apiVersion: 1,
  options: { keep: { type: 'model[]', default: [] } },
  plan(view: View): Verdict {
    const first: string[] = view.candidates.find((one) => !one.gone).evict;
    return { action: 'swap', evict: first as string[], reason: 'idle longest' };
  },
});
`;

describe('the place of a fault', () => {
  const host = testHost();

  it('is the line and column of the TypeScript as written, with the lines around it', async () => {
    await loaded(host, programOf(KEEP_HOT, { file: '/home/me/policies/keep-hot.ts' }));
    const fault = faultOf(await asked(host, { view: '{"candidates":[{"gone":true,"evict":[]}]}' }));
    expect(fault).toEqual({
      kind: 'throw',
      during: 'plan',
      message: "TypeError: Cannot read properties of undefined (reading 'evict')",
      file: '/home/me/policies/keep-hot.ts',
      line: 12,
      column: 69,
      excerpt: [
        '11 |   plan(view: View): Verdict {',
        '12 |     const first: string[] = view.candidates.find((one) => !one.gone).evict;',
        '   |                                                                     ^',
        "13 |     return { action: 'swap', evict: first as string[], reason: 'idle longest' };",
      ].join('\n'),
      guilty: true,
      problems: [],
    });
  });

  it('is that of a policy, also when the engine or turnout threw', async () => {
    await loaded(host, programOf(planning("\nconst now = 1;\nreturn { action: 'wait', reason: Date.now() };")));
    expect(faultOf(await asked(host))).toMatchObject({ line: 3, column: 39 });
    await loaded(host, programOf(planning('\n\nconst f = () => f();\nf();')));
    expect(faultOf(await asked(host))).toMatchObject({
      line: 3,
      message: 'RangeError: Maximum call stack size exceeded',
    });
  });

  it('is that of the first line of a module that fails when it is loaded', async () => {
    const fault = await loadFault(host, `const table = null;\n\nconst first = table.first;\n${LRU}`);
    expect(fault).toMatchObject({ kind: 'throw', during: 'load', line: 3, column: 21 });
    expect(fault.excerpt).toContain('3 | const first = table.first;\n  |                     ^');
  });

  it.each([
    ['js', 'export default {\n  plan() { return ; };\n};', "SyntaxError: Unexpected token ';'", 2, 22],
    ['ts', 'const a = 1;\n  const b: = 2;\nexport default b;', 'SyntaxError: Unexpected token `=`', 2, 12],
    [
      'ts',
      'const a = 1;\nenum Kind { a, b }\n',
      'SyntaxError: TypeScript enum is not supported in strip-only mode',
      2,
      1,
    ],
  ])('is that of a syntax error in .%s', async (ending, source, message, line, column) => {
    const fault = await loadFault(host, source, { file: `/p/broken.${ending}` });
    expect(fault).toMatchObject({
      kind: 'syntax',
      during: 'load',
      line,
      column,
      file: `/p/broken.${ending}`,
      guilty: true,
    });
    expect(fault.message).toContain(message);
    expect(fault.message).not.toContain('broken');
    expect(fault.excerpt).toContain(source.split('\n')[1]);
  });

  it('is not needed to say that a module cannot wait', async () => {
    const fault = await loadFault(host, `await new Promise(() => {});\n${LRU}`);
    const message = 'SyntaxError: a policy cannot wait: await at the top of the module is not possible';
    expect(fault).toMatchObject({ kind: 'syntax', message, line: null });
  });

  it('is shown in a window of a very long line', async () => {
    const long = `${' '.repeat(5_000)}view.x.y`;
    await loaded(host, programOf(planning(`${long};`)));
    const { excerpt, column } = faultOf(await asked(host));
    expect(column).toBeGreaterThan(5_000);
    const [line = '', caret = ''] = (excerpt ?? '').split('\n');
    expect(line.length).toBeLessThan(200);
    expect(line.slice(caret.indexOf('^'))).toMatch(/^y/);
  });

  it.each([
    ["throw new Error('x'.repeat(2e6));", 'throw', /^Error: x{480,}$/],
    ["throw 'x'.repeat(2e6);", 'throw', /^Error: x{480,}$/],
    [`import x from '${'x'.repeat(200_000)}';`, 'syntax', /^SyntaxError: import of "x{400,}$/],
    [`let ${'x'.repeat(90_000)}; let ${'x'.repeat(90_000)};`, 'syntax', /^SyntaxError: Identifier 'x{400,}$/],
    ['throw { get message() { for (;;); } };', 'timeout', /was stopped$/],
    [
      "const e = new Error('x'); Object.defineProperty(e, 'stack', { get() { for (;;); } }); throw e;",
      'timeout',
      /was stopped$/,
    ],
    ['throw new Proxy({}, { get() { for (;;); } });', 'timeout', /was stopped$/],
    ['throw undefined;', 'throw', /undefined$/],
    ['throw Symbol();', 'throw', /not an instance of `Error`/],
    ['await Promise.reject({ get message() { for (;;); } });', 'timeout', /was stopped$/],
  ])('of a module is told, whatever it throws: case %#', async (source, kind, message) => {
    const host = testHost();
    const fault = await loadFault(host, `${source}\n${LRU}`);
    expect(fault).toMatchObject({ during: 'load', guilty: true, kind, message: expect.stringMatching(message) });
    expect(fault.message.length).toBeLessThanOrEqual(500 + 'SyntaxError: '.length);
    await loaded(host, programOf(LRU));
  });

  it('is never a place that is not in the file, whatever the policy claims', async () => {
    await loaded(host, programOf(planning("const e = new Error('x'); e.stack = 'at test.js:999:1'; throw e;")));
    expect(faultOf(await asked(host))).toMatchObject({ line: null, column: null, excerpt: null, message: 'Error: x' });
  });

  it('holds nothing that a terminal would obey', async () => {
    await loaded(host, programOf(planning("throw new Error('\\u001b[2J\\u001b]0;title\\u0007gone\\rover');")));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is the question
    expect(faultOf(await asked(host)).message).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/);
  });
});

describe('the shape of a policy', () => {
  const host = testHost();
  const plan = 'plan: () => ({})';
  const example = 'export default { name, apiVersion: 1, plan(view) { ... } }';

  it.each([
    ['const policy = {};', `the policy has no default export, expected ${example}`],
    ['export default () => 1;', `the default export is of type "function", expected ${example}`],
    ['export default null;', `the default export is of type "null", expected ${example}`],
    ["export default { name: 'x', apiVersion: 1 };", `the policy has no plan(view), expected ${example}`],
    [`export default { name: 'x', ${plan} };`, '"apiVersion" must be 1, got nothing: this turnout knows version 1'],
    [
      `export default { name: 'x', apiVersion: 2, ${plan} };`,
      '"apiVersion" must be 1, got 2: this turnout knows version 1',
    ],
    [
      `export default { apiVersion: 1, ${plan} };`,
      '"name" must be 1 to 64 letters, digits, dots, dashes or underscores',
    ],
    [`export default { name: 'a b', apiVersion: 1, ${plan} };`, '"name" must be 1 to 64 letters'],
    ["export default { name: 'x', apiVersion: 1, plan: 1 };", '"plan" must be a function, got "number"'],
    [`export default { name: 'x', apiVersion: 1, ${plan}, rank: [] };`, '"rank" must be a function, got "object"'],
    [
      `export default { name: 'x', apiVersion: 1, ${plan}, ranks() {} };`,
      'unknown field "ranks"; did you mean "rank"?',
    ],
    [`export default { name: 'x', apiVersion: 1, ${plan}, evolve() {} };`, '"events" must list the types of events'],
    [
      `export default { name: 'x', apiVersion: 1, ${plan}, evolve() {}, events: [] };`,
      '"events" must name at least one',
    ],
    [`export default { name: 'x', apiVersion: 1, ${plan}, events: ['a'] };`, 'but there is no evolve'],
    [
      `export default { name: 'x', apiVersion: 1, ${plan}, evolve() {}, events: ['swap.finishd'] };`,
      '"events" names "swap.finishd", which is no event; did you mean "swap.finished"?',
    ],
    [
      `export default { name: 'x', apiVersion: 1, ${plan}, evolve() {}, events: ['toString'] };`,
      '"events" names "toString", which is no event; docs/events.md has them all',
    ],
    [`export default { name: 'x', apiVersion: 1, ${plan}, initial() {} };`, 'but there is no evolve'],
    [
      `export default { name: 'x', apiVersion: 1, ${plan}, options: [] };`,
      '"options" must be an object of options, got a list',
    ],
    [
      `export default { name: 'x', apiVersion: 1, ${plan}, options: { a: 1 } };`,
      'option "a" must be described by an object',
    ],
  ])('%s is refused in words', async (source, message) => {
    const fault = await loadFault(host, source);
    expect(fault).toMatchObject({ kind: 'shape', during: 'load', guilty: true });
    expect(fault.message).toContain(message);
    if (source.startsWith('export default')) expect(fault).toMatchObject({ line: 1, column: 1 });
  });

  it('is told when it is right', async () => {
    const source = `export default { name: 'whole', apiVersion: 1, description: 'all of it', events: ['swap.finished', 'swap.finished'],
      options: { keep: { type: 'model[]', default: [] } }, plan() {}, rank() {}, idle() {}, initial() {}, evolve() {} };`;
    expect(await loaded(host, programOf(source.replace('initial() {}', 'initial: () => 0')))).toEqual({
      name: 'whole',
      apiVersion: 1,
      hooks: { rank: true, idle: true, initial: true, evolve: true },
      events: ['swap.finished'],
      optionsSchema: { keep: { type: 'model[]', default: [] } },
      options: { keep: [] },
    });
  });

  it('decides what can be asked', async () => {
    const all = `export default { name: 'all', apiVersion: 1, plan: () => ({ action: 'delegate', planner: 'group', protect: ['a'] }),
      rank: (view) => view.models.toReversed(), idle: (view) => ({ action: 'load', model: 'a', reason: 'spare', wakeAt: view.now + 5 }) };`;
    await loaded(host, programOf(all));
    const view = '{"models":["a","b"],"now":10}';
    expect(unwrap(await asked(host, { view })).answer).toEqual({
      action: 'delegate',
      planner: 'group',
      protect: ['a'],
    });
    expect(unwrap(await asked(host, { view, hook: 'rank' })).answer).toEqual(['b', 'a']);
    const idle = { action: 'load', model: 'a', reason: 'spare', wakeAt: 15 };
    expect(unwrap(await asked(host, { view, hook: 'idle' })).answer).toEqual(idle);
    await loaded(host, programOf(LRU));
    expect(faultOf(await host.ask('live', 'rank', view, 1))).toMatchObject({
      kind: 'shape',
      message: 'the policy has no rank()',
    });
    expect(faultOf(await host.ask('nowhere', 'plan', view, 1)).message).toBe('no policy is loaded in "nowhere"');
  });
});

describe('options', () => {
  const host = testHost();
  const source = `export default { name: 'o', apiVersion: 1,
    options: { keep: { type: 'model[]' }, graceSec: { type: 'number', default: 120, min: 0 } },
    plan: (view) => ({ action: 'wait', reason: JSON.stringify(view.options) }) };`;
  const models = ['coder', 'chat'] as never[];

  it('are checked against the schema of the policy, each problem by its name and without a place in its file', async () => {
    const options = { keep: ['codr'], graceSec: 'long', gracSec: 1 };
    const fault = await loadFault(host, source, { options, models });
    expect(fault).toMatchObject({ kind: 'shape', message: 'its options are not right', line: null, guilty: true });
    expect(fault.problems).toEqual([
      { option: 'gracSec', message: 'is not known; did you mean "graceSec"?' },
      {
        option: 'keep',
        message: 'holds a value that must be a model of this configuration, got "codr"; did you mean "coder"?',
      },
      { option: 'graceSec', message: 'must be a number, got "long"' },
    ]);
  });

  it('reach the policy with the defaults filled in', async () => {
    const shape = await loaded(host, programOf(source, { options: { keep: ['chat'] }, models }));
    expect(shape.options).toEqual({ keep: ['chat'], graceSec: 120 });
    const { answer } = unwrap(await asked(host));
    expect(answer).toEqual({ action: 'wait', reason: '{"keep":["chat"],"graceSec":120}' });
  });
});

describe('what is too long', () => {
  const host = testHost();

  it('is refused before it is sent', async () => {
    expect(await loadFault(host, `// ${'x'.repeat(300_000)}\n${LRU}`)).toMatchObject({
      kind: 'too-long',
      during: 'load',
    });
    const fault = await loadFault(host, LRU, { options: { a: 'x'.repeat(100_000) } });
    expect(fault.message).toBe('its options are longer than 65536 bytes');
    await loaded(host, programOf(LRU));
    const view = JSON.stringify({ models: [], x: 'x'.repeat(2_000_000) });
    expect(faultOf(await host.ask('live', 'plan', view, 1))).toMatchObject({ kind: 'too-long', guilty: false });
  });

  it('is refused inside the isolate when it is an answer', async () => {
    await loaded(host, programOf(planning("return { action: 'wait', reason: 'x'.repeat(70000) };")));
    const fault = faultOf(await asked(host));
    expect(fault).toMatchObject({ kind: 'too-long', guilty: true });
    expect(fault.message).toBe('plan() returned 70029 characters, at most 65536 are allowed');
  });
});

describe('a source that breaks the type stripper', () => {
  it('is a fault of its own, and the next program is served by another child', async () => {
    const host = testHost();
    const fault = await loadFault(host, `const a: number = ${'('.repeat(100_000)}1`, { file: '/p/deep.ts' });
    expect(fault).toMatchObject({ during: 'load', guilty: true });
    expect(['syntax', 'dead', 'timeout']).toContain(fault.kind);
    await loaded(host, programOf(KEEP_HOT, { file: '/p/keep-hot.ts' }));
  });
});
