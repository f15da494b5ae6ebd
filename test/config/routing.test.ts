import { describe, expect, it } from 'vitest';
import { errorsOf, load, model, oneLine, yaml } from './helpers.ts';

const MODELS = yaml(`
  models:
    a: {cmd: "x \${PORT}", aliases: [first]}
    b: {cmd: "x \${PORT}"}
    c: {cmd: "x \${PORT}"}
`);

const LEGACY = `${MODELS}groups:\n  g:\n    swap: false\n    members: [a, b]\n`;
const MODERN = `${MODELS}routing:\n  router:\n    use: group\n    settings:\n      groups:\n        g:\n          swap: false\n          members: [a, b]\n`;

describe('groups', () => {
  it.each([
    ['the top level', LEGACY],
    ['routing.router.settings', MODERN],
  ])('are read from %s', (_where, text) => {
    const config = load(text);
    expect(config.groups).toEqual([
      { id: 'g', swap: false, exclusive: true, persistent: false },
      { id: '(default)', swap: true, exclusive: true, persistent: false },
    ]);
    expect(['a', 'b', 'c'].map((id) => model(config, id).group)).toEqual(['g', 'g', '(default)']);
    expect(config.warnings).toEqual([]);
  });

  it('may be empty or have every switch set', () => {
    const config = load(`${MODELS}groups:\n  empty:\n  all: {swap: no, exclusive: off, persistent: on, members: [a]}`);
    expect(config.groups.slice(0, 2)).toEqual([
      { id: 'empty', swap: true, exclusive: true, persistent: false },
      { id: 'all', swap: false, exclusive: false, persistent: true },
    ]);
  });

  it.each([
    ['groups:\n  g:\n    members: [a, b, a]', '7:21 duplicate member "a" in group "g"', null],
    ['groups:\n  g: {members: [a]}\n  h: {members: [a]}', '7:17 model "a" is in two groups, "g" and "h"', null],
    ['groups:\n  g:\n    members:\n      - a\n      - d1', '9:9 group "g": no model config for "d1"', null],
    ['groups:\n  g: {members: [firts]}', '6:17 group "g": no model config for "firts"', 'did you mean "first"?'],
    ['groups: [a]', '5:9 groups: expected a mapping, got a list', null],
    ['groups:\n  g: {swap: maybe}', '6:13 groups.g.swap: expected true or false, got "maybe"', null],
  ])('refuse %j', (text, expected, help) => {
    const errors = errorsOf(MODELS + text);
    expect(errors.map(oneLine)).toEqual([expected]);
    expect(errors[0]?.help).toBe(help);
  });

  it('pass over an alias, with a warning, as llama-swap does', () => {
    const config = load(`${MODELS}groups:\n  g: {swap: false, members: [first, b]}`);
    expect(['a', 'b'].map((id) => model(config, id).group)).toEqual(['(default)', 'g']);
    expect(config.warnings.map((warning) => [oneLine(warning), warning.help])).toEqual([
      ['6:30 group "g": "first" is an alias and has no effect', '"first" is an alias, write "a"'],
    ]);
  });

  it('leave out a group that has the name of the one turnout makes', () => {
    const config = load(`${MODELS}groups:\n  (default): {swap: false, members: [a]}`);
    expect(config.groups).toEqual([{ id: '(default)', swap: true, exclusive: true, persistent: false }]);
    expect(config.warnings.map(oneLine)).toEqual([
      '6:3 group "(default)" is made by turnout for models in no group, what is written here has no effect',
    ]);
  });
});

describe('the router', () => {
  it.each([
    ['routing: {router: {use: ring}}', '5:25 routing.router.use: unknown router "ring" (valid: group, matrix)'],
    [
      'routing: {router: {use: matrix}}',
      "5:25 routing.router.use is 'matrix' but routing.router.settings.matrix is not set",
    ],
    ['groups: {g: {}}\nmatrix: {sets: {s: a}}', "6:1 config cannot use both 'groups' and 'matrix'"],
    [
      'groups: {g: {}}\nrouting: {router: {use: group}}',
      "5:1 'groups' at the top level and routing.router cannot be used together",
    ],
    [
      'groups: {g: {}}\nrouting: {router: {settings: {matrix: {sets: {s: a}}}}}',
      "5:1 'groups' at the top level and routing.router cannot be used together",
    ],
    [
      'matrix: {sets: {s: a}}\nrouting: {router: {settings: {groups: {g: {}}}}}',
      "5:1 'matrix' at the top level and routing.router cannot be used together",
    ],
    ['routing: {scheduler: {use: lifo}}', '5:28 routing.scheduler.use: unknown scheduler "lifo" (valid: fifo)'],
  ])('refuses %j', (text, expected) => {
    expect(errorsOf(MODELS + text).map(oneLine)).toEqual([expected]);
  });

  it('uses the matrix where it says so and ignores it with a warning where it does not', () => {
    const settings = 'settings: {matrix: {sets: {s: a & b}}}';
    expect(load(`${MODELS}routing: {router: {use: matrix, ${settings}}}`)).toMatchObject({
      router: 'matrix',
      turnout: { planner: 'matrix' },
      warnings: [],
    });
    expect(load(`${MODELS}routing: {router: {use: group, ${settings}}}`).warnings.map(oneLine)).toEqual([
      '5:43 routing.router.settings.matrix has no effect',
    ]);
  });

  it.each([
    'groups: {}\nrouting: {router: {use: group}}',
    'groups:\nrouting: {router: {settings: {groups: {g: {members: [a]}}}}}',
    'groups: {g: {members: [a]}}\nrouting: {router: {use: "", settings: {groups: {}}}}',
    'groups: {g: {members: [a]}}\nmatrix:\nrouting: {router: }',
  ])('may be combined with what says nothing: %j', (text) => {
    expect(load(MODELS + text).router).toBe('group');
  });

  it('may be combined with a legacy spelling when only the scheduler is set', () => {
    const config = load(`${LEGACY}routing: {scheduler: {settings: {fifo: {priority: {a: 5}}}}}`);
    expect(model(config, 'a')).toMatchObject({ group: 'g', priority: 5 });
  });
});

describe('priorities', () => {
  const withPriority = (text: string) => `${MODELS}routing:\n  scheduler:\n    settings: {fifo: {priority: {${text}}}}`;

  it('go to the model of an alias too', () => {
    const config = load(withPriority('first: 7, b: -2'));
    expect(['a', 'b', 'c'].map((id) => model(config, id).priority)).toEqual([7, -2, 0]);
  });

  it.each(['first: 7, a: 3', 'a: 3, first: 7'])('of the id win over those of an alias: %s', (text) => {
    expect(model(load(withPriority(text)), 'a').priority).toBe(3);
  });

  it.each([
    ['d1: 1', '7:34 routing.scheduler.settings.fifo.priority references unknown model "d1"'],
    ['a: high', '7:37 routing.scheduler.settings.fifo.priority.a: expected a whole number, got "high"'],
  ])('refuse %j', (text, expected) => {
    expect(errorsOf(withPriority(text)).map(oneLine)).toEqual([expected]);
  });
});
