import { describe, expect, it } from 'vitest';
import type { OutputSource } from '../../src/api/context.ts';
import { createLogMonitor, createTextLog } from '../../src/core/runtime/text-log.ts';
import { fakeConfig, startingData } from './fake-router.ts';
import { ask, eventually, raw, serve } from './server.ts';

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

describe('createTextLog()', () => {
  it('writes lines by level to the proxy log, and to stdout and the combined log as configured', () => {
    const stdout: string[] = [];
    const log = createTextLog({ level: 'info', toStdout: 'proxy', write: (chunk) => stdout.push(chunk.toString()) });
    log.debug('hidden');
    log.info('one');
    log.upstream.write(Buffer.from('model says\n'));
    log.setLevel('debug');
    log.debug('two');
    expect(log.proxy.history().toString()).toBe('[INFO] one\n[DEBUG] two\n');
    expect(log.upstream.history().toString()).toBe('model says\n');
    expect(log.combined.history().toString()).toBe('[INFO] one\n[DEBUG] two\n');
    expect(stdout).toEqual(['[INFO] one\n', '[DEBUG] two\n']);
  });

  it.each([
    ['proxy', '[WARN] w\n'],
    ['upstream', 'm\n'],
    ['both', '[WARN] w\nm\n'],
    ['none', ''],
  ] as const)('with logToStdout %s combines %j', (toStdout, combined) => {
    const log = createTextLog({ level: 'info', toStdout, write: () => {} });
    log.warn('w');
    log.upstream.write(Buffer.from('m\n'));
    expect(log.combined.history().toString()).toBe(combined);
    expect(log.proxy.history().toString()).toBe('[WARN] w\n');
    expect(log.upstream.history().toString()).toBe('m\n');
  });

  it('removes secrets before anyone sees the line', () => {
    const log = createTextLog({
      level: 'info',
      toStdout: 'both',
      write: () => {},
      redact: (line) => line.replace('hunter2', '[REDACTED]'),
    });
    log.error('key hunter2');
    expect(log.combined.history().toString()).toBe('[ERROR] key [REDACTED]\n');
  });

  it('goes on when a listener throws, and says so once', () => {
    const stdout: string[] = [];
    const log = createTextLog({ level: 'info', toStdout: 'none', write: (chunk) => stdout.push(chunk.toString()) });
    log.proxy.subscribe(() => {
      throw new Error('broken');
    });
    log.info('one');
    log.info('two');
    expect(log.proxy.history().toString()).toBe('[INFO] one\n[INFO] two\n');
    expect(stdout).toEqual(['[ERROR] log listener failed: Error: broken\n']);
  });
});

describe('a log monitor', () => {
  it('keeps the newest bytes of its ring, whatever the sizes of the writes', () => {
    const all: Buffer[] = [];
    const monitor = createLogMonitor({ ringBytes: 10 });
    for (const text of ['abc', 'defgh', '', 'ij', 'k', 'a write longer than the ring', 'lm', '0123456789', 'n']) {
      const chunk = Buffer.from(text);
      monitor.write(chunk);
      all.push(chunk);
      const whole = Buffer.concat(all);
      expect(monitor.history().toString()).toBe(whole.subarray(Math.max(0, whole.length - 10)).toString());
    }
  });
});

describe('GET /logs', () => {
  it('is the combined history as text, and a redirect for browsers', async () => {
    const server = await serve(fakeConfig([]));
    server.textLog.info('hello');
    const answer = await ask(server, 'GET', '/logs');
    expect(answer.body).toBe('[INFO] hello\n');
    expect(answer.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
    });
    const browser = await ask(server, 'GET', '/logs', { headers: { accept: 'text/html,*/*' } });
    expect(browser).toMatchObject({ status: 302, headers: { location: '/ui/' } });
  });
});

describe('GET /logs/stream', () => {
  it.each(['/logs/stream', '/logs/stream/', '/logs/stream/proxy'])(
    '%s sends the history, then what comes',
    async (path) => {
      const server = await serve(fakeConfig([]));
      server.textLog.info('before');
      const client = raw(server, get(path));
      await client.until(/\[INFO\] before\n/);
      server.textLog.info('after');
      expect(await client.until(/\[INFO\] after\n/)).toMatch(/x-accel-buffering: no/i);
    },
  );

  it('leaves the history out with no-history, and sends its head at once', async () => {
    const server = await serve(fakeConfig([]));
    server.textLog.info('before');
    const client = raw(server, get('/logs/stream?no-history'));
    await client.until(/\r\n\r\n/);
    server.textLog.info('after');
    expect(await client.until(/\[INFO\] after\n/)).not.toContain('before');
  });

  it('answers HEAD with its head alone', async () => {
    const server = await serve(fakeConfig([]));
    expect(await ask(server, 'HEAD', '/logs/stream')).toMatchObject({ status: 200, body: '' });
  });

  it('refuses a name that is nobody', async () => {
    const server = await serve(fakeConfig([{ id: 'qwen' }]));
    const answer = await ask(server, 'GET', '/logs/stream/gpt');
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body).error.message).toBe("invalid logger. Use 'proxy', 'upstream' or a model's ID");
  });

  it('drops text for a client that takes none, and tells how much', async () => {
    const server = await serve(fakeConfig([]));
    const client = raw(server, get('/logs/stream/proxy?no-history'));
    await client.until(/\r\n\r\n/);
    client.socket.pause();
    const line = 'x'.repeat(64 * 1024);
    for (let i = 0; i < 400; i++) server.textLog.info(line);
    client.socket.resume();
    server.textLog.info('the end');
    await client.until(/— \d+ bytes dropped —|â/);
    server.textLog.info('later');
    expect(await client.until(/later/)).toMatch(/\d+ bytes dropped/);
    expect(client.text().length).toBeLessThan(400 * 64 * 1024);
  });
});

