/** Filters and their aliases, capabilities, peers, selectors and profiles: who is called how, and what is refused. */
import { describe, expect, it } from 'vitest';
import { errorsOf, load, model, oneLine, warningsOf, yaml } from './helpers.ts';

const MODELS = yaml(`
  models:
    a: {cmd: "x \${PORT}", aliases: [first]}
    b: {cmd: "x \${PORT}"}
    c: {cmd: "x \${PORT}"}
`);
const PEERS = `${MODELS}peers:\n  box: {proxy: "http://h:1", models: [m, a, org/n]}\n  far: {proxy: "https://h", models: [m]}\n`;
const inModel = (text: string) => `models:\n  a:\n    cmd: x \${PORT}\n    ${text}`;
const errors = (text: string) => errorsOf(text).map(oneLine);

describe('filters', () => {
  it('are cleaned and sorted, and never touch the model', () => {
    const config = load(
      inModel('filters: {stripParams: " top_p, model ,a,, top_p", setParams: {z: 1, model: x, b.c: [1, {d: null}]}}'),
    );
    expect(model(config, 'a').filters).toEqual({
      strip: ['a', 'top_p'],
      set: [
        ['b.c', [1, { d: null }]],
        ['z', 1],
      ],
      setById: new Map(),
    });
    expect(config.warnings.map(({ code, message }) => `${code}: ${message}`)).toEqual([
      'not-supported: models.a.filters is not supported yet',
      'protected-key: models.a.filters.stripParams: "model" is not stripped, it is protected',
      'protected-key: models.a.filters.setParams: "model" is not set, it is protected',
    ]);
  });

  it.each([
    ['{strip_params: "x, y"}', ['x', 'y']],
    ['{strip_params: x, stripParams: y}', ['y']],
    ['{strip_params: x, stripParams: ""}', ['x']],
  ])('read the former spelling when the new one is empty: %s', (text, expected) => {
    expect(model(load(inModel(`filters: ${text}`)), 'a').filters?.strip).toEqual(expected);
  });

  it('by name make aliases, but for the model itself and its own aliases', () => {
    const config = load(
      inModel(
        'aliases: [mine]\n    filters: {setParamsByID: {a: {x: 1}, mine: {x: 2}, "${MODEL_ID}:low": {x: 3}, empty: }}',
      ),
    );
    expect(model(config, 'a').aliases).toEqual(['mine', 'a:low', 'empty']);
    expect(Object.fromEntries(config.names)).toEqual({ a: 'a', mine: 'a', 'a:low': 'a', empty: 'a' });
    expect(model(config, 'a').filters?.setById.get('a:low')).toEqual([['x', 3]]);
  });

  it.each([
    ['{setParamsByID: {b: {x: 1}}}', '4:31 model a: filters.setParamsByID key "b" conflicts with an existing model ID'],
    ['{setParamsByID: {other: {x: 1}}}', "4:31 duplicate alias 'other' in model a: filters.setParamsByID"],
    ['{setParamsByID: {x: 5}}', '4:34 models.a.filters.setParamsByID.x: expected a mapping, got 5'],
    ['{setParams: [x]}', '4:26 models.a.filters.setParams: expected a mapping, got a list'],
    ['{stripParams: [x]}', '4:28 models.a.filters.stripParams: expected text, got a list'],
  ])('are refused with %j', (text, expected) => {
    const others = '\n  b: {cmd: "${PORT}"}\n  c: {cmd: "${PORT}", aliases: [other]}';
    expect(errors(inModel(`filters: ${text}${others}`))).toEqual([expected]);
  });

  it('have null where JSON has no number', () => {
    const config = load(inModel('filters: {setParams: {x: .nan, y: [.inf]}}\n    metadata: {z: -.inf}'));
    expect(model(config, 'a').filters?.set).toEqual([
      ['x', null],
      ['y', [null]],
    ]);
    expect(config.warnings.filter(({ code }) => code === 'not-finite').map(oneLine)).toEqual([
      '4:30 models.a.filters.setParams.x: expected a finite number, got NaN; null is used',
      '4:40 models.a.filters.setParams.y[0]: expected a finite number, got Infinity; null is used',
      '5:19 models.a.metadata.z: expected a finite number, got -Infinity; null is used',
    ]);
  });

  it('leave out keys that no request could carry', () => {
    const config = load(inModel('filters: {setParams: {"a*": 1, b: 2}}'));
    expect(model(config, 'a').filters?.set).toEqual([['b', 2]]);
    expect(config.warnings.map((warning) => warning.code)).toContain('filter-key');
  });
});

