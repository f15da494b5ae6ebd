/** What stays, comes and goes by itself: protect, whenIdle, keepWarm, onDemand; and the labels beside them. */
import { describe, expect, it } from 'vitest';
import { errorsOf, load, model, oneLine } from './helpers.ts';

const PORT = `\${PORT}`;
const MODELS = `models:\n  a: {cmd: "${PORT}", aliases: [first]}\n  b: {cmd: "${PORT}"}\n  c: {cmd: "${PORT}"}\n`;
const turnout = (text: string) => `${MODELS}turnout: {${text}}`;
const ofModel = (text: string) => `${MODELS}  d:\n    cmd: ${PORT}\n    turnout: {${text}}\n`;
const told = (text: string) => errorsOf(text).map((error) => [oneLine(error), error.help]);

describe('turnout.protect', () => {
  it.each([
    ['protect: [first, b, a]', { models: ['a', 'b'], otherwise: 'queue' }],
    ['protect: {models: [b]}', { models: ['b'], otherwise: 'queue' }],
    ['protect: {models: [b], otherwise: refuse}', { models: ['b'], otherwise: 'refuse' }],
    // pins follow it too
    ['protect: {otherwise: refuse}', { models: [], otherwise: 'refuse' }],
    ['protect:', { models: [], otherwise: 'queue' }],
  ])('is read from %j', (text, expected) => {
    expect(load(turnout(text))).toMatchObject({ turnout: { protect: expected }, warnings: [] });
  });

  it.each([
    ['protect: [frist]', '5:21 turnout.protect references unknown model "frist"', 'did you mean "first"?'],
    ['protect: {models: [b, zz]}', '5:33 turnout.protect.models references unknown model "zz"', null],
    [
      'protect: b',
      '5:20 turnout.protect: expected a list of models, or a mapping with models and otherwise, got "b"',
      null,
    ],
    [
      'protect: {models: [b], otherwise: wait}',
      '5:45 turnout.protect.otherwise: expected refuse or queue, got "wait"',
      null,
    ],
    ['protect: {models: b}', '5:29 turnout.protect.models: expected a list, got "b"', null],
    ['protect: [[b]]', '5:21 turnout.protect[0]: expected text, got a list', null],
  ])('is refused with %j', (text, expected, help) => {
    expect(told(turnout(text))).toEqual([[expected, help]]);
  });

  it('has its unknown keys named', () => {
    expect(load(turnout('protect: {model: [b]}')).warnings).toMatchObject([
      { message: 'unknown key "model" in turnout.protect', help: 'did you mean "models"?' },
    ]);
  });
});

describe('turnout.whenIdle', () => {
  it('has a time and a model', () => {
    expect(load(turnout('whenIdle: {after: 90s, load: first}')).turnout.whenIdle).toEqual({
      afterMs: 90_000,
      load: 'a',
    });
    expect(load(turnout('whenIdle: {load: b}')).turnout.whenIdle).toEqual({ afterMs: 600_000, load: 'b' });
  });

  it.each([
    ['whenIdle: {}', '5:21 turnout.whenIdle.load: expected the name of a model, got nothing'],
    ['whenIdle: {load: [b]}', '5:28 turnout.whenIdle.load: expected the name of a model, got a list'],
    ['whenIdle: {load: zz}', '5:28 turnout.whenIdle.load references unknown model "zz"'],
    ['whenIdle: {after: 0, load: b}', '5:29 turnout.whenIdle.after must be greater than 0'],
    [
      'whenIdle: {after: soon, load: b}',
      '5:29 turnout.whenIdle.after: expected a duration such as 90s, 5m or 1h30m, or a number of seconds, got "soon"',
    ],
    ['whenIdle: b', '5:21 turnout.whenIdle: expected a mapping, got "b"'],
  ])('is refused with %j', (text, expected) => {
    expect(errorsOf(turnout(text)).map(oneLine)).toEqual([expected]);
  });
});

describe('turnout.client.priority', () => {
  it('goes by label', () => {
    const config = load(turnout('client: {priority: {alice: 5, "curl 127.0.0.1": -2, 7: 1}}'));
    expect(config.turnout.clientPriority).toEqual({ alice: 5, 'curl 127.0.0.1': -2, 7: 1 });
  });

  it.each([
    ['client: {priority: {alice: high}}', '5:38 turnout.client.priority.alice: expected a whole number, got "high"'],
    ['client: {priority: {alice: 1.5}}', '5:38 turnout.client.priority.alice: expected a whole number, got 1.5'],
    ['client: {priority: [alice]}', '5:30 turnout.client.priority: expected a mapping, got a list'],
  ])('is refused with %j', (text, expected) => {
    expect(errorsOf(turnout(text)).map(oneLine)).toEqual([expected]);
  });

  it('refuses a key, which would stand in the event log, and does not repeat it', () => {
    const errors = errorsOf(`apiKeys: [hunter2hunter2]\nturnout: {client: {priority: {hunter2hunter2: 1}}}`);
    expect(errors.map(oneLine)).toEqual([
      '2:31 turnout.client.priority names an API key, which would stand in the event log',
    ]);
    expect(JSON.stringify(errors)).not.toContain('hunter2');
  });
});

