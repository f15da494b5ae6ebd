import { describe, expect, it } from 'vitest';
import { errorsOf, load, model, oneLine, yaml } from './helpers.ts';

const PORT = `\${PORT}`;

describe('environment references', () => {
  it('work in values, keys, lists and flow lists, and give typed values', () => {
    const config = load(
      yaml(`
        apiKeys: [\${env.KEY}, "\${env.KEY}2"]
        globalTTL: \${env.TTL}
        models:
          \${env.NAME}:
            cmd: |
              \${env.BIN}/server --port \${PORT}
            env:
              - DIR=\${env.BIN}
      `),
      { env: { KEY: 'k1', TTL: '30', NAME: 'llama', BIN: '/opt' } },
    );
    expect(config.apiKeys).toEqual(['k1', 'k12']);
    expect(model(config, 'llama')).toMatchObject({
      cmd: `/opt/server --port ${PORT}\n`,
      ttlMs: 30_000,
      env: ['DIR=/opt'],
    });
  });

  it('are ignored in comments of every kind', () => {
    const text = yaml(`
      # \${env.A}
      globalTTL: 5 # \${env.B}
        # \${env.C}
      apiKeys: [ # \${env.D}
        one, # "\${env.E}"
      ]
      logLevel: "info # not a comment" # \${env.F}
    `);
    expect(load(text, { env: {} }).apiKeys).toEqual(['one']);
  });

  it('are looked at in a quoted text or a block that holds a number sign', () => {
    expect(errorsOf(`logLevel: "# \${env.A}"`).map(oneLine)).toEqual(["1:14 environment variable 'A' is not set"]);
    expect(errorsOf(`models:\n  a:\n    cmd: |\n      # \${env.A}\n      x`).map(oneLine)).toContain(
      "4:9 environment variable 'A' is not set",
    );
  });

  it('are all told when they are not set, each where it stands, and nothing that follows from it', () => {
    const text = yaml(`
      globalTTL: \${env.TTL}
      apiKeys: ["\${env.KEY}", "\${env.KEY}"]
      models:
        a: {cmd: "\${env.BIN} \${PORT}", ttl: \${env.N}}
    `);
    expect(errorsOf(text, { env: {} }).map(oneLine)).toEqual([
      "1:12 environment variable 'TTL' is not set",
      "2:12 environment variable 'KEY' is not set",
      "2:26 environment variable 'KEY' is not set",
      "4:13 environment variable 'BIN' is not set",
      "4:39 environment variable 'N' is not set",
    ]);
  });

  it('may be empty, and an empty key is then refused as one', () => {
    expect(load(`logTimeFormat: "\${env.E}"\nglobalTTL: 5`, { env: { E: '' } }).models.size).toBe(0);
    expect(errorsOf(`apiKeys: ["\${env.E}"]`, { env: { E: '' } }).map(oneLine)).toEqual([
      '1:11 empty api key found in apiKeys',
    ]);
  });

  it.each(['a\nb', 'a\rb', 'a\0b'])('refuse the value %j', (value) => {
    expect(errorsOf(`logLevel: "\${env.V}"`, { env: { V: value } }).map(oneLine)).toEqual([
      "1:12 environment variable 'V' holds a newline, carriage return or NUL",
    ]);
  });

  it('keep quotes and backslashes right inside double quotes', () => {
    const value = 'say "hi" \\ there';
    expect(load(`apiKeys: ["\${env.V}"]`, { env: { V: 'a"b\\c' } }).apiKeys).toEqual(['a"b\\c']);
    const config = load(`models: {a: {cmd: "x ${PORT}", description: "\${env.V}"}}`, { env: { V: value } });
    expect(model(config, 'a').description).toBe(value);
  });

  it('are replaced once more inside values, and then no further', () => {
    const env = { A: `\${env.B}`, B: 'b', C: `\${env.A}` };
    expect(load(`apiKeys: ["\${env.A}"]`, { env }).apiKeys).toEqual(['b']);
    expect(errorsOf(`apiKeys: ["\${env.C}"]`, { env })[0]?.message).toContain('unknown macro');
    expect(errorsOf(`apiKeys: ["\${env.D}"]`, { env: { D: `\${env.E}` } }).map(oneLine)).toEqual([
      "1:12 environment variable 'E' is not set (it is used by 'D')",
    ]);
  });

  it('never find what every object has', () => {
    expect(errorsOf(`logLevel: \${env.constructor}`, { env: {} }).map(oneLine)).toEqual([
      "1:11 environment variable 'constructor' is not set",
    ]);
  });

  it('leave problems behind them in their place, and show the line as it was written', () => {
    const text = `models: {a: {cmd: "\${env.LONG} \${PORT}", ttl: -7}}`;
    expect(errorsOf(text, { env: { LONG: 'a-very-long-value-indeed' } })).toMatchObject([
      { line: 1, column: 47, length: 2, source: text, message: 'model a: invalid TTL value -7' },
    ]);
  });

  it('are covered where a message repeats their value', () => {
    const errors = errorsOf(`globalTTL: \${env.SECRET}`, { env: { SECRET: 'hunter2hunter2' } });
    expect(JSON.stringify(errors)).not.toContain('hunter2');
    expect(errors.map(oneLine)).toEqual(['1:12 globalTTL: expected a whole number, got "**************"']);
  });

  it('stay right after a directive', () => {
    const text = `%YAML 1.2\n---\n# \${env.NO}\nlogLevel: \${env.LEVEL} # \${env.NO}\n`;
    expect(load(text, { env: { LEVEL: 'debug' } }).logLevel).toBe('debug');
  });
});