describe('capabilities and metadata', () => {
  it.each([
    [
      'capabilities: {in: [text, video]}',
      '4:31 model a: capabilities.in: invalid modality "video", must be one of: text, audio, image',
    ],
    [
      'capabilities: {out: [x]}',
      '4:26 model a: capabilities.out: invalid modality "x", must be one of: text, audio, image',
    ],
    ['capabilities: {context: -1}', '4:29 model a: capabilities.context must be >= 0'],
    ['capabilities: {tools: maybe}', '4:27 models.a.capabilities.tools: expected true or false, got "maybe"'],
    ['metadata: [x]', '4:15 models.a.metadata: expected a mapping, got a list'],
    ['sendLoadingState: maybe', '4:23 models.a.sendLoadingState: expected true or false, got "maybe"'],
    ['compat: {ignoreWebsockets: 5}', '4:32 models.a.compat.ignoreWebsockets: expected true or false, got 5'],
  ])('are refused with %j', (text, expected) => {
    expect(errors(inModel(text))).toEqual([expected]);
  });

  it('keep the types of macros', () => {
    const config = load(
      `macros: {ctx: 8192}\n${inModel('capabilities: {context: "${ctx}"}\n    metadata: {n: "${ctx}", p: "${PORT}"}')}`,
    );
    expect(model(config, 'a')).toMatchObject({ capabilities: { context: 8192 }, metadata: { n: 8192, p: 5800 } });
  });

  it('of comfyui_auto leave WebSockets out of account', () => {
    const config = load('models: {comfyui_auto: {cmd: "${PORT}"}, b: {cmd: "${PORT}"}}');
    expect(['comfyui_auto', 'b'].map((id) => model(config, id).ignoreWebsockets)).toEqual([true, false]);
  });

  it('take sendLoadingState from the top where a model says nothing', () => {
    const config = load(
      'sendLoadingState: true\nmodels: {a: {cmd: "${PORT}"}, b: {cmd: "${PORT}", sendLoadingState: no}}',
    );
    expect(['a', 'b'].map((id) => model(config, id).sendLoadingState)).toEqual([true, false]);
  });
});

