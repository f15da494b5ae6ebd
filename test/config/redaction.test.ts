/** Canaries: values that must be in no text that is kept or shown. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/core/config/load.ts';
import { hideByLooks, soundsSecret } from '../../src/core/config/secret-looks.ts';
import { redact } from '../../src/core/config/secrets.ts';
import { errorsOf, load, model, yaml } from './helpers.ts';

const hidden = (text: string): string => hideByLooks(text, redact);

describe('the redacted configuration', () => {
  const env = { API: 'canary-env-1', FOLDER: 'canary-env-2', ODD: 'canary "env" \\3' };
  const text = yaml(`
    apiKeys: [canary-key-1, "\${env.API}", k9]
    macros:
      hf_token: canary-macro-1
      args: --hf-token \${hf_token}
    models:
      org/canary:
        cmd: |
          env HF_TOKEN=canary-cmd-1 docker run -e "OPENAI_API_KEY=canary-cmd-2" img \\
            --api-key \\
              canary-cmd-3 --api-key=canary-cmd-4 --api-key 'canary cmd 5' --port \${PORT}
          -H "Authorization: Bearer canary-cmd-6" --header 'X-Api-Key: canary-cmd-7'
          --url http://user:canary-cmd-8@host/?api_key=canary-cmd-9&x=1
          --name canary-key-1 --dir \${env.FOLDER}/models \${args} --x sk-canary10 --y hf_canary11 --z canary-list-1
          bash -c "export A_SECRET=canary-cmd-12; serve --password \\"canary-cmd-13\\" --k canary-list-2"
          --odd \${env.ODD} --short k9 --json '{"api_key": "canary-cmd-14", "n": 1}'
        cmdStop: stop --token canary-stop-1
        proxy: http://me:canary-proxy-1@127.0.0.1:\${PORT}
        checkEndpoint: /health?token=canary-check-1
        env: [HF_TOKEN=canary-list-1, PLAIN=canary-list-2, canary-list-3]
        name: canary-list-1
        description: key canary-key-1
        useModelName: canary-macro-1
        aliases: [canary-alias]
  `);

  it('holds no secret, wherever it stood', () => {
    const { redacted } = load(text, { env });
    const left = redacted.match(/canary[^/",]*/g) ?? [];
    expect(left).toEqual(['canary-alias', 'canary']);
    expect(redacted).not.toMatch(/k9|cmd 5|env\\*" /);
  });

  it('keeps what is no secret', () => {
    const { models } = JSON.parse(load(text, { env }).redacted);
    expect(models[0]).toMatchObject({
      id: 'org/canary',
      aliases: ['canary-alias'],
      env: ['HF_TOKEN=[REDACTED]', 'PLAIN=[REDACTED]', '[REDACTED]'],
      proxy: `http://[REDACTED]@127.0.0.1:\${PORT}`,
      checkEndpoint: '/health?token=[REDACTED]',
      cmdStop: 'stop --token [REDACTED]',
    });
    expect(models[0].cmd).toContain('docker run');
    expect(models[0].cmd).toContain(`--port \${PORT}`);
    expect(models[0].cmd).toContain('--dir [REDACTED]/models');
    expect(models[0].cmd).toContain("--header 'X-Api-Key: [REDACTED]'");
  });

  it('does not change the configuration itself', () => {
    expect(model(load(text, { env }), 'org/canary').cmd).toContain('canary-cmd-3');
  });

  it('is the same text for the same configuration, and has its hash', () => {
    const first = load(`logLevel: warn\nglobalTTL: 5\nmodels: {a: {cmd: "\${PORT}", ttl: 3, name: x}}`);
    const second = load(
      `# other\nmodels:\n  a:\n    name: x\n    ttl: 3\n    cmd: \${PORT}\nglobalTTL: 5\nlogLevel: warn`,
    );
    expect(second.redacted).toBe(first.redacted);
    expect(second.hash).toBe(first.hash);
    expect(first.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(load('globalTTL: 6').hash).not.toBe(load('apiKeys: [a]').hash);
  });

  it('goes for diagnostics too, without moving what they point at', () => {
    const errors = errorsOf(
      yaml(`
        apiKeys:
          - canary one
          - canary-two
        models:
          a: {cmd: "x --api-key canary-three \${PORT}", ttl: -5}
          b: {cmd: "\${PORT}", name: canary-two, proxy: "http://u:canary-four@h:x"}
          c: {cmd: "\${PORT}", env: ["TOKEN=canary-five"], ttl: canary-five}
      `),
    );
    expect(errors).toHaveLength(4);
    expect(JSON.stringify(errors)).not.toContain('canary');
    const ttl = errors[1];
    expect(ttl?.source.slice((ttl?.column ?? 0) - 1)).toMatch(/^-5/);
  });
});

