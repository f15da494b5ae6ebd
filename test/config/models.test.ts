import { describe, expect, it } from 'vitest';
import { errorsOf, load, model, oneLine, warningsOf, yaml } from './helpers.ts';

const PORT = `\${PORT}`;

const NO_FEATURES = {
  filters: { strip: [], set: [], setById: new Map() },
  capabilities: { in: [], out: [], tools: false, reranker: false, context: 0 },
  metadata: null,
  sendLoadingState: false,
  tags: [],
  keepWarm: [],
  onDemand: { action: 'load' },
  ignoreWebsockets: false,
  memory: null,
};

describe('a model', () => {
  it('has every default', () => {
    const config = load(`models:\n  llama:\n    cmd: server --port ${PORT}`);
    expect(model(config, 'llama')).toEqual({
      id: 'llama',
      cmd: `server --port ${PORT}`,
      cmdStop: '',
      proxy: `http://localhost:${PORT}`,
      checkEndpoint: '/health',
      env: [],
      port: 5800,
      aliases: [],
      useModelName: '',
      unlisted: false,
      name: '',
      description: '',
      concurrencyLimit: 10,
      ttlMs: 0,
      unloadTimeoutMs: 10_000,
      unloadTimeoutSet: false,
      startTimeoutMs: 120_000,
      timeouts: {
        connectMs: 30_000,
        keepAliveMs: 30_000,
        responseHeaderMs: 0,
        tlsHandshakeMs: 10_000,
        expectContinueMs: 1_000,
        idleConnMs: 90_000,
      },
      group: '(default)',
      priority: 0,
      minResidencyMs: null,
      ...NO_FEATURES,
    });
  });

  it('reads every field', () => {
    const config = load(
      yaml(`
        healthCheckTimeout: 300
        models:
          "org/model:7b":
            cmd: server
            cmdStop: docker stop x
            proxy: https://10.0.0.5:8443/base
            checkEndpoint: /v1/models
            ttl: 60
            unloadTimeout: 30
            env: [A=1, "B=two words"]
            aliases: [small, tiny]
            useModelName: real
            unlisted: yes
            name: Small
            description: A small one
            concurrencyLimit: 3
            timeouts: {connect: 1, keepalive: 2, responseHeader: 3, tlsHandshake: 4, expectContinue: 5, idleConn: 0}
            turnout: {minResidency: 2m}
      `),
    );
    expect(model(config, 'org/model:7b')).toEqual({
      id: 'org/model:7b',
      cmd: 'server',
      cmdStop: 'docker stop x',
      proxy: 'https://10.0.0.5:8443/base',
      checkEndpoint: '/v1/models',
      env: ['A=1', 'B=two words'],
      port: null,
      aliases: ['small', 'tiny'],
      useModelName: 'real',
      unlisted: true,
      name: 'Small',
      description: 'A small one',
      concurrencyLimit: 3,
      ttlMs: 60_000,
      unloadTimeoutMs: 30_000,
      unloadTimeoutSet: true,
      startTimeoutMs: 300_000,
      timeouts: {
        connectMs: 1_000,
        keepAliveMs: 2_000,
        responseHeaderMs: 3_000,
        tlsHandshakeMs: 4_000,
        expectContinueMs: 5_000,
        idleConnMs: 0,
      },
      group: '(default)',
      priority: 0,
      minResidencyMs: 120_000,
      ...NO_FEATURES,
    });
    expect(config.warnings).toEqual([]);
  });

  it.each([
    ['ttl: -2', '4:10 model a: invalid TTL value -2'],
    ['unloadTimeout: -1', '4:20 model a: invalid unloadTimeout value -1'],
    ['timeouts: {idleConn: x}', '4:26 models.a.timeouts.idleConn: expected a whole number, got "x"'],
    ['concurrencyLimit: many', '4:23 models.a.concurrencyLimit: expected a whole number, got "many"'],
    ['aliases: one', '4:14 models.a.aliases: expected a list, got "one"'],
    ['env: {A: 1}', '4:10 models.a.env: expected a list, got a mapping'],
    ['unlisted: perhaps', '4:15 models.a.unlisted: expected true or false, got "perhaps"'],
    ['name: [x]', '4:11 models.a.name: expected text, got a list'],
    ['proxy: not a url', '4:12 model a: invalid proxy URL "not a url"'],
    ['proxy: ftp://x/', '4:12 model a: invalid proxy URL "ftp://x/"'],
    ['proxy: "http://x:99999"', '4:12 model a: invalid proxy URL "http://x:99999"'],
    ['proxy: localhost:9000', '4:12 model a: invalid proxy URL "localhost:9000"'],
  ])('is refused with %j', (line, expected) => {
    expect(errorsOf(`models:\n  a:\n    cmd: x ${PORT}\n    ${line}`).map(oneLine)).toEqual([expected]);
  });

  it.each([
    [-1, 300, 300_000],
    [0, 300, 0],
    [5, 300, 5_000],
    [-1, 0, 0],
  ])('with ttl %i under globalTTL %i is unloaded after %i ms', (ttl, globalTtl, expected) => {
    const config = load(`globalTTL: ${globalTtl}\nmodels: {a: {cmd: "x ${PORT}", ttl: ${ttl}}}`);
    expect(model(config, 'a').ttlMs).toBe(expected);
  });

  it.each([
    [0, 0, 10_000, false],
    [0, 25, 25_000, true],
    [7, 25, 7_000, true],
    [7, 0, 7_000, true],
  ])('with unloadTimeout %i under a global one of %i has %i ms', (own, global, expected, set) => {
    const config = load(`unloadTimeout: ${global}\nmodels: {a: {cmd: "x ${PORT}", unloadTimeout: ${own}}}`);
    expect(model(config, 'a')).toMatchObject({ unloadTimeoutMs: expected, unloadTimeoutSet: set });
  });

  it('has no check when checkEndpoint is none', () => {
    const config = load(`models: {a: {cmd: "x ${PORT}", checkEndpoint: " none "}}`);
    expect(model(config, 'a').checkEndpoint).toBeNull();
  });

  it.each([
    ['comfyui_auto', 0, 50],
    ['comfyui_auto', 80, 80],
    ['other', -4, 10],
  ])('called %s with a concurrency limit of %i gets %i', (id, written, expected) => {
    const config = load(`models: {${id}: {cmd: "x ${PORT}", concurrencyLimit: ${written}}}`);
    expect(model(config, id).concurrencyLimit).toBe(expected);
  });

  it.each(['cmd: ""', 'cmd: "# nothing but a comment"', 'cmd: "  "'])('that cannot be started is told: %s', (line) => {
    expect(warningsOf(`models:\n  a:\n    ${line}\n    proxy: http://x:1`).map(oneLine)).toEqual([
      '2:3 model a: cmd is empty, so it cannot be started',
    ]);
  });

  it('has no limit where a timeout is below 0', () => {
    const config = load(`models:\n  a:\n    cmd: x ${PORT}\n    timeouts: {responseHeader: -1}`);
    expect(model(config, 'a').timeouts).toMatchObject({ responseHeaderMs: 0, connectMs: 30_000 });
    expect(config.warnings.map(oneLine)).toEqual([
      '4:32 models.a.timeouts.responseHeader is below 0, so there is no limit',
    ]);
  });

  it('may have nothing behind it, and then cannot be started', () => {
    const config = load('models:\n  a:\n');
    expect(model(config, 'a')).toMatchObject({ cmd: '', port: null });
    expect(config.warnings.map(oneLine)).toEqual(['2:3 model a: cmd is empty, so it cannot be started']);
  });

  it.each<[NodeJS.Platform, string, string]>([
    ['win32', '', `taskkill /f /t /pid \${PID}`],
    ['win32', 'cmdStop:', `taskkill /f /t /pid \${PID}`],
    ['win32', 'cmdStop: ""', ''],
    ['win32', 'cmdStop: docker stop a', 'docker stop a'],
    ['linux', '', ''],
    ['darwin', 'cmdStop:', ''],
  ])('on %s with %j is stopped by %j', (platform, line, expected) => {
    const config = load(`models:\n  a:\n    cmd: x ${PORT}\n    ${line}`, { platform });
    expect(model(config, 'a').cmdStop).toBe(expected);
  });

  it('leaves empty env entries out', () => {
    const config = load(`models:\n  a:\n    cmd: x ${PORT}\n    env:\n      - A=1\n      -\n`);
    expect(model(config, 'a').env).toEqual(['A=1']);
    expect(config.warnings.map(({ code }) => code)).toEqual(['env-entry']);
  });

  it('keeps env entries that are not NAME=value, with a warning that does not repeat them', () => {
    const config = load(`models:\n  a:\n    cmd: x ${PORT}\n    env: [A=1, hunter2secret]`);
    expect(model(config, 'a').env).toEqual(['A=1', 'hunter2secret']);
    expect(config.warnings.map(oneLine)).toEqual(['4:16 model a: env[1] is not NAME=value']);
    expect(JSON.stringify(config.warnings)).not.toContain('hunter2secret');
  });

  it('stays in the order of the file, even when ids are numbers', () => {
    const config = load(`models:\n  zeta: {cmd: "${PORT}"}\n  10: {cmd: "${PORT}"}\n  2: {cmd: "${PORT}"}`);
    expect([...config.models.keys()]).toEqual(['zeta', '10', '2']);
  });

  it('may be called like something every object has', () => {
    const config = load(`models:\n  toString: {cmd: "${PORT}"}\n  hasOwnProperty: {cmd: "${PORT}"}`);
    expect([...config.models.keys()]).toEqual(['toString', 'hasOwnProperty']);
    expect(config.names.get('valueOf')).toBeUndefined();
  });
});

