import { describe, expect, it } from 'vitest';
import { errorsOf, load, oneLine, warningsOf, yaml } from './helpers.ts';

const TURNOUT_DEFAULTS = {
  planner: 'group',
  fallback: 'group',
  policy: null,
  shadow: [],
  retentionDays: 30,
  eventLogBytesMax: 1024 ** 3,
  devices: new Map(),
  memoryWaitMs: 15_000,
  protect: { models: [], otherwise: 'queue' },
  whenIdle: null,
  clientPriority: {},
  antiThrash: true,
  timeZone: null,
  adopt: true,
  shutdown: 'stop-models',
};

describe('the top level', () => {
  it.each(['', '   \n\n', '# only a comment\n', '---\n', '~', '{}'])(
    'has every default when the text is %j',
    (text) => {
      const config = load(text);
      expect(config.models.size).toBe(0);
      expect(config.groups).toEqual([{ id: '(default)', swap: true, exclusive: true, persistent: false }]);
      expect(config.logLevel).toBe('info');
      expect(config.logToStdout).toBe('proxy');
      expect(config.preload).toEqual([]);
      expect(config.apiKeys).toEqual([]);
      expect(config.turnout).toEqual({
        maxWaitMs: null,
        minResidencyMs: 0,
        queueTimeoutMs: 900_000,
        drainTimeoutMs: 300_000,
        maxBodyBytes: 256 * 1024 * 1024,
        clientFrom: [],
        sessionFrom: ['x-session-id', 'x-litellm-session-id'],
        onTrouble: 'serve',
        ...TURNOUT_DEFAULTS,
      });
      expect(config.warnings).toEqual([]);
    },
  );

  it('treats a key with nothing behind it as absent', () => {
    const config = load('models:\nmacros:\nhooks:\napiKeys:\nglobalTTL:\ngroups:\nrouting:\nturnout:\nlogLevel:\n');
    expect(config.models.size).toBe(0);
    expect(config.warnings).toEqual([]);
  });

  it.each([
    ['globalTTL: -1', '1:12 globalTTL must be >= 0'],
    ['unloadTimeout: -3', '1:16 unloadTimeout must be >= 0'],
    ['startPort: 0', '1:12 startPort must be greater than 1, got 0'],
    ['startPort: 70000', '1:12 startPort must be at most 65535, got 70000'],
    ['startPort: abc', '1:12 startPort: expected a whole number, got "abc"'],
    ['startPort: "5800"', '1:12 startPort: expected a whole number, got "5800"'],
    ['globalTTL: 1.5s', '1:12 globalTTL: expected a whole number, got "1.5s"'],
    ['globalTTL: 9999999999', '1:12 globalTTL must be at most 9223372036 seconds'],
    ['healthCheckTimeout: 9999999999', '1:21 healthCheckTimeout is too large'],
    ['unloadTimeout: soon', '1:16 unloadTimeout: expected a whole number, got "soon"'],
    ['logToStdout: loud', '1:14 logToStdout: expected one of proxy, upstream, both, none, got "loud"'],
    ['apiKeys: [""]', '1:11 empty api key found in apiKeys'],
    ['apiKeys:\n  - ok\n  - not ok', '3:5 apiKeys[1]: api key cannot contain spaces'],
    ['apiKeys: one', '1:10 apiKeys: expected a list, got "***"'],
    ['models: [a, b]', '1:9 models: expected a mapping, got a list'],
    ['models:\n  llama: 5', '2:10 models.llama: expected a mapping, got 5'],
    ['hooks: {on_startup: {preload: x}}', '1:31 hooks.on_startup.preload: expected a list, got "x"'],
    ['- a\n- b', '1:1 expected a mapping at the top level, got a list'],
    ['just text', '1:1 expected a mapping at the top level, got "just text"'],
    [
      'turnout: {maxWait: soon}',
      '1:20 turnout.maxWait: expected a duration such as 90s, 5m or 1h30m, or a number of seconds, got "soon"',
    ],
    [
      'turnout: {minResidency: -5}',
      '1:25 turnout.minResidency: expected a duration such as 90s, 5m or 1h30m, or a number of seconds, got -5',
    ],
    [
      'turnout: {maxBodyBytes: big}',
      '1:25 turnout.maxBodyBytes: expected a size such as 256MiB, or a number of bytes, got "big"',
    ],
    ['turnout: {queueTimeout: 0}', '1:25 turnout.queueTimeout must be greater than 0'],
    ['turnout: {drainTimeout: 0s}', '1:25 turnout.drainTimeout must be greater than 0'],
    ['turnout: {client: {from: ["x y"]}}', '1:27 turnout.client.from[0]: expected the name of a header, got "x y"'],
    [
      'turnout: {eventLog: {onTrouble: panic}}',
      '1:33 turnout.eventLog.onTrouble: expected serve or refuse, got "panic"',
    ],
    ['turnout: {adopt: maybe}', '1:18 turnout.adopt: expected true or false, got "maybe"'],
    ['turnout: {shutdown: keep}', '1:21 turnout.shutdown: expected stop-models or keep-models, got "keep"'],
  ])('refuses %j', (text, expected) => {
    expect(errorsOf(text).map(oneLine)).toEqual([expected]);
  });

  it('reads what stands under turnout', () => {
    const { turnout } = load(
      yaml(`
        turnout:
          maxWait: 1h30m
          minResidency: 90
          queueTimeout: 250ms
          drainTimeout: 2m
          maxBodyBytes: 1GiB
          client: {from: [X-Forwarded-User]}
          session: {from: [X-Chat-Id]}
          eventLog: {onTrouble: refuse}
      `),
    );
    expect(turnout).toEqual({
      maxWaitMs: 5_400_000,
      minResidencyMs: 90_000,
      queueTimeoutMs: 250,
      drainTimeoutMs: 120_000,
      maxBodyBytes: 1024 ** 3,
      clientFrom: ['x-forwarded-user'],
      sessionFrom: ['x-chat-id'],
      onTrouble: 'refuse',
      ...TURNOUT_DEFAULTS,
    });
  });

  it('takes keys as they are written, even where YAML sees a number or a truth value', () => {
    expect(load('apiKeys: [0123, 1.50, true, 0x10]').apiKeys).toEqual(['0123', '1.50', 'true', '0x10']);
  });

  it('takes a log level in any case and falls back to info with a warning', () => {
    expect(load('logLevel: " WARN "').logLevel).toBe('warn');
    const config = load('logLevel: wran');
    expect(config.logLevel).toBe('info');
    expect(config.warnings).toMatchObject([
      {
        message: 'logLevel: expected one of debug, info, warn, error, got "wran"; info is used',
        help: 'did you mean "warn"?',
      },
    ]);
  });

  it('raises a health check timeout below 15 seconds and says so', () => {
    const config = load(`healthCheckTimeout: 3\nmodels: {a: {cmd: "x \${PORT}"}}`);
    expect([...config.models.values()][0]?.startTimeoutMs).toBe(15_000);
    expect(config.warnings.map(oneLine)).toEqual([
      '1:21 healthCheckTimeout is raised from 3 to 15 seconds, the least there is',
    ]);
  });

  it('resolves preloaded models through aliases and leaves out what no model is', () => {
    const config = load(
      yaml(`
        models:
          llama: {cmd: "x \${PORT}", aliases: [gpt]}
        hooks:
          on_startup:
            preload: [" gpt ", llama, "", lama]
      `),
    );
    expect(config.preload).toEqual(['llama', 'llama']);
    expect(config.warnings.map(oneLine)).toEqual(['5:35 hooks.on_startup.preload: unknown model "lama" is not loaded']);
  });
});