/** Output files in memory: what is pushed to a file reaches those who follow it. */
function fakeOutput(): OutputSource & { push(file: string, text: string): void; followed(): string[] } {
  const texts = new Map<string, string>();
  const followers = new Map<string, Set<(chunk: Buffer) => unknown>>();
  return {
    readOutput: async (_dir, file) => Buffer.from(texts.get(file) ?? ''),
    async followOutput(_dir, file, { signal, onChunk, history }) {
      if (history > 0 && texts.has(file)) await onChunk(Buffer.from(texts.get(file) ?? ''));
      const own = followers.get(file) ?? new Set();
      followers.set(file, own.add(onChunk));
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      own.delete(onChunk);
    },
    push(file, text) {
      texts.set(file, (texts.get(file) ?? '') + text);
      for (const follower of followers.get(file) ?? []) follower(Buffer.from(text));
    },
    followed: () => [...followers].filter(([, own]) => own.size > 0).map(([file]) => file),
  };
}

describe('output of models', () => {
  const config = () => fakeConfig([{ id: 'qwen' }, { id: 'org/llama', aliases: ['llama'] }]);
  const start = (file: string) => ({ ...startingData('x'), logFile: file });

  it.each(['/logs/stream/org/llama', '/logs/stream/org%2Fllama', '/logs/stream/llama'])(
    '%s follows the model over its runs, and nobody else',
    async (path) => {
      const output = fakeOutput();
      const server = await serve(config(), { output });
      server.router.add('process.starting', start('logs/llama/3.log'), { model: 'org/llama' });
      output.push('logs/llama/3.log', 'first run\n');
      const client = raw(server, get(path));
      await client.until(/first run\n/);
      server.router.add('process.starting', start('logs/qwen/4.log'), { model: 'qwen' });
      server.router.add('process.starting', start('logs/llama/5.log'), { model: 'org/llama' });
      await eventually(() => output.followed().length === 2, 'both runs of llama to be followed');
      output.push('logs/qwen/4.log', 'other model\n');
      output.push('logs/llama/5.log', 'second run\n');
      expect(await client.until(/second run\n/)).not.toContain('other model');
      client.socket.destroy();
      await eventually(() => output.followed().length === 0, 'the files to be let go');
    },
  );

  it('of all models comes with /logs/stream/upstream', async () => {
    const output = fakeOutput();
    const server = await serve(config(), { output });
    server.router.add('process.starting', start('logs/qwen/3.log'), { model: 'qwen' });
    const client = raw(server, get('/logs/stream/upstream'));
    await eventually(() => output.followed().length === 1, 'the run to be followed');
    server.router.add('process.starting', start('logs/llama/4.log'), { model: 'org/llama' });
    await eventually(() => output.followed().length === 2, 'the new run to be followed');
    output.push('logs/qwen/3.log', 'from qwen\n');
    output.push('logs/llama/4.log', 'from llama\n');
    await client.until(/from qwen\n[\s\S]*from llama\n/);
  });

  it('also goes to stdout with logToStdout: both', async () => {
    const output = fakeOutput();
    const server = await serve(config(), { output, toStdout: 'both' });
    server.router.add('process.starting', start('logs/qwen/3.log'), { model: 'qwen' });
    await eventually(() => output.followed().length === 1, 'the run to be followed');
    output.push('logs/qwen/3.log', 'from qwen\n');
    expect((await ask(server, 'GET', '/logs')).body).toContain('from qwen\n');
  });

  it('is read for the last run, for an older one by its number, and followed', async () => {
    const output = fakeOutput();
    const server = await serve(config(), { output });
    const first = server.router.add('process.starting', start('logs/qwen/a.log'), { model: 'qwen' });
    const exited = { run: first, code: 0, signal: null, by: 'itself', detail: null, tail: [] };
    server.router.add('process.exited', exited as never, { model: 'qwen' });
    output.push('logs/qwen/a.log', 'old\n');
    expect((await ask(server, 'GET', '/api/models/output/qwen')).body).toBe('old\n');
    server.router.add('process.starting', start('logs/qwen/b.log'), { model: 'qwen' });
    output.push('logs/qwen/b.log', 'new\n');
    expect((await ask(server, 'GET', '/api/models/output/qwen')).body).toBe('new\n');
    expect((await ask(server, 'GET', `/api/models/output/qwen?run=${first}`)).body).toBe('old\n');
    expect((await ask(server, 'GET', '/api/models/output/qwen?run=2')).status).toBe(404);
    expect((await ask(server, 'GET', '/api/models/output/qwen?run=x')).status).toBe(400);
    expect((await ask(server, 'GET', '/api/models/output/llama')).status).toBe(404);
    expect((await ask(server, 'GET', '/api/models/output/nobody')).status).toBe(404);
    const client = raw(server, get(`/api/models/output/qwen?run=${first}&follow=1&no-history`));
    await eventually(() => output.followed().includes('logs/qwen/a.log'), 'the file to be followed');
    output.push('logs/qwen/a.log', 'more\n');
    expect(await client.until(/more\n/)).not.toContain('old');
  });
});