describe('names', () => {
  it('lead from ids and aliases to the model', () => {
    const config = load(`models:\n  a: {cmd: "${PORT}", aliases: [x, "y/z:1"]}\n  b: {cmd: "${PORT}"}`);
    expect(Object.fromEntries(config.names)).toEqual({ a: 'a', x: 'a', 'y/z:1': 'a', b: 'b' });
  });

  it('refuse an alias that two models have', () => {
    const text = `models:\n  a:\n    cmd: ${PORT}\n    aliases: [x]\n  b:\n    cmd: ${PORT}\n    aliases:\n      - y\n      - x`;
    expect(errorsOf(text)).toMatchObject([
      { line: 9, column: 9, length: 1, message: 'duplicate alias x found in model: b', help: 'also an alias of a' },
    ]);
  });

  it('refuse an alias that stands twice', () => {
    expect(errorsOf(`models:\n  a: {cmd: "${PORT}", aliases: [x, x]}`).map(oneLine)).toEqual([
      '2:36 duplicate alias x found in model: a',
    ]);
  });

  it('let an id win over an alias, with a warning', () => {
    const config = load(`models:\n  a: {cmd: "${PORT}", aliases: [b]}\n  b: {cmd: "${PORT}"}`);
    expect(config.names.get('b')).toBe('b');
    expect(config.warnings.map(oneLine)).toEqual([
      '2:33 alias "b" of model a is the id of another model, which requests for it get',
    ]);
  });
});

