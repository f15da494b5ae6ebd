/**
 * What the tests of each part leave out of the errors of spec section 2, by its subsections: the sentence and the place.
 * Each text is wrong in one way only.
 */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/core/config/load.ts';
import { errorsOf, oneLine, yaml } from './helpers.ts';

const PORT = `\${PORT}`;
const AB = `models:\n  a: {cmd: "${PORT}"}\n  b: {cmd: "${PORT}"}\n`;
const inModel = (text: string) => `models:\n  m:\n    cmd: x ${PORT}\n    ${text}`;

describe('several files (2.1)', () => {
  const matrix = 'matrix: {vars: {x: a}}';
  const inSettings = (text: string) => `routing: {router: {settings: {${text}}}}`;
  const elsewhere = 'found in 2.yaml (already defined in another config source)';

  it.each([
    ['profiles: {p: {pins: {x: a}}}', `1:12 duplicate profiles "p" ${elsewhere}`],
    ['selectors: {s: {strategy: pin, targets: [a]}}', `1:13 duplicate selectors "s" ${elsewhere}`],
    ['peers: {p: {proxy: "http://h", models: [m]}}', `1:9 duplicate peers "p" ${elsewhere}`],
    // the keys of a matrix count as names, so it cannot be spread over files
    [matrix, `1:10 duplicate matrix "vars" ${elsewhere}`],
    [inSettings(matrix), `1:40 duplicate routing.router.settings.matrix "vars" ${elsewhere}`],
  ])('may not both name %j', (text, expected) => {
    const result = loadConfig([
      { file: '1.yaml', text: `${AB}${text}` },
      { file: '2.yaml', text },
    ]);
    const errors = 'errors' in result ? result.errors : [];
    expect(errors.filter(({ code }) => code === 'duplicate-key').map(oneLine)).toEqual([expected]);
    expect(errors.find(({ code }) => code === 'duplicate-key')?.help).toBe('first defined in 1.yaml, line 4');
  });
});

describe('the top level (2.2)', () => {
  it.each([
    ['startPort: -1', '1:12 startPort must be greater than 1, got -1'],
    ['healthCheckTimeout: long', '1:21 healthCheckTimeout: expected a whole number, got "long"'],
    ['captureBuffer: big', '1:16 captureBuffer: expected a whole number, got "big"'],
    ['logLevel: [info]', '1:11 logLevel: expected text, got a list'],
    ['logTimeFormat: {}', '1:16 logTimeFormat: expected text, got a mapping'],
    ['logToStdout: ""', '1:14 logToStdout: expected one of proxy, upstream, both, none, got ""'],
    ['sendLoadingState: perhaps', '1:19 sendLoadingState: expected true or false, got "perhaps"'],
    ['includeAliasesInList: 1', '1:23 includeAliasesInList: expected true or false, got 1'],
    ['performance: {disabled: "true"}', '1:25 performance.disabled: expected true or false, got "true"'],
    ['performance: 5', '1:14 performance: expected a mapping, got 5'],
    ['upstream: {ignorePaths: x}', '1:25 upstream.ignorePaths: expected a list, got "x"'],
    ['hooks: [x]', '1:8 hooks: expected a mapping, got a list'],
    ['ui: {activity: [x]}', '1:16 ui.activity: expected a mapping, got a list'],
    ['routing: x', '1:10 routing: expected a mapping, got "x"'],
    ['store: activity.db', '1:8 store: expected a mapping, got "activity.db"'],
    ['peers: [x]', '1:8 peers: expected a mapping, got a list'],
    ['selectors: 5', '1:12 selectors: expected a mapping, got 5'],
    ['apiKeys: [a, ""]', '1:14 empty api key found in apiKeys'],
  ])('refuses %j', (text, expected) => {
    expect(errorsOf(text).map(oneLine)).toEqual([expected]);
  });

  it('refuses a store that cannot be written', () => {
    const options = { storeCheck: () => 'is not writable: permission denied' };
    expect(errorsOf('store:\n  path: /x.db', options).map(oneLine)).toEqual([
      '2:9 store.path "/x.db" is not writable: permission denied',
    ]);
  });
});

