/** Configurations as people write them for llama-swap. Each loads, with what it means checked where it is easy to get wrong. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/core/config/config.ts';
import { launchFields } from '../../src/core/config/launch.ts';
import { readConfig } from '../../src/core/config/read.ts';
import { settingsOf } from '../../src/core/config/settings.ts';
import { model, oneLine } from './helpers.ts';

const env = { TURNOUT_KEY: 'corpus-key', HF_TOKEN: 'hf_corpus_token' };

async function corpus(name: string): Promise<Config> {
  const file = fileURLToPath(new URL(`./corpus/${name}.yaml`, import.meta.url));
  const result = await readConfig({ config: file }, { env });
  if ('config' in result) return result.config;
  throw new Error(result.errors.map(oneLine).join('\n'));
}

describe('a llama-swap configuration', () => {
  it('with two simple models loads', async () => {
    const config = await corpus('simple');
    expect(config.warnings).toEqual([]);
    expect(Object.fromEntries(config.names)).toEqual({
      'qwen3-4b': 'qwen3-4b',
      'gemma-3-12b': 'gemma-3-12b',
      gemma: 'gemma-3-12b',
      'gpt-4o-mini': 'gemma-3-12b',
    });
    expect(launchFields(model(config, 'gemma-3-12b'), 5800).cmd).toBe(
      [
        '/opt/llama.cpp/build/bin/llama-server',
        '--host 127.0.0.1 --port 5800',
        '--model /models/gemma-3-12b-it-Q4_K_M.gguf',
        '--ctx-size 16384 \\',
        '--flash-attn on\n',
      ].join('\n'),
    );
    expect([...config.models.values()].map(({ id, port, ttlMs }) => [id, port, ttlMs])).toEqual([
      ['qwen3-4b', 5801, 0],
      ['gemma-3-12b', 5800, 300_000],
    ]);
  });

  it('of a home lab with macros, anchors and groups loads', async () => {
    const config = await corpus('homelab');
    expect(config.warnings.map(oneLine)).toEqual([
      '38:5 models.qwen2.5-coder-32b.filters is not supported yet',
      '45:5 models.qwq-32b.filters is not supported yet',
    ]);
    expect(config.preload).toEqual(['qwen2.5-coder-32b']);
    expect(config.logToStdout).toBe('both');
    const port = `\${PORT}`;
    const llama = `/app/llama-server --port ${port} --host 127.0.0.1 --n-gpu-layers 999 --jinja --no-webui\n`;
    expect(model(config, 'qwq-32b')).toMatchObject({
      cmd: `${llama} --temp 0.2 --top-p 0.95 --ctx-size 16384 --model /mnt/ssd/gguf/qwq-32b.gguf`,
      ttlMs: 0,
      port: 10_003,
      startTimeoutMs: 300_000,
      group: 'coding',
    });
    expect(model(config, 'qwen2.5-coder-32b').cmd).toContain('--ctx-size 32768\n--model /mnt/ssd/gguf/Qwen2.5');
    expect(model(config, 'nomic-embed')).toMatchObject({
      unlisted: true,
      useModelName: 'nomic-embed-text',
      port: 10_001,
    });
    expect(model(config, 'whisper')).toMatchObject({ group: 'always', ttlMs: 1_800_000, port: 10_004 });
    expect(config.groups).toEqual([
      { id: 'coding', swap: true, exclusive: true, persistent: false },
      { id: 'always', swap: false, exclusive: false, persistent: true },
      { id: '(default)', swap: true, exclusive: true, persistent: false },
    ]);
  });

  it('that runs containers loads, and its secrets stay out of the log', async () => {
    const config = await corpus('docker');
    expect(config.warnings).toEqual([]);
    const vllm = launchFields(model(config, 'Qwen/Qwen3-Coder-30B-A3B-Instruct-FP8'), 5800);
    expect(vllm.cmd).toContain('-e HF_TOKEN=hf_corpus_token');
    expect(vllm.cmd).toContain('-p 127.0.0.1:5800:8000');
    expect(vllm.cmd).toContain(`--gpus '"device=0,1"'`);
    expect(model(config, 'sd-turbo')).toMatchObject({ cmdStop: 'podman stop -t 5 sd-turbo', checkEndpoint: null });
    expect(model(config, 'remote-box')).toMatchObject({ proxy: 'http://10.0.0.9:8080', port: null });
    expect(settingsOf(config, 'k').models.map(({ stopGraceMs }) => stopGraceMs)).toEqual([30_000, 60_000, 30_000]);
    expect(config.redacted).not.toMatch(/corpus|not-a-real-key/);
    expect(config.redacted).toContain('--max-num-batched-tokens 8192');
    expect(config.redacted).toContain('-v /srv/hf:/root/.cache/huggingface');
  });

  it('that runs vLLM with priorities loads', async () => {
    const config = await corpus('vllm-native');
    expect(config.warnings.map(oneLine)).toEqual(['16:5 models.llama-3.3-70b.sendLoadingState is not supported yet']);
    expect(model(config, 'llama-3.3-70b')).toMatchObject({
      cmdStop: `/bin/kill -INT \${PID}`,
      unloadTimeoutMs: 45_000,
      priority: -1,
      concurrencyLimit: 64,
      group: 'big',
    });
    expect(model(config, 'tabby')).toMatchObject({ priority: 10, group: 'small', aliases: ['exl2/mistral-small:24b'] });
    expect(config.redacted).toContain('--api-key [REDACTED] --tensor-parallel-size 2');
    expect(config.turnout).toMatchObject({
      maxWaitMs: 120_000,
      clientFrom: ['x-forwarded-user', 'x-openwebui-user-name'],
    });
  });

  it('with every other key loads, and each that is not honoured yet is named', async () => {
    const config = await corpus('everything-else');
    expect(config.warnings.map((warning) => `${warning.line} ${warning.code}`)).toEqual([
      '3 no-effect',
      ...[6, 9, 10, 12, 14, 16].map((line) => `${line} not-supported`),
      '24 no-effect',
      '29 not-supported',
    ]);
    expect(JSON.stringify(config.warnings)).not.toContain('sk-or');
    expect(config.redacted).not.toContain('sk-or');
    expect(config).toMatchObject({
      logTimeFormat: 'rfc3339',
      metricsMaxInMemory: 500,
      captureBufferBytes: 10 * 1024 * 1024,
      performance: { disabled: true, everyMs: 15_000 },
      includeAliasesInList: true,
    });
    expect(model(config, 'a')).toMatchObject({
      sendLoadingState: false,
      ignoreWebsockets: true,
      capabilities: { in: ['text', 'image'], out: ['text'], tools: true, reranker: false, context: 8192 },
      metadata: { port: 5800, note: 'a' },
      aliases: ['a:low'],
    });
  });
});