describe('ports', () => {
  it('go to the models that use them, in the order of the sorted ids', () => {
    const config = load(
      yaml(`
        startPort: 9000
        models:
          zeta: {cmd: "x \${PORT}"}
          none: {cmd: x, proxy: "http://h:1"}
          B: {cmd: "x \${PORT}"}
          a: {cmd: "x \${PORT}"}
      `),
    );
    const ports = [...config.models.values()].map(({ id, port }) => [id, port]);
    expect(ports).toEqual([
      ['zeta', 9002],
      ['none', null],
      ['B', 9000],
      ['a', 9001],
    ]);
  });

  it('stay symbolic in launch fields and are numbers elsewhere', () => {
    const config = load(
      yaml(`
        models:
          a:
            cmd: x --port \${PORT}
            cmdStop: stop \${PORT} \${PID}
            proxy: http://127.0.0.1:\${PORT}
            env: ["P=\${PORT}"]
            description: on \${PORT}
            ttl: \${PORT}
            checkEndpoint: /h/\${PORT}
      `),
    );
    expect(model(config, 'a')).toMatchObject({
      cmd: `x --port ${PORT}`,
      cmdStop: `stop ${PORT} \${PID}`,
      proxy: `http://127.0.0.1:${PORT}`,
      env: [`P=${PORT}`],
      description: 'on 5800',
      ttlMs: 5_800_000,
      checkEndpoint: '/h/5800',
    });
  });

  it.each([
    ['cmd: x', '3:10'],
    ['ttl: 5', '2:3'],
    [`cmd: x\n    proxy: http://h:${PORT}`, '4:12'],
  ])('are refused to a proxy whose cmd does not use them: %j', (lines, place) => {
    const [problem, ...others] = errorsOf(`models:\n  a:\n    ${lines}`);
    expect(others).toEqual([]);
    expect(problem && oneLine(problem)).toBe(
      `${place} model a: proxy uses ${PORT} but cmd does not - ${PORT} is only available when used in cmd`,
    );
  });

  it('run out', () => {
    const text = `startPort: 65535\nmodels:\n  a: {cmd: "${PORT}"}\n  b: {cmd: "${PORT}"}`;
    expect(errorsOf(text).map(oneLine)).toEqual(['4:3 model b: no port is left, 65535 is the last one']);
  });
});