describe('macros (2.3)', () => {
  const long = 'x'.repeat(64);

  it.each([
    ['macros: {PID: 1}', "4:14 model m: macro name 'PID' is reserved"],
    ['macros: {MODEL_ID: x}', "4:14 model m: macro name 'MODEL_ID' is reserved"],
    ['macros: {a b: 1}', '4:14 model m: macro name "a b" contains invalid characters'],
    [`macros: {${long}: 1}`, `4:14 model m: macro name "${long}" exceeds maximum length of 63`],
    ['macros: {x: {}}', '4:14 model m: macro "x" must be a scalar type: text, a number, true or false'],
    ['macros: 5', '4:13 models.m.macros: expected a mapping, got 5'],
  ])('of a model refuse the declaration %j', (text, expected) => {
    expect(errorsOf(inModel(text)).map(oneLine)).toEqual([expected]);
  });

  it.each([
    [`cmdStop: "a \${x}"`, `4:17 unknown macro '\${x}' found in m.cmdStop`],
    [`checkEndpoint: "/\${x}"`, `4:22 unknown macro '\${x}' found in m.checkEndpoint`],
    [`name: \${x}`, `4:11 unknown macro '\${x}' found in m.name`],
    [`description: a \${x}`, `4:20 unknown macro '\${x}' found in m.description`],
    [`filters: {stripParams: "a,\${x}"}`, `4:31 unknown macro '\${x}' found in m.filters.stripParams`],
    [`filters: {setParamsByID: {"\${x}": {}}}`, `4:32 models.m.filters.setParamsByID: unknown macro '\${x}'`],
    [`capabilities: {in: ["\${x}"]}`, `4:26 model m capabilities: unknown macro '\${x}'`],
    [`metadata: {a: [{b: "\${x}"}]}`, `4:25 model m metadata: unknown macro '\${x}'`],
    [`env: ["A=\${x}"]`, `4:14 models.m.env[0]: unknown macro '\${x}'`],
    [`aliases: ["a-\${x}"]`, `4:18 models.m.aliases[0]: unknown macro '\${x}'`],
    [`ttl: \${x}`, `4:10 models.m.ttl: unknown macro '\${x}'`],
    [`useModelName: \${PID}`, `4:19 models.m.useModelName: unknown macro '\${PID}'`],
    [`description: \${PID}`, `4:18 unknown macro '\${PID}' found in m.description`],
  ])('that are unknown are told where they stand: %s', (text, expected) => {
    expect(errorsOf(inModel(text)).map(oneLine)).toEqual([expected]);
  });

  it.each([
    [`cmd: "x \${x} ${PORT}"`, `3:13 unknown macro '\${x}' found in m.cmd`],
    [`cmd: x\n    proxy: http://\${x}`, `4:19 unknown macro '\${x}' found in m.proxy`],
    [`cmd: x\n    proxy: http://h\n    name: ${PORT}`, `5:11 unknown macro '${PORT}' found in m.name`],
    [`cmd: x\n    proxy: http://h\n    cmdStop: s ${PORT}`, `5:16 unknown macro '${PORT}' found in m.cmdStop`],
    [`cmd: x\n    proxy: http://h\n    env: ["P=${PORT}"]`, `5:14 models.m.env[0]: unknown macro '${PORT}'`],
  ])('that have no value here are told where they stand: %j', (text, expected) => {
    expect(errorsOf(`models:\n  m:\n    ${text}`).map(oneLine)).toContain(expected);
  });

  it.each([
    [`startPort: \${x}`, `1:12 startPort: unknown macro '\${x}'`],
    [`logTimeFormat: "\${PID}"`, `1:17 logTimeFormat: unknown macro '\${PID}'`],
    [`groups: {g: {members: ["\${x}"]}}`, `1:25 groups.g.members[0]: unknown macro '\${x}'`],
    [`profiles: {p: {description: "\${x}", pins: {a: }}}`, `1:30 profiles.p.description: unknown macro '\${x}'`],
    [`selectors: {s: {strategy: pin, targets: [a], name: "\${x}"}}`, `1:53 selectors.s.name: unknown macro '\${x}'`],
    [`peers: {p: {proxy: "http://\${x}", models: [m]}}`, `1:28 peers.p.proxy: unknown macro '\${x}'`],
    [`turnout: {maxWait: "\${x}"}`, `1:21 turnout.maxWait: unknown macro '\${x}'`],
  ])('that are unknown are told in every section: %s', (text, expected) => {
    expect(errorsOf(`${text}\n${AB}`).map(oneLine)).toContain(expected);
  });
});

