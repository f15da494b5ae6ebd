/** Who decides which models leave, and what it needs to: planner, policy, devices, memory. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/core/config/load.ts';
import { errorsOf, load, model, oneLine, warningsOf } from './helpers.ts';

const PORT = `\${PORT}`;
const GIB = 1024 ** 3;
const MODELS = `models:\n  a: {cmd: "${PORT}"}\n  b: {cmd: "${PORT}"}\n`;
const SIZED = `models:\n  a: {cmd: "${PORT}", turnout: {memory: 1GiB}}\n`;
const told = (text: string) => errorsOf(text).map((error) => [oneLine(error), error.help]);
const warned = (text: string) => warningsOf(text).map((warning) => [oneLine(warning), warning.help]);

describe('the planner', () => {
  it.each([
    ['', 'group', 'group'],
    ['turnout: {planner: group}', 'group', 'group'],
    ['matrix: {sets: {s: a}}', 'matrix', 'matrix'],
    ['turnout: {planner: budget, devices: {gpu0: 8GiB}}', 'budget', 'budget'],
    ['groups: {g: {members: [a]}}\nturnout: {planner: budget, devices: {gpu0: 8GiB}}', 'budget', 'budget'],
    ['turnout: {devices: {gpu0: 8GiB}}', 'group', 'group'],
    ['turnout: {planner: policy, policy: p.ts}', 'policy', 'group'],
    ['matrix: {sets: {s: a}}\nturnout: {planner: policy, policy: p.ts}', 'policy', 'matrix'],
    ['turnout: {planner: policy, policy: p.ts, devices: {gpu0: 8GiB}}', 'policy', 'budget'],
    ['groups: {g: {members: [a]}}\nturnout: {planner: policy, policy: p.ts, devices: {gpu0: 8GiB}}', 'policy', 'group'],
    [
      'routing: {router: {use: group}}\nturnout: {planner: policy, policy: p.ts, devices: {gpu0: 8GiB}}',
      'policy',
      'group',
    ],
    ['turnout: {planner: policy, policy: {file: p.ts, fallback: group}, devices: {gpu0: 8GiB}}', 'policy', 'group'],
    [
      'routing: {router: {settings: {matrix: {sets: {s: a}}}}}\nturnout: {planner: policy, policy: {file: p.ts, fallback: matrix}}',
      'policy',
      'matrix',
    ],
  ])('of %j is %s, and %s when that does not answer', (text, planner, fallback) => {
    expect(load(MODELS + text).turnout).toMatchObject({ planner, fallback });
  });

  it.each([
    [
      'turnout: {planner: budget}',
      '4:20 turnout.planner is budget but turnout.devices is not set',
      'write for example "devices: {gpu0: 24GiB}" under turnout',
    ],
    [
      'turnout: {planner: budget, devices: {}}',
      '4:20 turnout.planner is budget but turnout.devices is not set',
      'write for example "devices: {gpu0: 24GiB}" under turnout',
    ],
    [
      'turnout: {planner: matrix}',
      '4:20 turnout.planner is matrix but routing.router.settings.matrix is not set',
      'write the sets of models that may run together there',
    ],
    [
      'turnout: {planner: policy}',
      '4:20 turnout.planner is policy but turnout.policy names no file',
      'write for example "policy: ./policies/mine.ts" under turnout',
    ],
    [
      'turnout: {planner: policy, policy: {options: {}}}',
      '4:20 turnout.planner is policy but turnout.policy names no file',
      'write for example "policy: ./policies/mine.ts" under turnout',
    ],
    [
      'turnout: {planner: policy, policy: {file: p.ts, fallback: budget}}',
      '4:59 turnout.policy.fallback is budget but turnout.devices is not set',
      'write for example "devices: {gpu0: 24GiB}" under turnout',
    ],
    [
      'turnout: {planner: policy, policy: {file: p.ts, fallback: matrix}}',
      '4:59 turnout.policy.fallback is matrix but routing.router.settings.matrix is not set',
      'write the sets of models that may run together there',
    ],
    [
      'turnout: {planner: budget, devices: {gpu0: big}}',
      '4:44 turnout.devices.gpu0: expected a size such as 256MiB, or a number of bytes, got "big"',
      null,
    ],
    [
      'routing: {router: {use: matrix}}\nturnout: {planner: matrix}',
      "4:25 routing.router.use is 'matrix' but routing.router.settings.matrix is not set",
      null,
    ],
  ])('that lacks what it needs is refused: %j', (text, expected, help) => {
    expect(told(MODELS + text)).toEqual([[expected, help]]);
  });

  it.each([
    [
      'matrix: {sets: {s: a}}\nturnout: {planner: budget, devices: {gpu0: 8GiB}}',
      [['3:1 matrix has no effect', 'the budget planner is in use']],
    ],
    [
      'groups: {g: {members: [a]}}\nturnout: {planner: budget, devices: {gpu0: 8GiB}}',
      [['3:1 groups has no effect', 'the budget planner is in use']],
    ],
    [
      'turnout: {devices: {gpu0: 8GiB}}',
      [
        [
          '3:11 turnout.devices limits nothing',
          'the group planner is in use, write "planner: budget" to let memory decide',
        ],
      ],
    ],
    ['turnout: {planner: group, devices: {gpu0: 8GiB}}', []],
  ])('says what another one was meant for: %j', (text, expected) => {
    expect(warned(SIZED + text)).toEqual(expected);
  });

  it('is not known to llama-swap, which takes what the file says of routers', () => {
    const text = `${MODELS}matrix: {sets: {s: a}}\nturnout: {planner: budget}`;
    const result = loadConfig([{ file: 'c.yaml', text }], { reader: 'llama-swap' });
    expect('config' in result && result.config.turnout.planner).toBe('matrix');
  });
});

describe('the example for those who come from llama-swap', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/migrate-from-llama-swap.md'), 'utf8');
  const examples = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, text = '']) => text);

  it.each(examples)('loads, here and there: %s', (text) => {
    expect(load(text)).toMatchObject({ turnout: { planner: 'budget' }, warnings: [] });
    expect(load(text, { reader: 'llama-swap' }).models.size).toBe(3);
  });

  it('is there', () => expect(examples).not.toEqual([]));
});

describe('the matrix of a policy', () => {
  const text = `${MODELS}matrix: {sets: {s: a & b}}\nturnout: {planner: policy, policy: p.ts}`;

  it('is kept, so that it can be asked', () => {
    expect(load(text).matrix?.sets).toHaveLength(1);
    expect(warningsOf(text).filter(({ code }) => code === 'no-effect')).toEqual([]);
  });
});

describe('turnout.policy', () => {
  const file = (name: string) => join(process.cwd(), name);
  const policyOf = (text: string) => {
    const { policy, shadow } = load(`turnout: {${text}}`).turnout;
    return { policy, shadow };
  };

  it.each([
    ['policy: p.ts', { policy: { file: file('p.ts'), options: {} }, shadow: [] }],
    [
      'policy: {file: x/p.ts, options: {n: 1, deep: [null]}}',
      { policy: { file: file('x/p.ts'), options: { n: 1, deep: [null] } }, shadow: [] },
    ],
    [
      'policy: {shadow: [../q.ts, /r.ts]}',
      {
        policy: null,
        shadow: [
          { file: file('../q.ts'), options: {} },
          { file: '/r.ts', options: {} },
        ],
      },
    ],
    ['policy: {}', { policy: null, shadow: [] }],
  ])('is read from %j', (text, expected) => {
    expect(policyOf(text)).toEqual(expected);
  });

  it('has paths relative to the file that names them', () => {
    const result = loadConfig([
      { file: '/etc/turnout/a.yaml', text: 'turnout: {policy: {file: p.ts}}' },
      { file: '/srv/b.yaml', text: 'turnout: {policy: {shadow: [q.ts]}}' },
    ]);
    expect('config' in result && result.config.turnout).toMatchObject({
      policy: { file: '/etc/turnout/p.ts' },
      shadow: [{ file: '/srv/q.ts' }],
    });
  });

  const whole = 'turnout.policy: expected a file name, or a mapping with file, options, fallback and shadow';

  it.each([
    ['policy: [x]', `1:19 ${whole}, got a list`],
    ['policy: ""', `1:19 ${whole}, got ""`],
    ['policy: {file: ""}', '1:26 turnout.policy.file: expected a file name, got ""'],
    ['policy: {file: [p]}', '1:26 turnout.policy.file: expected a file name, got a list'],
    ['policy: {fallback: policy}', '1:30 turnout.policy.fallback: expected one of group, matrix, budget, got "policy"'],
    ['policy: {options: [1]}', '1:29 turnout.policy.options: expected a mapping, got a list'],
    ['policy: {shadow: q.ts}', '1:28 turnout.policy.shadow: expected a list, got "q.ts"'],
    ['policy: {shadow: [""]}', '1:29 turnout.policy.shadow[0]: expected a file name, got ""'],
  ])('is refused with %j', (text, expected) => {
    expect(errorsOf(`turnout: {${text}}`).map(oneLine)).toEqual([expected]);
  });

  const inUse = 'the group planner is in use, write "planner: policy"';

  it.each([
    ['policy: p.ts', ['1:11 turnout.policy has no effect', inUse]],
    ['policy: {file: p.ts}', ['1:20 turnout.policy.file has no effect', inUse]],
    ['policy: {fallback: group}', ['1:20 turnout.policy.fallback has no effect', inUse]],
    ['policy: {options: {n: 1}}', ['1:20 turnout.policy.options has no effect', 'turnout.policy names no file']],
    ['policy: {shadows: []}', ['1:20 unknown key "shadows" in turnout.policy', 'did you mean "shadow"?']],
  ])('says what is of no use in %j', (text, expected) => {
    const unsupported = (code: string) => code === 'not-supported';
    const found = warningsOf(`turnout: {${text}}`).filter(({ code }) => !unsupported(code));
    expect(found.map((warning) => [oneLine(warning), warning.help])).toEqual([expected]);
  });
});

describe('memory', () => {
  const one = (memory: string, devices: string) =>
    `models:\n  a:\n    cmd: ${PORT}\n    turnout: {memory: ${memory}}\nturnout: {planner: budget, devices: {${devices}}}`;

  it.each([
    ['2GiB', 'gpu0: 2GiB', 2 * GIB],
    ['3GiB', 'gpu0: 2GiB, gpu1: 1GiB, ram: 1GiB', 3 * GIB],
    ['1GiB', 'ram: 1GiB', GIB],
    ['{gpu0: 1.5GiB, ram: 8GiB}', 'gpu0: 2GiB, ram: 8GiB', { gpu0: 1.5 * GIB, ram: 8 * GIB }],
    ['1024', 'gpu0: 2GiB', 1024],
  ])('of %j fits on %j', (memory, devices, expected) => {
    const config = load(one(memory, devices));
    expect(model(config, 'a').memory).toEqual(expected);
    expect(config.warnings).toEqual([]);
  });

  it.each([
    ['2GiB', 'gpu0: 1GiB', '4:23 models.a.turnout.memory is 2 GiB, which is more than gpu0 has (1 GiB)', null],
    [
      '4GiB',
      'gpu0: 1GiB, gpu1: 2GiB',
      '4:23 models.a.turnout.memory is 4 GiB, which is more than gpu0, gpu1 have together (3 GiB)',
      null,
    ],
    [
      '2GiB',
      'gpu0: 1GiB, ram: 64GiB',
      '4:23 models.a.turnout.memory is 2 GiB, which is more than gpu0 has (1 GiB)',
      'a plain size does not lie on ram: give sizes by device',
    ],
    ['2GiB', 'ram: 1GiB', '4:23 models.a.turnout.memory is 2 GiB, which is more than ram has (1 GiB)', null],
    [
      '{gpu0: 2GiB}',
      'gpu0: 1GiB',
      '4:30 models.a.turnout.memory.gpu0 is 2 GiB, which is more than the device has (1 GiB)',
      null,
    ],
    ['{gpu: 1GiB}', 'gpu0: 1GiB', '4:24 models.a.turnout.memory: unknown device "gpu"', 'did you mean "gpu0"?'],
    [
      '{vram: 1GiB}',
      'gpu0: 1GiB',
      '4:24 models.a.turnout.memory: unknown device "vram"',
      'declare it with its size under turnout.devices',
    ],
    ['{}', 'gpu0: 1GiB', '4:23 models.a.turnout.memory: expected 1 to 64 devices, got 0', null],
    [
      '{gpu0: lots}',
      'gpu0: 1GiB',
      '4:30 models.a.turnout.memory.gpu0: expected a size such as 256MiB, or a number of bytes, got "lots"',
      null,
    ],
    [
      'lots',
      'gpu0: 1GiB',
      '4:23 models.a.turnout.memory: expected a size such as 6GiB, or a mapping of devices to sizes, got "lots"',
      null,
    ],
    [
      `${'9'.repeat(400)}GiB`,
      'gpu0: 1GiB',
      `4:23 models.a.turnout.memory: expected a size such as 6GiB, or a mapping of devices to sizes, got "${'9'.repeat(60)}…"`,
      null,
    ],
  ])('of %j on %j is refused', (memory, devices, expected, help) => {
    expect(told(one(memory, devices))).toEqual([[expected, help]]);
  });

  it('is checked once where it stands for all models', () => {
    const text = `${MODELS}turnout: {planner: budget, devices: {gpu0: 1GiB}, memory: 2GiB}`;
    expect(told(text)).toEqual([['4:59 turnout.memory is 2 GiB, which is more than gpu0 has (1 GiB)', null]]);
  });

  it.each([
    ['{a: 0B}', '1:24 turnout.devices.a must be greater than 0'],
    ['{a: 0}', '1:24 turnout.devices.a: expected a size such as 256MiB, or a number of bytes, got 0'],
    ['[a]', '1:20 turnout.devices: expected a mapping, got a list'],
    [
      `{${Array.from({ length: 65 }, (_, i) => `d${i}: 1GiB`).join(', ')}}`,
      '1:20 turnout.devices: expected at most 64 devices, got 65',
    ],
  ])('of devices is refused with %.30s', (devices, expected) => {
    expect(errorsOf(`turnout: {devices: ${devices}}`).map(oneLine)).toEqual([expected]);
  });

  it('has devices in the order of the file', () => {
    const { devices } = load('turnout: {devices: {b: 1GiB, 2: 1GiB, a: 1GiB, 1: 1GiB}}').turnout;
    expect([...(devices?.keys() ?? [])]).toEqual(['b', '2', 'a', '1']);
  });

  const help = 'set models.<id>.turnout.memory, or turnout.memory for all';

  it('that a model does not declare is told where memory decides', () => {
    const budget = 'turnout: {planner: budget, devices: {gpu0: 8GiB}}';
    expect(warned(`${SIZED}  b: {cmd: "${PORT}"}\n${budget}`)).toEqual([
      ['3:3 model b does not say how much memory is taken: loaded alone until its use was observed', help],
    ]);
    const many = Array.from({ length: 7 }, (_, i) => `  m${i}: {cmd: "${PORT}"}\n`).join('');
    expect(warned(`${SIZED}${many}${budget}`)).toEqual([
      [
        '3:3 7 models do not say how much memory is taken (m0, m1, m2, m3, m4 and 2 more): loaded alone until its use was observed',
        help,
      ],
    ]);
  });

  it.each([
    `${MODELS}turnout: {planner: budget, devices: {gpu0: 8GiB}, memory: 1GiB}`,
    `${MODELS}turnout: {planner: group, devices: {gpu0: 8GiB}}`,
  ])('that is declared or decides nothing is not: %s', (text) => {
    expect(warningsOf(text)).toEqual([]);
  });
});

describe('what goes with the budget planner', () => {
  it.each([
    ['memoryWait: 0', { memoryWaitMs: 0 }],
    ['memoryWait: 1m30s', { memoryWaitMs: 90_000 }],
    ['antiThrash: no', { antiThrash: false }],
  ])('is read: %s', (text, expected) => {
    expect(load(`turnout: {${text}}`).turnout).toMatchObject(expected);
  });

  it.each([
    [
      'memoryWait: long',
      '1:23 turnout.memoryWait: expected a duration such as 90s, 5m or 1h30m, or a number of seconds, got "long"',
    ],
    ['antiThrash: perhaps', '1:23 turnout.antiThrash: expected true or false, got "perhaps"'],
  ])('is refused with %j', (text, expected) => {
    expect(errorsOf(`turnout: {${text}}`).map(oneLine)).toEqual([expected]);
  });

  const selectors = 'selectors: {x: {strategy: spillover, targets: [a, b]}}\n';
  const sized = (gib: number) =>
    `models:\n  a: {cmd: "${PORT}", turnout: {memory: ${gib}GiB}}\n  b: {cmd: "${PORT}", turnout: {memory: 2GiB}}\n`;
  const budget = 'turnout: {planner: budget, devices: {gpu0: 4GiB}}';

  it('lets selectors spill over what fits, without groups', () => {
    expect(load(`${sized(2)}${selectors}${budget}`).selectors?.size).toBe(1);
    expect(errorsOf(`${sized(3)}${selectors}${budget}`).map(oneLine)).toEqual([
      '4:47 selectors.x: spillover targets must all fit into the memory of turnout.devices',
    ]);
  });
});
