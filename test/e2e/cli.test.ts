/** The command line as its users meet it: commands against a running turnout, against its log, and wrong ones. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeConfig } from '../support/fake-models.ts';
import { freePorts } from '../support/ports.ts';
import { BIN, startTurnout, type Turnout } from '../support/turnout.ts';
import { until } from '../support/until.ts';

let turnout: Turnout;
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'turnout-cli-'));
  const models = {
    qwen: { flags: '--tokens 3' },
    llama: { flags: '--tokens 3' },
    broken: { flags: '--exit-after-ms 0 --exit-code 7' },
  };
  turnout = await startTurnout({ config: fakeConfig(await freePorts(3), models) });
});

afterAll(async () => {
  await turnout.dispose();
  await rm(dir, { recursive: true, force: true });
});

interface Ran {
  code: number | null;
  out: string;
  err: string;
}

function cli(args: string[], env: Record<string, string> = {}): Promise<Ran> {
  const clean = { PATH: process.env.PATH ?? '', HOME: dir, XDG_RUNTIME_DIR: dir, XDG_STATE_HOME: dir, ...env };
  const child = spawn(process.execPath, [BIN, ...args], { env: clean, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })));
}

const at = (...args: string[]) => cli(args, { TURNOUT_URL: turnout.url });

describe('commands against a running turnout', () => {
  it('load, ps and unload say what is so', async () => {
    expect(await at('load', 'qwen')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^qwen is ready \(it took .*\)\n$/),
    });
    expect((await at('ps')).out).toMatch(/qwen\s+ready\s+\d+/);
    expect(JSON.parse((await at('ps', '--json')).out)).toMatchObject({
      models: [{ id: 'qwen', phase: 'ready' }, {}, {}],
    });
    expect(await at('unload', 'qwen')).toMatchObject({ code: 0, out: 'qwen is unloaded\n' });
    expect((await at('ps')).out).toMatch(/qwen\s+stopped/);
  });

  it('load says why a model does not start, with its exit code', async () => {
    const ran = await at('load', 'broken');
    expect(ran.code).toBe(1);
    expect(ran.err).toContain('exit code 7');
  });

  it('events filters and follows', async () => {
    await at('load', 'llama');
    const ran = await at('events', '--model', 'llama', '--type', 'process.ready');
    expect(ran.out).toMatch(/process\.ready\s+llama/);
    expect((await at('events', '--type', 'nonsense')).code).toBe(1);
    const child = spawn(process.execPath, [BIN, 'events', '--follow', '--json'], {
      env: { ...process.env, TURNOUT_URL: turnout.url },
    });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    await until('an event that happens now', async () => {
      await turnout.post('/v1/chat/completions', { model: 'llama', messages: [] });
      return out.includes('"request.finished"');
    });
    child.kill();
  });

  it('explain tells of now, of a model and of a request', async () => {
    expect((await at('explain')).out).toContain('no request waits');
    const response = await turnout.post('/v1/chat/completions', { model: 'qwen', messages: [] });
    await response.text();
    const id = response.headers.get('x-turnout-request-id') ?? '';
    const ran = await at('explain', id);
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.out).toMatch(/waited .*llama was stopped .* and qwen started/);
    expect((await at('explain', 'qwen')).out).toContain('qwen is ready');
    expect(await at('explain', 'req_nobody')).toMatchObject({
      code: 1,
      err: expect.stringContaining('no such request'),
    });
  });

  it('logs prints what a model wrote', async () => {
    expect((await at('logs', 'qwen')).out).toContain('qwen listening on');
    expect((await at('logs', 'broken', '--run', '999999')).err).toContain('has no run 999999');
  });

  it('are found by their instance file, and by the state directory', async () => {
    expect(await cli(['ps'], { XDG_RUNTIME_DIR: turnout.dir })).toMatchObject({ code: 0 });
    expect(await cli(['ps', '--state-dir', turnout.stateDir])).toMatchObject({ code: 0 });
  });

  it('say where they looked when nothing is found', async () => {
    const ran = await cli(['ps', '--state-dir', join(dir, 'nothing')]);
    expect(ran).toMatchObject({ code: 1, err: expect.stringContaining(join(dir, 'nothing')) });
    expect((await cli(['ps', '--url', 'http://127.0.0.1:1'])).err).toContain('http://127.0.0.1:1');
  });
});

describe('commands against the log of a turnout that does not run', () => {
  it('events and explain read the file', async () => {
    const config = fakeConfig(await freePorts(1), { solo: { flags: '--tokens 2' } });
    const other = await startTurnout({ config });
    const response = await other.post('/v1/chat/completions', { model: 'solo', messages: [] });
    await response.text();
    const id = response.headers.get('x-turnout-request-id') ?? '';
    await other.stop();
    const state = ['--state-dir', other.stateDir];
    expect((await cli(['events', ...state])).out).toContain('router.stopped');
    expect((await cli(['explain', id, ...state])).out).toContain('status 200');
    expect((await cli(['explain', 'solo', ...state])).out).toContain('solo is not loaded');
    expect((await cli(['logs', 'solo', ...state])).out).toContain('solo listening on');
    await other.dispose();
  });
});

describe('wrong command lines', () => {
  it.each([
    ['an unknown command', ['srve'], 2, /unknown command|too many arguments/],
    ['an unknown flag', ['serve', '--cnfig', 'x'], 2, /unknown option '--cnfig'.*Did you mean --config/s],
    ['no configuration', [], 1, /give --config FILE/],
    ['a configuration that is not there', ['-config', '/nonexistent/x.yaml'], 1, /\/nonexistent\/x\.yaml/],
    ['one of two TLS files', ['--config', 'x', '--tls-cert-file', 'c.pem'], 1, /--tls-key-file is missing/],
    ['a bad number', ['events', '--limit', 'many'], 2, /--limit "many"/],
  ] satisfies [string, string[], number, RegExp][])('%s: exit code and remedy', async (_what, args, code, message) => {
    const ran = await cli(args);
    expect(ran.code).toBe(code);
    expect(ran.err).toMatch(message);
  });

  it('a config that does not parse is shown with its line', async () => {
    const file = join(dir, 'bad.yaml');
    await writeFile(file, 'models:\n  a:\n    cmd: x --port ${PORT}\n    ttl: never\n   b: [\n');
    const ran = await cli(['serve', '--config', file]);
    expect(ran.code).toBe(1);
    expect(ran.err).toMatch(/error\[[a-z-]+\]: .*\n\s+--> .*bad\.yaml:\d+:\d+\n/);
  });

  it('a port in use is named, with the remedy', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const file = join(dir, 'good.yaml');
    await writeFile(file, 'models: {}\n');
    const ran = await cli([
      'serve',
      '--config',
      file,
      '--listen',
      `127.0.0.1:${port}`,
      '--state-dir',
      join(dir, 'in-use'),
    ]);
    expect(ran.code).toBe(1);
    expect(ran.err).toMatch(new RegExp(`127\\.0\\.0\\.1:${port}.*in use.*--listen`));
    server.close();
  });

  it('a second turnout on the same state directory is told which process holds it', async () => {
    const file = join(dir, 'good.yaml');
    await writeFile(file, 'models: {}\n');
    const ran = await cli(['serve', '--config', file, '--listen', '127.0.0.1:0', '--state-dir', turnout.stateDir]);
    expect(ran.code).toBe(1);
    expect(ran.err).toContain(String(turnout.pid));
  });

  it('help and version exit 0', async () => {
    expect(await cli(['--help'])).toMatchObject({ code: 0, out: expect.stringContaining('explain') });
    expect(await cli(['events', '--help'])).toMatchObject({ code: 0, out: expect.stringContaining('Example') });
    expect(await cli(['-version'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^version: \S+ \(.*\), built at /),
    });
  });
});