describe('soundsSecret()', () => {
  it.each([
    'api-key',
    'apiKey',
    'API_KEY',
    'hf-token',
    'HF_TOKEN',
    'hft',
    'password',
    'db_passwd',
    'X-Api-Key',
    'Authorization',
    'AWS_SECRET_ACCESS_KEY',
    'client_secret',
    'auth',
    'bearer',
    'key',
    'Cookie',
    'passphrase',
  ])('is true for %s', (name) => {
    expect(soundsSecret(name)).toBe(true);
  });

  it.each([
    'max-tokens',
    'max-num-batched-tokens',
    'tokenizer',
    'tokenizer-mode',
    'ssl-key-file',
    'api-key-file',
    'eos-token-id',
    'tokenizer.ggml.add_bos_token',
    'cache-type-k',
    'keyboard',
    'monkey',
    'passes',
    'author',
    'model',
    'n-gpu-layers',
  ])('is false for %s', (name) => {
    expect(soundsSecret(name)).toBe(false);
  });
});

describe('hideByLooks()', () => {
  it.each([
    ['--api-key abc def', '--api-key [REDACTED] def'],
    ['--api-key=abc def', '--api-key=[REDACTED] def'],
    ['--api-key=-abc', '--api-key=[REDACTED]'],
    ['--api-key  "a b" c', '--api-key  [REDACTED] c'],
    ["--api-key 'a b'c d", '--api-key [REDACTED] d'],
    ['--api-key a\\ b c', '--api-key [REDACTED] c'],
    ['"--api-key" abc', '"--api-key" [REDACTED]'],
    ['--api-key "unterminated rest', '--api-key [REDACTED]'],
    ['--no-auth --port 5', '--no-auth --port 5'],
    ['--foo --token abc', '--foo --token [REDACTED]'],
    ['-hft abc -m x', '-hft [REDACTED] -m x'],
    ['A=1 B_TOKEN=x C=2', 'A=1 B_TOKEN=[REDACTED] C=2'],
    ['-e FOO="--api-key abc"', '-e FOO="--api-key [REDACTED]"'],
    ['-e "B_TOKEN=x" -m "y z"', '-e "B_TOKEN=[REDACTED]" -m "y z"'],
    [`-c "run --token \\"a b\\" -m x" -v`, '-c "run --token [REDACTED] -m x" -v'],
    [`-c "run --token 'a b' -m x" -v`, '-c "run --token [REDACTED] -m x" -v'],
    [`-c 'run --token "a b" -m x' -v`, "-c 'run --token [REDACTED] -m x' -v"],
    [`-c "run --token it's" -v`, '-c "run --token [REDACTED]" -v'],
    [`'a"b' --token x 'c"d'`, `'a"b' --token [REDACTED] 'c"d'`],
    ['x sk-abcdef123 y', 'x [REDACTED] y'],
    ['risk-assessment disk-cache', 'risk-assessment disk-cache'],
    ['hf_abcdef ghp_0123456789abcdef', '[REDACTED] [REDACTED]'],
    ['http://a:b@c/ https://t@d/ http://e/f@g', 'http://[REDACTED]@c/ https://[REDACTED]@d/ http://e/f@g'],
    ['-H Authorization:\\ Bearer\\ x', '-H Authorization:\\[REDACTED]'],
    ['--max-tokens 5 --tokenizer x --ssl-key-file /k', '--max-tokens 5 --tokenizer x --ssl-key-file /k'],
    ['--override-kv tokenizer.ggml.add_bos_token=bool:false', '--override-kv tokenizer.ggml.add_bos_token=bool:false'],
    ['http://127.0.0.1:8080/v1 -c 4096', 'http://127.0.0.1:8080/v1 -c 4096'],
    ['', ''],
  ])('makes %j %j', (text, expected) => {
    expect(hidden(text)).toBe(expected);
  });
});

it('a loaded configuration hides its secrets in any text, such as the output of a process', () => {
  const text = 'apiKeys: [canary-key-1]\nmodels:\n  a:\n    cmd: server --api-key canary-key-2 --port ${PORT}\n';
  const result = loadConfig([{ file: 'c.yaml', text }]);
  if (!('config' in result)) throw new Error('expected a configuration');
  const shown = result.config.redact('started as: server --api-key canary-key-2 and asked with canary-key-1');
  expect(shown).toBe('started as: server --api-key [REDACTED] and asked with [REDACTED]');
});