describe('keepWarm', () => {
  const window = (days: number[], fromMin: number, toMin: number) => ({ days, fromMin, toMin });

  it.each([
    ['keepWarm: mon-fri 08:00-18:00', [window([1, 2, 3, 4, 5], 480, 1080)]],
    ['keepWarm: "sat,sun 22:00-06:00"', [window([0, 6], 1320, 1800)]],
    ['keepWarm: [mon 08:00-09:00, "tue 10:00-11:00"]', [window([1], 480, 540), window([2], 600, 660)]],
    ['keepWarm: []', []],
    ['keepWarm:', []],
  ])('is read from %j', (text, expected) => {
    expect(model(load(ofModel(text)), 'd').keepWarm).toEqual(expected);
  });

  it.each([
    ['keepWarm: mon-fir 08:00-18:00', '7:29 models.d.turnout.keepWarm: unknown day "fir"', 3],
    ['keepWarm: "mon  8-18:00"', '7:31 models.d.turnout.keepWarm: expected a time such as 08:00, got "8"', 1],
    [
      'keepWarm: [daily 08:00-09:00, mon]',
      '7:48 models.d.turnout.keepWarm[1]: expected a time such as 08:00, got nothing',
      1,
    ],
    ['keepWarm: ""', '7:25 models.d.turnout.keepWarm: expected a day, got nothing', 2],
    ['keepWarm: 8', '7:25 models.d.turnout.keepWarm: expected a day, got "8"', 1],
    [
      'keepWarm: {mon: 8}',
      '7:25 models.d.turnout.keepWarm: expected text such as "mon-fri 08:00-18:00", or a list of such, got a mapping',
      8,
    ],
  ])('is refused with %j at its place', (text, expected, length) => {
    const [error, ...others] = errorsOf(ofModel(text));
    expect(others).toEqual([]);
    expect(error && oneLine(error)).toBe(expected);
    expect(error?.length).toBe(length);
  });

  it('points at the window where lines are folded', () => {
    const text = `${MODELS}  d:\n    cmd: ${PORT}\n    turnout:\n      keepWarm: >\n        mon-fri\n        08:00-25:00\n`;
    expect(errorsOf(text)).toMatchObject([{ line: 10, column: 15, length: 5 }]);
  });

  it('has at most 32 windows', () => {
    const windows = (count: number) => ofModel(`keepWarm: [${'mon 08:00-09:00, '.repeat(count)}]`);
    expect(model(load(windows(32)), 'd').keepWarm).toHaveLength(32);
    expect(told(windows(33))).toEqual([
      [
        '7:25 models.d.turnout.keepWarm: expected at most 32 windows, got 33',
        'days can be joined, such as "sat,sun 10:00-22:00"',
      ],
    ]);
  });
});

describe('onDemand', () => {
  it.each([
    ['onDemand: load', { action: 'load' }],
    ['onDemand: refuse', { action: 'refuse' }],
    ['onDemand: {redirect: first}', { action: 'redirect', to: ['a'], otherwise: 'load' }],
    [
      'onDemand: {redirect: [b, first, a], otherwise: refuse}',
      { action: 'redirect', to: ['b', 'a'], otherwise: 'refuse' },
    ],
    ['onDemand:', { action: 'load' }],
  ])('is read from %j', (text, expected) => {
    const config = load(ofModel(text));
    expect(model(config, 'd').onDemand).toEqual(expected);
    expect(config.warnings).toEqual([]);
  });

  const whole = 'models.d.turnout.onDemand: expected load, refuse, or a mapping with redirect';

  it.each([
    ['onDemand: lode', `7:25 ${whole}, got "lode"`, null],
    ['onDemand: [load]', `7:25 ${whole}, got a list`, null],
    [
      'onDemand: {otherwise: load}',
      '7:25 models.d.turnout.onDemand.redirect: expected the name of a model, or a list of names, got nothing',
      null,
    ],
    [
      'onDemand: {redirect: bb}',
      '7:36 models.d.turnout.onDemand.redirect references unknown model "bb"',
      'did you mean "b"?',
    ],
    ['onDemand: {redirect: [b, zz]}', '7:40 models.d.turnout.onDemand.redirect references unknown model "zz"', null],
    [
      'onDemand: {redirect: []}',
      '7:36 models.d.turnout.onDemand.redirect names no model',
      'write "onDemand: load" for none',
    ],
    [
      'onDemand: {redirect: [b, d]}',
      '7:40 models.d.turnout.onDemand.redirect[1] leads to the model itself',
      'name other models, which serve while they are loaded',
    ],
    [
      'onDemand: {redirect: d}',
      '7:36 models.d.turnout.onDemand.redirect leads to the model itself',
      'name other models, which serve while they are loaded',
    ],
    [
      'onDemand: {redirect: b, otherwise: queue}',
      '7:50 models.d.turnout.onDemand.otherwise: expected load or refuse, got "queue"',
      null,
    ],
  ])('is refused with %j', (text, expected, help) => {
    expect(told(ofModel(text))).toEqual([[expected, help]]);
  });

  it('may name a model by a number, and has its problems told beside others', () => {
    const named = `models: {7: {cmd: "${PORT}"}, d: {cmd: "${PORT}", turnout: {onDemand: {redirect: 7}}}}`;
    expect(model(load(named), 'd').onDemand).toEqual({ action: 'redirect', to: ['7'], otherwise: 'load' });
    const wrong = `${ofModel('onDemand: {otherwise: refuse}')}turnout: {protect: [zz]}`;
    expect(errorsOf(wrong).map(({ line }) => line)).toEqual([7, 8]);
  });
});

describe('tags', () => {
  it('are words, each once', () => {
    expect(model(load(ofModel('tags: [big, 70, big]')), 'd').tags).toEqual(['big', '70']);
    expect(model(load(MODELS), 'a').tags).toEqual([]);
  });

  it.each([
    ['tags: big', '7:21 models.d.turnout.tags: expected a list, got "big"'],
    ['tags: [" "]', '7:22 models.d.turnout.tags[0]: expected a word, got " "'],
  ])('are refused with %j', (text, expected) => {
    expect(errorsOf(ofModel(text)).map(oneLine)).toEqual([expected]);
  });
});
