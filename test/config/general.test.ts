/** The smaller keys of the top level, and those of turnout that stand for features to come. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { translateRe2 } from '../../src/core/config/re2.ts';
import { readConfig } from '../../src/core/config/read.ts';
import { errorsOf, load, model, oneLine, warningsOf } from './helpers.ts';

const MODELS = 'models: {a: {cmd: "${PORT}", aliases: [x]}, b: {cmd: "${PORT}"}}\n';

describe('the top level', () => {
  it.each([
    ['store: {path: ""}', '1:15 store.path must not be empty'],
    ['store: {path: "  "}', '1:15 store.path must not be empty'],
    ['store: {}', '1:8 store.path must not be empty'],
    ['performance: {every: 4s}', '1:22 performance: every must be at least 5s, got 4s'],
    ['performance: {every: 900ms}', '1:22 performance: every must be at least 5s, got 900ms'],
    ['performance: {every: 15}', '1:22 performance.every: expected a duration such as 15s or 1m30s, got 15'],
    ['performance: {every: 1d}', '1:22 performance.every: expected a duration such as 15s or 1m30s, got "1d"'],
    ['upstream: {ignorePaths: ["ok", "(x"]}', '1:32 upstream.ignorePaths: invalid regular expression "(x"'],
    ['upstream: {ignorePaths: ["(?=x)"]}', '1:26 upstream.ignorePaths: invalid regular expression "(?=x)"'],
    ['metricsMaxInMemory: many', '1:21 metricsMaxInMemory: expected a whole number, got "many"'],
    ['ui: {activity: {session_id: x}}', '1:29 ui.activity.session_id: expected a list, got "x"'],
    ['turnout: {eventLog: {retentionDays: -1}}', '1:37 turnout.eventLog.retentionDays must be >= 0, got -1'],
    [
      'turnout: {eventLog: {maxBytes: lots}}',
      '1:32 turnout.eventLog.maxBytes: expected a size such as 256MiB, or a number of bytes, got "lots"',
    ],
    ['turnout: {planner: best}', '1:20 turnout.planner: expected one of group, matrix, budget, policy, got "best"'],
    [
      'turnout: {timeZone: Mars/Base}',
      '1:21 turnout.timeZone: expected a time zone such as Europe/Berlin, got "Mars/Base"',
    ],
  ])('refuses %j', (text, expected) => {
    expect(errorsOf(text).map(oneLine)).toEqual([expected]);
  });

  it('has its defaults', () => {
    expect(load('')).toMatchObject({
      logTimeFormat: '',
      metricsMaxInMemory: 1000,
      captureBufferBytes: 5 * 1024 * 1024,
      store: null,
      uiSessionHeaders: ['X-Session-ID', 'X-Litellm-Session-Id'],
      performance: { disabled: false, everyMs: 5_000 },
      includeAliasesInList: false,
      router: 'group',
      matrix: null,
    });
    expect(load('').ignorePaths?.map((path) => path.test('/x/app.js'))).toEqual([true]);
  });

  it('reads what llama-swap reads', () => {
    expect(
      load(
        'metricsMaxInMemory: -5\ncaptureBuffer: -1\nperformance: {every: 1m30s}\nlogTimeFormat: " Kitchen "\nupstream: {ignorePaths: []}',
      ),
    ).toMatchObject({
      metricsMaxInMemory: 1000,
      captureBufferBytes: 0,
      performance: { everyMs: 90_000 },
      logTimeFormat: 'kitchen',
      ignorePaths: [],
    });
    expect(load('performance: {every: "0"}').performance?.everyMs).toBe(5_000);
    const ui = 'ui: {activity: {session_id: [" X-A ", x-a, "", X-B]}}';
    expect(load(ui).uiSessionHeaders).toEqual(['X-A', 'X-B']);
    expect(load('ui: {activity: {session_id: []}}').uiSessionHeaders).toEqual([]);
  });

  it('cuts off what stands behind the point of a whole number, but not in what is its own', () => {
    const config = load('captureBuffer: 1.9\nglobalTTL: 90.5\nmodels: {a: {cmd: "${PORT}"}}');
    expect(config).toMatchObject({ captureBufferBytes: 1024 * 1024 });
    expect(model(config, 'a').ttlMs).toBe(90_000);
    expect(config.warnings.map(oneLine)).toEqual([
      '1:16 captureBuffer: expected a whole number, got 1.9; 1 is used',
      '2:12 globalTTL: expected a whole number, got 90.5; 90 is used',
    ]);
    expect(errorsOf('turnout: {eventLog: {retentionDays: 1.5}}').map(oneLine)).toEqual([
      '1:37 turnout.eventLog.retentionDays: expected a whole number, got 1.5',
    ]);
  });

  it('writes no times for a format that nobody knows, and says so', () => {
    expect(load('logTimeFormat: rfc3999').logTimeFormat).toBe('');
    expect(warningsOf('logTimeFormat: rfc3999')).toMatchObject([
      { message: 'logTimeFormat: unknown format "rfc3999"; no times are written', help: 'did you mean "rfc3339"?' },
    ]);
  });

  it('reads what is of turnout alone', () => {
    const { turnout, models } = load(
      `${MODELS}turnout: {eventLog: {retentionDays: 0, maxBytes: 2GiB}, policy: {file: p.ts, options: {n: 1}, shadow: [../q.ts]}, devices: {gpu0: 24GiB}, memory: {gpu0: 8GiB}, timeZone: europe/berlin}`,
    );
    expect(turnout).toMatchObject({
      retentionDays: 0,
      eventLogBytesMax: 2 * 1024 ** 3,
      policy: { file: join(process.cwd(), 'p.ts'), options: { n: 1 } },
      shadow: [{ file: join(process.cwd(), '..', 'q.ts'), options: {} }],
      devices: new Map([['gpu0', 24 * 1024 ** 3]]),
      timeZone: 'Europe/Berlin',
    });
    expect([...models.values()].map(({ memory }) => memory)).toEqual([
      { gpu0: 8 * 1024 ** 3 },
      { gpu0: 8 * 1024 ** 3 },
    ]);
    const own = load('models: {a: {cmd: "${PORT}", turnout: {memory: 1GiB}}}');
    expect(model(own, 'a').memory).toBe(1024 ** 3);
  });
});

describe('the file of the activity', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'turnout-store-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  const problems = async (path: string): Promise<string[]> => {
    const config = join(dir, 'config.yaml');
    await writeFile(config, `store: {path: ${JSON.stringify(path)}}`);
    const result = await readConfig({ config });
    return 'errors' in result ? result.errors.map(oneLine) : [];
  };

  it('may be there or not yet', async () => {
    expect(await problems(join(dir, 'new.db'))).toEqual([]);
    await writeFile(join(dir, 'old.db'), '');
    expect(await problems(join(dir, 'old.db'))).toEqual([]);
  });

  it('must be a file in a directory that is there', async () => {
    expect(await problems(dir)).toEqual([`1:15 store.path "${dir}" is a directory, expected a file`]);
    const lost = join(dir, 'no', 'x.db');
    expect(await problems(lost)).toEqual([`1:15 store.path "${lost}" is not writable: no such file or directory`]);
  });
});

describe('translateRe2()', () => {
  it.each([
    ['\\.js$', 'a.js', true],
    ['(?i)\\.JS$', 'a.js', true],
    ['^/a\\z', '/a', true],
    ['\\A/a', 'x/a', false],
    ['[[:alpha:]]+\\d', 'ab1', true],
    ['[^[:space:]]', ' ', false],
    ['(?P<n>a)b', 'ab', true],
    ['\\Qa.b\\E', 'axb', false],
    ['\\Qa.b\\E', 'a.b', true],
    ['\\pL', 'ö', true],
    ['\\p{Greek}', 'a', false],
    ['a\\-b', 'a-b', true],
  ])('makes %j find in %j: %s', (text, path, expected) => {
    const translated = translateRe2(text);
    if (!('pattern' in translated)) throw new Error(translated.problem);
    expect(translated.pattern.test(path)).toBe(expected);
  });

  it.each(['(', '[a', '(?=a)', '(?!a)', '(?<=a)b', '(a)\\1', 'a**', '[[:wrong:]]'])('refuses %j', (text) => {
    expect(translateRe2(text)).toHaveProperty('problem');
  });
});
