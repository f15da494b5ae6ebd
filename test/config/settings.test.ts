import { describe, expect, it } from 'vitest';
import { launchFields } from '../../src/core/config/launch.ts';
import { settingsOf } from '../../src/core/config/settings.ts';
import { load, model, yaml } from './helpers.ts';

const PORT = `\${PORT}`;
const GIB = 1024 ** 3;
const digestOf = (text: string, id = 'a', key = 'secret') =>
  settingsOf(load(text), key).models.find((settings) => settings.id === id)?.specDigest;

describe('settingsOf()', () => {
  it('gives the kernel what it needs and nothing else', () => {
    const settings = settingsOf(
      load(
        yaml(`
          healthCheckTimeout: 60
          globalTTL: 30
          models:
            b:
              cmd: "x \${PORT}"
              concurrencyLimit: 2
              capabilities: {context: 4096}
              turnout: {minResidency: 5s, memory: 2GiB, tags: [t], keepWarm: daily 08:00-09:00, onDemand: {redirect: first}}
            a: {cmd: x, proxy: "http://h:1", ttl: 0, aliases: [first]}
          groups:
            g: {swap: false, persistent: true, members: [b]}
          routing: {scheduler: {settings: {fifo: {priority: {first: 4}}}}}
          turnout:
            maxWait: 9s
            minResidency: 1s
            queueTimeout: 2s
            drainTimeout: 3s
            eventLog: {onTrouble: refuse}
            planner: policy
            policy: {file: p.ts, fallback: budget}
            devices: {gpu0: 8GiB, ram: 16GiB}
            memoryWait: 4s
            protect: {models: [first], otherwise: refuse}
            whenIdle: {after: 5s, load: first}
            client: {priority: {alice: 3}}
            antiThrash: false
            timeZone: Etc/GMT-3
        `),
      ),
      'secret',
    );
    expect(settings).toEqual({
      models: [
        {
          id: 'b',
          group: 'g',
          concurrencyLimit: 2,
          ttlMs: 30_000,
          stopGraceMs: 10_000,
          startTimeoutMs: 60_000,
          minResidencyMs: 5_000,
          priority: 0,
          port: 5800,
          specDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
          memory: 2 * GIB,
          tags: ['t'],
          context: 4096,
          keepWarm: [{ days: [0, 1, 2, 3, 4, 5, 6], fromMin: 480, toMin: 540 }],
          onDemand: { action: 'redirect', to: ['a'], otherwise: 'load' },
        },
        {
          id: 'a',
          group: '(default)',
          concurrencyLimit: 10,
          ttlMs: 0,
          stopGraceMs: 10_000,
          startTimeoutMs: 60_000,
          minResidencyMs: 1_000,
          priority: 4,
          port: null,
          specDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
          memory: null,
          tags: [],
          context: 0,
          keepWarm: [],
          onDemand: { action: 'load' },
        },
      ],
      groups: [
        { id: 'g', swap: false, exclusive: true, persistent: true },
        { id: '(default)', swap: true, exclusive: true, persistent: false },
      ],
      planner: 'policy',
      fallback: 'budget',
      matrix: null,
      devices: [
        { id: 'gpu0', bytes: 8 * GIB },
        { id: 'ram', bytes: 16 * GIB },
      ],
      memoryWaitMs: 4_000,
      protect: { models: ['a'], otherwise: 'refuse' },
      whenIdle: { afterMs: 5_000, load: 'a' },
      zone: { name: 'Etc/GMT-3', offsets: [{ from: 0, offsetMin: 180 }] },
      clientPriority: { alice: 3 },
      antiThrash: false,
      maxWaitMs: 9_000,
      queueTimeoutMs: 2_000,
      drainTimeoutMs: 3_000,
      onTrouble: 'refuse',
    });
  });

  it('resolves the names of a matrix', () => {
    const text = yaml(`
      models: {a: {cmd: "\${PORT}"}, org/b: {cmd: "\${PORT}"}, c: {cmd: "\${PORT}"}}
      matrix:
        vars: {b: org/b, c: a}
        evict_costs: {b: 5}
        sets:
          z: (a | b) & +y
          y: c
    `);
    const { planner, fallback, matrix } = settingsOf(load(text), 'k');
    expect([planner, fallback]).toEqual(['matrix', 'matrix']);
    expect(matrix).toEqual({
      sets: [
        {
          name: 'z',
          text: '(a | b) & +y',
          expression: {
            kind: 'and',
            parts: [
              {
                kind: 'or',
                parts: [
                  { kind: 'model', id: 'a' },
                  { kind: 'model', id: 'org/b' },
                ],
              },
              { kind: 'set', name: 'y' },
            ],
          },
        },
        { name: 'y', text: 'c', expression: { kind: 'model', id: 'a' } },
      ],
      evictCosts: { 'org/b': 5 },
    });
  });

  it.each([
    ['', 10_000],
    ['unloadTimeout: 3', 3_000],
    ['cmdStop: docker stop x', 90_000],
    ['cmdStop: docker stop x, unloadTimeout: 3', 3_000],
  ])('gives a model with {%s} %i ms to stop', (fields, expected) => {
    const config = load(`healthCheckTimeout: 90\nmodels: {a: {cmd: "x ${PORT}", ${fields}}}`);
    expect(settingsOf(config, 'k').models[0]?.stopGraceMs).toBe(expected);
  });

  it('gives a model with a cmdStop the global unloadTimeout when there is one', () => {
    const config = load(`unloadTimeout: 4\nmodels: {a: {cmd: "x ${PORT}", cmdStop: stop}}`);
    expect(settingsOf(config, 'k').models[0]?.stopGraceMs).toBe(4_000);
  });
});

describe('the digest of a model', () => {
  const base = `models: {a: {cmd: "x ${PORT}", ttl: 5}}`;

  it('stays when its port or anything that is applied at once changes', () => {
    expect(digestOf(`startPort: 9999\nmodels: {A: {cmd: "${PORT}"}, a: {cmd: "x ${PORT}", ttl: 6, name: n}}`)).toBe(
      digestOf(base),
    );
  });

  it.each([
    `models: {a: {cmd: "y ${PORT}", ttl: 5}}`,
    `models: {a: {cmd: "x ${PORT}", cmdStop: s}}`,
    `models: {a: {cmd: "x ${PORT}", env: ["A=1"]}}`,
    `models: {a: {cmd: "x ${PORT}", proxy: "http://h:${PORT}"}}`,
    `models: {a: {cmd: "x ${PORT}", checkEndpoint: none}}`,
  ])('changes with a launch field: %s', (text) => {
    expect(digestOf(text)).not.toBe(digestOf(base));
  });

  it('depends on the key', () => {
    expect(digestOf(base, 'a', 'other')).not.toBe(digestOf(base));
  });
});

describe('launchFields()', () => {
  const config = load(
    `models: {a: {cmd: "x --port ${PORT} ${PORT}", cmdStop: "stop ${PORT} \${PID}", env: ["P=${PORT}"]}, b: {cmd: y, proxy: "http://h:1"}}`,
  );

  it('replaces the port everywhere and leaves the pid', () => {
    expect(launchFields(model(config, 'a'), 7001)).toEqual({
      cmd: 'x --port 7001 7001',
      cmdStop: `stop 7001 \${PID}`,
      env: ['P=7001'],
      proxy: 'http://localhost:7001',
    });
  });

  it('changes nothing without a port', () => {
    expect(launchFields(model(config, 'b'), null)).toEqual({ cmd: 'y', cmdStop: '', env: [], proxy: 'http://h:1' });
  });
});