describe('a model (2.4)', () => {
  it.each([
    ['cmdStop: [x]', '4:14 models.m.cmdStop: expected text, got a list'],
    ['proxy: [x]', '4:12 models.m.proxy: expected text, got a list'],
    ['checkEndpoint: {}', '4:20 models.m.checkEndpoint: expected text, got a mapping'],
    ['ttl: soon', '4:10 models.m.ttl: expected a whole number, got "soon"'],
    ['unloadTimeout: "5"', '4:20 models.m.unloadTimeout: expected a whole number, got "5"'],
    ['useModelName: [x]', '4:19 models.m.useModelName: expected text, got a list'],
    ['description: [x]', '4:18 models.m.description: expected text, got a list'],
    ['filters: x', '4:14 models.m.filters: expected a mapping, got "x"'],
    ['filters: {setParamsByID: [x]}', '4:30 models.m.filters.setParamsByID: expected a mapping, got a list'],
    ['timeouts: 5', '4:15 models.m.timeouts: expected a mapping, got 5'],
    ['compat: yes', '4:13 models.m.compat: expected a mapping, got "yes"'],
    ['capabilities: [tools]', '4:19 models.m.capabilities: expected a mapping, got a list'],
    ['capabilities: {in: text}', '4:24 models.m.capabilities.in: expected a list, got "text"'],
    ['capabilities: {reranker: 1}', '4:30 models.m.capabilities.reranker: expected true or false, got 1'],
    ['capabilities: {context: many}', '4:29 models.m.capabilities.context: expected a whole number, got "many"'],
    ['aliases: [[x]]', '4:15 models.m.aliases[0]: expected text, got a list'],
  ])('is refused with %j', (text, expected) => {
    expect(errorsOf(inModel(text)).map(oneLine)).toEqual([expected]);
  });

  it('is refused when its cmd is no text', () => {
    const text = 'models:\n  m:\n    cmd: [x]\n    proxy: http://h';
    expect(errorsOf(text).map(oneLine)).toEqual(['3:10 models.m.cmd: expected text, got a list']);
  });

  it('is told that filters of two models make the same name', () => {
    const filters = 'filters: {setParamsByID: {low: {x: 1}}}';
    const text = `models:\n  a:\n    cmd: ${PORT}\n    ${filters}\n  b:\n    cmd: ${PORT}\n    ${filters}`;
    expect(errorsOf(text)).toMatchObject([
      {
        line: 7,
        column: 31,
        message: "duplicate alias 'low' in model b: filters.setParamsByID",
        help: 'also an alias of a',
      },
    ]);
  });
});

describe('routing (2.6)', () => {
  const moved = 'at the top level and routing.router cannot be used together';

  it.each([
    ['groups: {g: {members: a}}', '4:23 groups.g.members: expected a list, got "a"'],
    ['groups: {g: {persistent: 5}}', '4:26 groups.g.persistent: expected true or false, got 5'],
    ['groups: {g: 5}', '4:13 groups.g: expected a mapping, got 5'],
    ['groups: {g: {members: [a]}}\nrouting: {router: {use: matrix}}', `4:1 'groups' ${moved}`],
    ['matrix: {sets: {s: a}}\nrouting: {router: {use: matrix}}', `4:1 'matrix' ${moved}`],
    ['routing: {router: {settings: {groups: {g: {members: [a, a]}}}}}', '4:57 duplicate member "a" in group "g"'],
    [
      'routing: {router: {settings: {groups: {g: {members: [a]}, h: {members: [a]}}}}}',
      '4:73 model "a" is in two groups, "g" and "h"',
    ],
    [
      'routing: {scheduler: {settings: {fifo: {priority: [a]}}}}',
      '4:51 routing.scheduler.settings.fifo.priority: expected a mapping, got a list',
    ],
  ])('refuses %j', (text, expected) => {
    expect(errorsOf(AB + text).map(oneLine)).toEqual([expected]);
  });

  it('says how to move a former spelling', () => {
    const [problem] = errorsOf(`${AB}groups: {g: {members: [a]}}\nrouting: {router: {use: group}}`);
    expect(problem?.help).toBe("move 'groups' to routing.router.settings.groups");
  });
});