describe('keys', () => {
  it('are named with the nearest known one at every level', () => {
    const text = yaml(`
      modles: {}
      models:
        llama:
          cmd: x \${PORT}
          concurency: 4
          Aliases: [a]
          timeouts: {conect: 5}
          turnout: {minResidence: 5s}
          wholly_different: 1
      routing:
        scheduler: {settings: {fifo: {prio: {}}}}
      turnout: {maxwait: 5s}
    `);
    expect(warningsOf(text).map((warning) => [oneLine(warning), warning.help])).toEqual([
      ['1:1 unknown key "modles"', 'did you mean "models"?'],
      ['5:5 unknown key "concurency" in models.llama', 'did you mean "concurrencyLimit"?'],
      ['6:5 unknown key "Aliases" in models.llama', 'did you mean "aliases"?'],
      ['7:16 unknown key "conect" in models.llama.timeouts', 'did you mean "connect"?'],
      ['8:15 unknown key "minResidence" in models.llama.turnout', 'did you mean "minResidency"?'],
      ['9:5 unknown key "wholly_different" in models.llama', null],
      ['11:33 unknown key "prio" in routing.scheduler.settings.fifo', 'did you mean "priority"?'],
      ['12:11 unknown key "maxwait" in turnout', 'did you mean "maxWait"?'],
    ]);
  });

  it('may hold anchors at the top level without a warning', () => {
    const text = yaml(`
      defs:
        env: &env [A=1]
      x-notes: anything
      models:
        a: {cmd: "x \${PORT}", env: *env}
    `);
    expect(warningsOf(text)).toEqual([]);
  });

  it.each([
    ['store: {path: activity.db}', '2:1 store is not supported yet'],
    ['sendLoadingState: yes', '2:1 sendLoadingState is not supported yet'],
    ['includeAliasesInList: true', '2:1 includeAliasesInList is not supported yet'],
    ['profiles: {day: {pins: {x: }}}', '2:1 profiles is not supported yet'],
    ['peers: {p: {proxy: "http://h:1", models: [m]}}', '2:1 peers is not supported yet'],
  ])('that turnout cannot honour yet are told: %s', (text, expected) => {
    const warnings = warningsOf(`# first\n${text}`);
    expect(warnings.map(oneLine)).toEqual([expected]);
    expect(warnings[0]).toMatchObject({ code: 'not-supported', help: 'it is ignored' });
  });

  it.each([
    ['filters: {stripParams: a}', '4:5 models.a.filters is not supported yet'],
    ['sendLoadingState: on', '4:5 models.a.sendLoadingState is not supported yet'],
  ])('of a model that turnout cannot honour yet are told: %s', (text, expected) => {
    expect(warningsOf(`models:\n  a:\n    cmd: x \${PORT}\n    ${text}`).map(oneLine)).toEqual([expected]);
  });

  it.each([
    'logTimeFormat: rfc3339',
    'metricsMaxInMemory: 0',
    'captureBuffer: 20',
    'ui: {activity: {session_id: []}}',
    'performance: {disabled: true}',
    'sendLoadingState: false',
    'includeAliasesInList: false',
    'profiles: {}',
    'peers:',
    'turnout: {timeZone: Europe/Berlin}',
    'turnout: {memory: 3GiB}',
    'models: {a: {cmd: "${PORT}", metadata: {x: 1}, capabilities: {tools: true}, sendLoadingState: no}}',
  ])('that change nothing when they are left out are not told: %s', (text) => {
    expect(warningsOf(text)).toEqual([]);
  });

  it('without effect are told too', () => {
    expect(warningsOf(`models: {a: {cmd: "x \${PORT}", healthCheckTimeout: 5}}`).map(oneLine)).toEqual([
      '1:32 models.a.healthCheckTimeout has no effect',
    ]);
  });
});
