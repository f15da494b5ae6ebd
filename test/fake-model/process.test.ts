/** The fake model as a process: how it ends, what it leaves behind, and what it does when it is told to misbehave. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { post, spawnFakeModel, until } from './helpers.ts';

const chat = { model: 'x', messages: [{ role: 'user', content: 'hello' }] };

/** Zombies count as gone: whoever adopted them reaps them. */
function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (process.platform !== 'linux') return true;
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('the process of a fake model', () => {
  it('ends with code 0 on SIGTERM', async () => {
    const model = await spawnFakeModel([]);
    model.child.kill('SIGTERM');
    expect(await model.exited).toEqual({ code: 0, signal: null });
  });

  it('ignores SIGTERM when told so, and answers on', async () => {
    const model = await spawnFakeModel(['--ignore-term']);
    model.child.kill('SIGTERM');
    await until('the signal to arrive', () => model.output().includes('SIGTERM ignored'));
    expect((await fetch(`${model.url}/health`)).status).toBe(200);
  });

  it('takes its time after SIGTERM when told so', async () => {
    const model = await spawnFakeModel(['--term-delay-ms', '200']);
    const begin = performance.now();
    model.child.kill('SIGTERM');
    expect(await model.exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - begin).toBeGreaterThanOrEqual(190);
  });

  it('exits by itself, with the code it was given', async () => {
    const model = await spawnFakeModel(['--exit-after-ms', '300', '--exit-code', '7']);
    expect(await model.exited).toEqual({ code: 7, signal: null });
  });

  it('exits when a request arrives, but not on /health', async () => {
    const model = await spawnFakeModel(['--crash-on-request', '--exit-code', '9']);
    expect((await fetch(`${model.url}/health`)).status).toBe(200);
    await expect(post(`${model.url}/v1/chat/completions`, chat)).rejects.toThrow();
    expect(await model.exited).toEqual({ code: 9, signal: null });
  });

  it('dies in the middle of a stream, after the chunks that it was told to send', async () => {
    const model = await spawnFakeModel(['--die-mid-stream', '3', '--model', 'qwen']);
    const response = await post(`${model.url}/v1/completions`, { prompt: 'a b', stream: true });
    let text = '';
    const decoder = new TextDecoder();
    const read = async () => {
      for await (const chunk of response.body!) text += decoder.decode(chunk, { stream: true });
    };
    await expect(read()).rejects.toThrow();
    expect(text.match(/^data: /gm)).toHaveLength(3);
    expect(text).not.toContain('[DONE]');
    expect((await model.exited).code).toBe(1);
  });

  it('keeps a pid file while it runs, under a name that is a file name', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'fake-model-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const model = await spawnFakeModel(['--pid-file-dir', directory, '--model', 'org/qwen:7b']);
    expect(readdirSync(directory)).toEqual([`org%2Fqwen%3A7b.${model.pid}`]);
    model.child.kill('SIGTERM');
    await model.exited;
    expect(readdirSync(directory)).toEqual([]);
  });

  it.each([
    ['in its group, which dies with it', [], false],
    ['in a session of its own, which outlives it', ['--detach-grandchild'], true],
  ])('starts a grandchild %s', async (_what, more, outlives) => {
    const model = await spawnFakeModel(['--spawn-grandchild', ...more]);
    const found = await until('the grandchild', () => /grandchild (\d+)\n/.exec(model.output())?.[1]);
    const pid = Number(found);
    onTestFinished(() => {
      if (alive(pid)) process.kill(pid, 'SIGKILL');
    });
    process.kill(-model.pid, 'SIGTERM');
    await model.exited;
    if (outlives) expect(alive(pid)).toBe(true);
    else await until('the grandchild to be gone', () => !alive(pid));
  });

  it('writes noise to its output', async () => {
    const model = await spawnFakeModel(['--stdout-noise', '200000']);
    await until('some noise', () => model.output().length > 50_000);
  });

  it('says what is wrong with an option, and exits 1', async () => {
    const main = fileURLToPath(new URL('../../src/cli/fake-model/main.ts', import.meta.url));
    const child = spawn(process.execPath, [main, '--load-ms', 'soon'], { stdio: ['ignore', 'ignore', 'pipe'] });
    let text = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(code).toBe(1);
    expect(text).toBe('fake-model: option "--load-ms" expects a number, got "soon"\n');
  });
});