describe('peers', () => {
  it('are read with their defaults, and lend their names', () => {
    const config = load(PEERS);
    expect(config.peers?.get('box')).toMatchObject({
      proxy: 'http://h:1',
      models: ['m', 'a', 'org/n'],
      apiKey: '',
      timeouts: { connectMs: 30_000, responseHeaderMs: 60_000, idleConnMs: 90_000 },
    });
    // "m" is what two of them call so
    expect([...(config.peerNames?.keys() ?? [])]).toEqual(['box/m', 'box/a', 'box/org/n', 'far/m', 'a', 'org/n']);
  });

  it('count a model once that stands twice', () => {
    expect(load('peers: {p: {proxy: "http://h:1", models: [m, m]}}').peers?.get('p')?.models).toEqual(['m']);
  });

  it('let a full name win over a bare one that reads the same', () => {
    const config = load('peers: {x: {proxy: "http://h:1", models: [y]}, z: {proxy: "http://h:2", models: [x/y]}}');
    expect(config.peerNames?.get('x/y')).toEqual({ peer: 'x', model: 'y' });
  });

  it.each([
    ['peers:\n  p: {models: [m]}', '6:3 peers.p: proxy is required'],
    ['peers:\n  p: {proxy: "ftp://h", models: [m]}', '6:14 peers.p: invalid peer proxy URL "ftp://h"'],
    ['peers:\n  p: {proxy: "http://h"}', '6:6 peers.p: peer models can not be empty'],
    ['peers:\n  p: {proxy: "http://h", models: []}', '6:34 peers.p: peer models can not be empty'],
    [
      'peers:\n  p: {proxy: "http://h", models: [b/c]}\n  p/b: {proxy: "http://h", models: [c]}',
      '7:37 fully qualified peer model name "p/b/c" is ambiguous between peers "p" and "p/b"',
    ],
    [
      '  p/m: {cmd: "${PORT}"}\npeers: {p: {proxy: "http://h", models: [m]}}',
      '5:3 model ID "p/m" conflicts with fully qualified peer model name of peer "p"',
    ],
    [
      '  d: {cmd: "${PORT}", aliases: [p/m]}\npeers: {p: {proxy: "http://h", models: [m]}}',
      '5:33 alias of model d "p/m" conflicts with fully qualified peer model name of peer "p"',
    ],
    ['peers: {p: {proxy: "http://h", models: [m], apiKey: "${x}"}}', "5:54 peers.p.apiKey: unknown macro '${x}'"],
  ])('are refused with %j', (text, expected) => {
    expect(errors(MODELS + text)).toEqual([expected]);
  });

  it('have no limit where a timeout is below 0, and are left out when they are empty', () => {
    const config = load('peers:\n  p: {proxy: "http://h", models: [m], timeouts: {connect: -1}}\n  q:');
    expect(config.peers?.get('p')?.timeouts).toMatchObject({ connectMs: 0, responseHeaderMs: 60_000 });
    expect(config.peers?.has('q')).toBe(false);
    expect(config.warnings.map(oneLine)).toEqual([
      '1:1 peers is not supported yet',
      '2:59 peers.p.timeouts.connect is below 0, so there is no limit',
      '3:3 peers.q is empty, so it is left out',
    ]);
  });

  it('keep their keys to themselves', () => {
    const config = load(
      'peers: {p: {proxy: "http://h", models: [m], apiKey: canary-1, filters: {setParams: {api_key: canary-2}}}}',
    );
    expect(config.peers?.get('p')?.apiKey).toBe('canary-1');
    expect(config.redacted).not.toContain('canary');
  });
});