describe('a matrix (2.7)', () => {
  it.each([
    ['sets: {s: a & +}', `4:24 matrix: set "s": expected set name after '+'`],
    ['sets: {s: (a | b}', '4:20 matrix: set "s": missing closing parenthesis'],
    ['sets: {s: a | )}', '4:24 matrix: set "s": unexpected token ")"'],
    ['sets: {s: +s}', '4:17 matrix: circular reference detected involving set "s"'],
    [`vars: {${'x'.repeat(33)}: a}, sets: {s: a}`, `4:17 matrix: invalid var name "${'x'.repeat(33)}"`],
    ['evict_costs: {a: -1}, sets: {s: a}', '4:27 matrix: evict_costs.a must be a positive integer, got -1'],
    ['vars: {x: }, sets: {s: a}', '4:17 matrix: var "x" references unknown model ""'],
  ])('is refused with %j', (text, expected) => {
    expect(errorsOf(`${AB}matrix: {${text}}`).map(oneLine)).toEqual([expected]);
  });
});

describe('selectors and peers (2.9, 2.10)', () => {
  const made = yaml(`
    models:
      a: {cmd: "x \${PORT}", filters: {setParamsByID: {"p/low": {x: 1}}}}
      b: {cmd: "x \${PORT}"}
      c: {cmd: "x \${PORT}"}
  `);

  it.each([
    [
      'selectors: {p/low: {strategy: pin, targets: [b]}}',
      '5:13 selectors.p/low: the id is an alias of model a, expected one of its own',
    ],
    [
      'selectors: {s: {strategy: pin, targets: [b, s]}}',
      '5:45 selectors.s.targets[1] is the selector "s", selector chaining is not supported',
    ],
    ['selectors: {s: {strategy: pin, targets: b}}', '5:41 selectors.s.targets: expected a list, got "b"'],
    [
      'selectors: {s: {strategy: spillover, targets: [b, c]}}\ngroups: {g: {swap: false, members: [b]}, h: {swap: false, members: [c]}}',
      '5:47 selectors.s: spillover targets must all be in one group with swap: false',
    ],
    [
      'selectors: {s: {strategy: spillover, targets: [b, c]}}\ngroups: {g: {swap: true, members: [b, c]}}',
      '5:47 selectors.s: spillover targets must all be in one group with swap: false',
    ],
    [
      'selectors: {s: {strategy: spillover, targets: [b], settings: {spillover: x}}}',
      '5:74 selectors.s.settings.spillover: expected a whole number, got "x"',
    ],
    [
      'peers: {p: {proxy: "http://h", models: [low]}}',
      '2:51 alias of model a "p/low" conflicts with fully qualified peer model name of peer "p"',
    ],
    ['peers: {p: {proxy: [x], models: [m]}}', '5:20 peers.p.proxy: expected text, got a list'],
    ['peers: {p: {proxy: "http://h", models: m}}', '5:40 peers.p.models: expected a list, got "m"'],
    [
      'peers: {p: {proxy: "http://h", models: [m], timeouts: {connect: x}}}',
      '5:65 peers.p.timeouts.connect: expected a whole number, got "x"',
    ],
  ])('are refused with %j', (text, expected) => {
    expect(errorsOf(made + text).map(oneLine)).toContain(expected);
  });
});
