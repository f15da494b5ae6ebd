/** Files that were made to hurt: each is an error (or loads), within the time of any other test and without the memory. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/core/config/load.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { errorsOf, load, model } from './helpers.ts';

const PORT = `\${PORT}`;
const times = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('');

const bomb = (seed: string): string =>
  `a0: &a0 [${seed}]\n${times(30, (i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(', ')}]\n`)}`;

/** What is told first, so that a failure says enough. */
function firstCode(text: string): string {
  const [first] = errorsOf(text, { env: { X: 'x' } });
  return `${first?.code}: ${first?.message}`;
}

describe('a hostile file', () => {
  it.each([
    ['aliases that multiply, as models', `${bomb('x')}models: *a30\n`],
    ['aliases that multiply, as keys', `${bomb('x')}apiKeys: *a30\n`],
    ['aliases that multiply, with macros', `${bomb(`"${PORT}"`)}models: {m: {cmd: "${PORT}", env: *a30}}\n`],
    [
      'aliases that multiply, where nothing is read',
      `${bomb(`"${PORT}"`)}models: {m: {cmd: "${PORT}", metadata: *a30}}\n`,
    ],
    ['aliases that multiply, in another section', `${bomb(`"${PORT}"`)}peers: *a30\n`],
    [
      'maps that multiply',
      `m0: &m0 {k: "${PORT}"}\n${times(40, (i) => `m${i + 1}: &m${i + 1} {a: *m${i}, b: *m${i}}\n`)}ui: *m40\n`,
    ],
    [
      'merge keys that multiply',
      `b: &b {${times(3000, (i) => `k${i}: 1, `)}}\nc:\n${times(3000, () => '  - {<<: *b}\n')}`,
    ],
    [
      'macros that multiply',
      `macros:\n  a0: xxxxxxxx\n${times(60, (i) => `  a${i + 1}: "\${a${i}}\${a${i}}"\n`)}logLevel: "\${a60}"\n`,
    ],
    [
      'macros that multiply in every model',
      `x: &m {${times(3000, (i) => `n${i}: 1, `)}}\nmodels:\n${times(3000, (i) => `  m${i}: {cmd: "${PORT}", macros: *m}\n`)}`,
    ],
    ['a file that is too large', `a: ${'b'.repeat(5 * 1024 * 1024)}`],
    ['many short lines', times(100_000, () => 'a: b\n')],
    ['many empty lines', '\n'.repeat(900_000)],
  ])('is refused as too large: %s', (_name, text) => {
    expect(firstCode(text)).toMatch(/^too-large: /);
  });

  it.each([
    ['brackets', '['.repeat(500_000)],
    ['braces', '{a: '.repeat(100_000)],
    ['dashes', '- '.repeat(500_000)],
    ['question marks', '? '.repeat(500_000)],
    ['colons', ': '.repeat(500_000)],
    ['indentation', times(1000, (i) => `${' '.repeat(i)}a:\n`)],
    ['aliases', `a0: &a0 [1]\n${times(3000, (i) => `a${i + 1}: &a${i + 1} [*a${i}]\n`)}`],
  ])('is refused as nested too deeply: %s', (_name, text) => {
    expect(firstCode(text)).toMatch(/^too-deep: /);
  });

  it.each([
    ['binary', '\0\x01\x02\x03'.repeat(100_000)],
    ['quotes', '"\n'.repeat(20_000)],
    ['anchors', '&a '.repeat(20_000)],
    ['directives', `${'%a b\n'.repeat(15_000)}a: 1`],
    ['one long key', `"${'k'.repeat(900_000)}": 1`],
  ])('is refused as no YAML: %s', (_name, text) => {
    expect(firstCode(text)).toMatch(/^yaml-syntax: /);
  });

  it.each([
    ['one alias many times', `models: {a: {cmd: "${PORT}", aliases: [${times(15_000, () => 'x, ')}]}}`],
    [
      'targets that are all nearly the name of a model',
      `peers: {p: {proxy: "http://h", models: [${times(6_000, (i) => `model-number-${i}, `)}]}}\nselectors: {s: {strategy: pin, targets: [${times(6_000, (i) => `modul-numbr-${i}, `)}]}}`,
    ],
    ['a long matrix expression', `matrix: {sets: {s: "${times(100_000, (i) => `x${i}|`)}a"}}`],
    [
      'devices for every model',
      `models: {${times(2_000, (i) => `m${i}: {cmd: "${PORT}"}, `)}}\nturnout: {memory: {${times(3_000, (i) => `d${i}: 1, `)}}}`,
    ],
    ['wrong regular expressions', `upstream: {ignorePaths: [${times(14_000, () => '"(x", ')}]}`],
    ['members that no model is', `groups: {g: {members: [${times(14_000, (i) => `z${i}, `)}]}}`],
  ])('is refused with a bounded number of problems: %s', (_name, text) => {
    const errors = errorsOf(text);
    expect(errors.length).toBeGreaterThan(0);
    expect(errors.length).toBeLessThanOrEqual(LIMITS.configDiagnosticsMax + 1);
  });

  it.each(['metadata', 'filters: {setParams: {x: *a30}}', 'capabilities', 'macros'])(
    'is refused as too large in a model: %s',
    (key) => {
      const value = key.includes(':') ? key : `${key}: {in: *a30}`;
      expect(firstCode(`${bomb('x')}models: {m: {cmd: "${PORT}", ${value}}}\n`)).toMatch(/^(too-large|macro): /);
    },
  );

  it.each(['peers', 'profiles', 'selectors', 'matrix', 'ui', 'store', 'performance', 'upstream', 'turnout', 'routing'])(
    'is refused as too large in %s',
    (key) => {
      expect(firstCode(`${bomb('x')}${key}: *a30\n`)).toMatch(/^too-large: /);
    },
  );

  it('has a bounded number of problems told, and how many there are more', () => {
    const errors = errorsOf(`apiKeys: [${times(5000, () => '"", ')}]`.replaceAll('"", ', `"a b", `));
    expect(errors.length).toBe(LIMITS.configDiagnosticsMax + 1);
    expect(errors.at(-1)).toMatchObject({ code: 'too-many', message: '4900 more errors not shown', line: 0 });
    const unset = errorsOf(`logTimeFormat: [${times(10_000, () => `\${env.Y}, `)}]`, { env: {} });
    expect(unset.length).toBe(LIMITS.configDiagnosticsMax + 1);
  });

  it('may have a command of nearly a megabyte', () => {
    const config = load(
      `models: {a: {cmd: "${PORT} ${'--api-key x --prompt "'.replace('"', "'")}${"x' 'y ".repeat(100_000)}"}}`,
    );
    expect(model(config, 'a').cmd.length).toBeGreaterThan(600_000);
    expect(config.redacted).toContain('--api-key [REDACTED]');
  });
});