describe('selectors', () => {
  it('are read with their defaults', () => {
    const config = load(`${PEERS}selectors:\n  any: {strategy: pin, targets: [first, box/m, org/n]}`);
    expect(config.selectors?.get('any')).toEqual({
      id: 'any',
      strategy: 'pin',
      targets: ['first', 'box/m', 'org/n'],
      spillover: 1,
      name: '',
      description: '',
      unlisted: false,
      metadata: null,
    });
  });

  it('may be called as a peer calls its model', () => {
    expect(load(`${PEERS}selectors: {org/n: {strategy: pin, targets: [a]}}`).selectors?.has('org/n')).toBe(true);
  });

  it.each([
    ['x: {targets: [a]}', '9:6 selectors.x.strategy: expected one of pin, warm, spillover, got nothing'],
    [
      'x: {strategy: best, targets: [a]}',
      '9:17 selectors.x.strategy: expected one of pin, warm, spillover, got "best"',
    ],
    ['" ": {strategy: pin, targets: [a]}', '9:3 selectors: the name of a selector must not be empty'],
    ['x: {strategy: pin}', '9:6 selectors.x.targets must contain at least one target'],
    ['x: {strategy: pin, targets: [zz]}', '9:32 selectors.x.targets[0] references unknown model "zz"'],
    ['x: {strategy: pin, targets: [m]}', '9:32 selectors.x.targets[0] references unknown model "m"'],
    [
      'x: {strategy: pin, targets: [a]}\n  y: {strategy: pin, targets: [x]}',
      '10:32 selectors.y.targets[0] is the selector "x", selector chaining is not supported',
    ],
    [
      'x: {strategy: warm, targets: [a, box/m]}',
      '9:36 selectors.x.targets[1]: strategy warm needs models of this machine, "box/m" is a peer\'s',
    ],
    ['a: {strategy: pin, targets: [b]}', '9:3 selectors.a: the id is the id of a model, expected one of its own'],
    [
      'first: {strategy: pin, targets: [b]}',
      '9:3 selectors.first: the id is an alias of model a, expected one of its own',
    ],
    [
      'far/m: {strategy: pin, targets: [b]}',
      '9:3 selector "far/m" conflicts with fully qualified peer model name of peer "far"',
    ],
    [
      'x: {strategy: spillover, targets: [a], settings: {spillover: 0}}',
      '9:64 selectors.x.settings.spillover must be at least 1, got 0',
    ],
    [
      'x: {strategy: spillover, targets: [a, first]}',
      '9:41 selectors.x: spillover targets "a" and "first" are the same model',
    ],
    [
      'x: {strategy: spillover, targets: [a, b]}',
      '9:37 selectors.x: spillover targets must all be in one group with swap: false',
    ],
  ])('are refused with %j', (text, expected) => {
    expect(errors(`${PEERS}selectors:\n  ${text}`)).toEqual([expected]);
  });

  it.each(['groups: {g: {swap: false, members: [a, b]}}\n', 'matrix: {sets: {s: a & b}}\n'])(
    'may spill over where their targets run together: %s',
    (routing) => {
      const text = `${PEERS}${routing}selectors: {x: {strategy: spillover, targets: [a, b, box/m], settings: {spillover: 2}}}`;
      expect(load(text).selectors?.get('x')?.spillover).toBe(2);
    },
  );

  it('may not spill over what no matrix set holds', () => {
    const text = `${MODELS}matrix: {sets: {s: a | b}}\nselectors: {x: {strategy: spillover, targets: [a, b]}}`;
    expect(errors(text)).toEqual(['6:47 selectors.x: spillover targets must all fit in one set of the matrix']);
  });
});

describe('profiles', () => {
  it('lead names to models, aliases, peers and selectors, or to nothing', () => {
    const text = `${PEERS}selectors: {any: {strategy: pin, targets: [a]}}\nprofiles:\n  day: {description: Day, pins: {x: first, a: box/m, y: any, z: , 1: ""}}`;
    expect(load(text).profiles?.get('day')).toEqual({
      id: 'day',
      description: 'Day',
      pins: new Map([
        ['x', 'first'],
        ['a', 'box/m'],
        ['y', 'any'],
        ['z', null],
        ['1', null],
      ]),
    });
  });

  it.each([
    ['day: {description: x}', '9:8 profiles.day.pins must contain at least one entry'],
    ['day: {pins: {}}', '9:15 profiles.day.pins must contain at least one entry'],
    ['day: {pins: {x: zz}}', '9:19 profiles.day.pins.x references unknown model "zz"'],
    ['day: [a, b]', '9:8 profiles.day: the legacy list syntax is not supported, expected a mapping with pins'],
    ['day: 5', '9:8 profiles.day: expected a mapping, got 5'],
    ['" ": {pins: {x: a}}', '9:3 profiles: the name of a profile must not be empty'],
    ['day: {pins: {" ": a}}', '9:16 profiles.day.pins: a name must not be empty'],
    [
      'day: {pins: {box/m: a}}',
      '9:16 profile pin "box/m" conflicts with fully qualified peer model name of peer "box"',
    ],
  ])('are refused with %j', (text, expected) => {
    expect(errors(`${PEERS}profiles:\n  ${text}`)).toEqual([expected]);
  });

  it('are told apart from keys that are unknown', () => {
    const text = `${MODELS}profiles: {day: {pin: {x: a}, pins: {x: a}}}`;
    expect(warningsOf(text).map(oneLine)).toContain('5:18 unknown key "pin" in profiles.day');
  });
});
