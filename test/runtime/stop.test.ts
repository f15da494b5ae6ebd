/** How runs end: by themselves, when asked, when forced; and that nothing of them is left then. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runId } from '../../src/core/ids.ts';
import { readProcess } from '../../src/core/runtime/local/proc.ts';
import { fixture, freePort, pidIn, readIfThere, runs, setUp, waitFor } from './harness.ts';

const whenReady = (read: () => string, text: string): Promise<boolean> =>
  waitFor(`"${text}" in the output`, () => read().includes(text));

describe('a run that ends by itself', () => {
  test('is reported with its exit code and its last 20 lines, clean of control characters', async () => {
    const { launch, exited, typesOf } = await setUp();
    const run = await launch(fixture('crash.sh', 3));
    const end = await exited(run);
    expect(end).toMatchObject({ code: 3, signal: null, by: 'itself', detail: null });
    expect(end.tail).toHaveLength(20);
    expect(end.tail.slice(-4)).toEqual(['line 24', 'line 25', 'red and\ta tab', 'CUDA error: out of memory']);
    expect(typesOf(run)).toEqual(['accepted', 'started', 'exited']);
  });

  test('may write bytes that are no text and no lines', async () => {
    const { launch, exited } = await setUp();
    const end = await exited(await launch(fixture('binary.mjs')));
    expect(end).toMatchObject({ code: 1, by: 'itself' });
    expect(end.tail.length).toBeGreaterThan(0);
    for (const line of end.tail) {
      expect(line.length).toBeLessThanOrEqual(2000);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
      expect(line).not.toMatch(/[\x00-\x08\x0a-\x1f\x7f-\x9f]/);
    }
  });

  test('is reported as ended by another when a signal came that was not ours', async () => {
    const { launch, started, exited } = await setUp();
    const run = await launch('sleep 1000');
    process.kill((await started(run)).pid, 'SIGKILL');
    expect(await exited(run)).toMatchObject({ code: null, signal: 'SIGKILL', by: 'another' });
  });

  test('takes with it what it left behind: a wrapper that forks and exits', async () => {
    const { launch, exited, dir } = await setUp();
    const file = join(dir, 'pid');
    const run = await launch(fixture('fork-and-exit.sh', file, 'sleep', 1000));
    const pid = await pidIn(file);
    const end = await exited(run);
    expect(end).toMatchObject({ code: 0, by: 'itself', detail: 'left a process behind, stopped too' });
    expect(runs(pid)).toBe(false);
  });

  test('takes with it even what is deaf to TERM and holds the output open', async () => {
    const { launch, exited, dir } = await setUp();
    const file = join(dir, 'pid');
    const ready = join(dir, 'ready');
    const run = await launch(fixture('fork-and-exit.sh', file, ...fixtureWords('ignore-term.sh', ready)), {
      env: [`WAIT_FOR=${ready}`],
    });
    const pid = await pidIn(file);
    expect(await exited(run)).toMatchObject({ code: 0, by: 'itself' });
    expect(runs(pid)).toBe(false);
  });
});

describe('stop()', () => {
  test('sends TERM to the group and reports once, as ended by turnout', async () => {
    const { launch, started, exited, typesOf, runtime } = await setUp();
    const run = await launch('sleep 1000');
    await started(run);
    await runtime.stop(run);
    await runtime.stop(run);
    expect(await exited(run)).toMatchObject({ code: null, signal: 'SIGTERM', by: 'turnout', detail: null });
    await runtime.stop(run);
    await runtime.kill(run);
    expect(typesOf(run)).toEqual(['accepted', 'started', 'stopping', 'exited']);
  });

  test('ignores a run that nobody knows', async () => {
    const { runtime, seen } = await setUp();
    await runtime.stop(runId(9));
    await runtime.kill(runId(9));
    expect(seen).toEqual([]);
  });

  test('lets a server finish what it is doing, and only then reports the exit and the free port', async () => {
    const { launch, exited, runtime, output } = await setUp();
    const port = await freePort();
    const run = await launch(fixture('serve.mjs', port, 'slow-term', 200), { proxy: `http://127.0.0.1:${port}` });
    await whenReady(() => output(run), 'listening');
    await runtime.stop(run);
    expect(await exited(run)).toMatchObject({ code: 0, by: 'turnout' });
    expect((await exited(run)).tail).toEqual(['listening', 'finishing', 'finished']);
    await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toThrow();
  });

  test('does not cut short the real server behind a wrapper that dies at once, nor ask it twice', async () => {
    const { launch, exited, runtime, output } = await setUp();
    const port = await freePort();
    const command = fixtureWords('serve.mjs', port, 'slow-term', 300);
    const run = await launch(fixture('wait-wrapper.sh', ...command), { proxy: `http://127.0.0.1:${port}` });
    await whenReady(() => output(run), 'listening');
    await runtime.stop(run);
    expect((await exited(run)).tail).toEqual(['listening', 'finishing', 'finished']);
  });

  const hiding: [string, string][] = [
    ['a daemon that forked twice', 'double-fork.sh'],
    ['a grandchild in a session of its own', 'setsid-child.sh'],
    ['a grandchild that lost its environment and changed its name', 'renamed-child.sh'],
    ['a child without environment, group or output of ours', 'hidden-child.sh'],
  ];
  for (const [who, program] of hiding) {
    test(`reaches ${who}`, async () => {
      const { launch, exited, dir, runtime } = await setUp();
      const file = join(dir, 'pid');
      const run = await launch(fixture(program, file));
      const pid = await pidIn(file);
      await runtime.stop(run);
      expect(await exited(run)).toMatchObject({ by: 'turnout' });
      expect(runs(pid)).toBe(false);
    });
  }
});

describe('kill()', () => {
  test('ends a process that ignores TERM', async () => {
    const { launch, exited, typesOf, runtime, output } = await setUp();
    const run = await launch(fixture('ignore-term.sh'));
    await whenReady(() => output(run), 'deaf');
    await runtime.stop(run);
    await runtime.kill(run);
    expect(await exited(run)).toMatchObject({ signal: 'SIGKILL', by: 'turnout' });
    expect(typesOf(run)).toEqual(['accepted', 'started', 'stopping', 'exited']);
  });

  test('ends a process that is suspended', async () => {
    const { launch, started, exited, runtime } = await setUp();
    const run = await launch('sleep 1000');
    const { pid } = await started(run);
    process.kill(pid, 'SIGSTOP');
    await waitFor('it to be suspended', () => readProcess(pid)?.state === 'T');
    await runtime.stop(run);
    await runtime.kill(run);
    expect(await exited(run)).toMatchObject({ signal: 'SIGKILL', by: 'turnout' });
  });

  test('ends the whole family, whatever session it is in', async () => {
    const { launch, exited, dir, runtime } = await setUp();
    const file = join(dir, 'pid');
    const run = await launch(fixture('setsid-child.sh', file));
    const pid = await pidIn(file);
    await runtime.kill(run);
    expect(await exited(run)).toMatchObject({ signal: 'SIGKILL', by: 'turnout' });
    expect(runs(pid)).toBe(false);
  });
});

describe('20 crashes and 20 stops in a row', () => {
  test('each is reported, and no zombie is left', async () => {
    const { launch, started, exited, runtime } = await setUp();
    for (let i = 0; i < 20; i += 1) {
      expect(await exited(await launch('false'))).toMatchObject({ code: 1, by: 'itself' });
      const run = await launch('sleep 1000');
      await started(run);
      await runtime.stop(run);
      expect(await exited(run)).toMatchObject({ by: 'turnout' });
    }
  });
});

test('close() touches no process and leaves nothing that keeps node alive', async () => {
  const { launch, started, runtime, seen, dir } = await setUp();
  const file = join(dir, 'pid');
  const run = await launch(`sh -c 'echo $$ > ${file}; exec sleep 1000'`);
  const { pid } = await started(run);
  await pidIn(file);
  await runtime.close();
  expect(runs(pid)).toBe(true);
  const before = seen.length;
  process.kill(pid, 'SIGKILL');
  await waitFor('the process to end', () => readIfThere(`/proc/${pid}/stat`) === null);
  expect(seen).toHaveLength(before);
});

/** A fixture's command as words for another fixture to run. */
function fixtureWords(name: string, ...words: (string | number)[]): string[] {
  return fixture(name, ...words)
    .split(' ')
    .map((word) => word.replace(/^'(.*)'$/, '$1'));
}