describe('a large file', () => {
  it('of 500 models that share nested anchors loads', () => {
    const text = [
      'defs:',
      '  t: &t {connect: 5, keepalive: 7}',
      `  base: &base {ttl: 300, timeouts: *t, env: ["A=1", "ID=\${MODEL_ID}"], metadata: {deep: {list: [1, 2, *t]}}}`,
      'models:',
      times(
        500,
        (i) =>
          `  "org/model-${i}":\n    <<: *base\n    cmd: |\n      serve --port ${PORT}\n      -m m${i}.gguf\n    aliases: [a${i}, b${i}]\n`,
      ),
    ].join('\n');
    const config = load(text);
    expect(config.models.size).toBe(500);
    expect(model(config, 'org/model-499')).toMatchObject({ ttlMs: 300_000, env: ['A=1', 'ID=org/model-499'] });
    expect(config.names.size).toBe(1500);
  });

  it('costs its share of the bound, whatever the number of files', () => {
    const sources = Array.from({ length: 30 }, (_, i) => ({
      file: `${i}.yaml`,
      text: times(1000, (k) => `k${i}-${k}: 1\n`),
    }));
    const result = loadConfig(sources);
    expect('errors' in result && result.errors.map((error) => error.code)).toEqual(['too-large']);
  });
});
