/** `cmdStop` in place of a signal (spec 5.6), and containers that outlive their client. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { PID_PLACEHOLDER } from '../../src/core/runtime/local/command.ts';
import { fixture, freePort, type Harness, readIfThere, runs, setUp, waitFor } from './harness.ts';

describe('cmdStop', () => {
  test('is run instead of a signal, with the pid and the environment of the model', async () => {
    const { launch, started, exited, runtime, dir } = await setUp();
    const file = join(dir, 'stopped');
    const run = await launch('sleep 1000', {
      env: ['WHO=me'],
      cmdStop: `sh -c 'echo "$WHO $1 [$TURNOUT_RUN]" > ${file}; kill -INT $1' sh ${PID_PLACEHOLDER}`,
    });
    const { pid } = await started(run);
    await runtime.stop(run);
    expect(await exited(run)).toMatchObject({ signal: 'SIGINT', by: 'turnout', detail: null });
    expect(readIfThere(file)).toBe(`me ${pid} []\n`);
  });

  test('that has no word in it gives way to TERM', async () => {
    const { launch, started, exited, runtime } = await setUp();
    const run = await launch('sleep 1000', { cmdStop: '# nothing' });
    await started(run);
    await runtime.stop(run);
    expect(await exited(run)).toMatchObject({ signal: 'SIGTERM', by: 'turnout' });
    expect((await exited(run)).detail).toContain('cmdStop was not run');
  });

  test('that fails is noted, and KILL ends the run', async () => {
    const { launch, started, exited, runtime } = await setUp();
    for (const [cmdStop, detail] of [
      ['sh -c "exit 7"', 'cmdStop failed: exit code 7'],
      [
        'no-such-program',
        'cmdStop failed: failed to start command "no-such-program": there is no such program (ENOENT)',
      ],
    ] as const) {
      const run = await launch('sleep 1000', { cmdStop });
      const { pid } = await started(run);
      await runtime.stop(run);
      expect(runs(pid)).toBe(true);
      await runtime.kill(run);
      expect((await exited(run)).detail).toContain(detail);
    }
  });

  test('that hangs is ended, but not at once, after the family is gone', async () => {
    const { launch, started, exited, runtime, dir } = await setUp();
    const file = join(dir, 'stopping');
    const run = await launch('sleep 1000', { cmdStop: `sh -c 'echo $$ > ${file}; exec sleep 1000'` });
    const { pid } = await started(run);
    await runtime.stop(run);
    const stopper = Number(await waitFor('cmdStop', () => readIfThere(file)));
    await runtime.kill(run);
    await waitFor('the model to end', () => !runs(pid));
    expect(runs(stopper)).toBe(true);
    expect(await exited(run)).toMatchObject({ by: 'turnout', detail: 'cmdStop did not return and was killed' });
    expect(runs(stopper)).toBe(false);
  });

  test('is waited for even when the process ended long before', async () => {
    const { launch, started, exited, runtime, dir, seen } = await setUp();
    const [begun, finish] = [join(dir, 'begun'), join(dir, 'finish')];
    const cmdStop = `sh -c 'kill $1; : > ${begun}.new; mv ${begun}.new ${begun}; until [ -e ${finish} ]; do sleep 0.02; done' sh ${PID_PLACEHOLDER}`;
    const run = await launch('sleep 1000', { cmdStop });
    const { pid } = await started(run);
    await runtime.stop(run);
    await waitFor('the process to end', () => !runs(pid) && readIfThere(begun) !== null);
    expect(seen.some((one) => one.type === 'exited')).toBe(false);
    await once(spawn('touch', [finish]), 'exit');
    expect(await exited(run)).toMatchObject({ by: 'turnout', detail: null });
  });
});

describe('a container', () => {
  test('is stopped by its cmdStop, and the exit comes after the port is free', async () => {
    const h = await setUp();
    const { run, port } = await startContainer(h, 300);
    await h.runtime.stop(run);
    expect(await h.exited(run)).toMatchObject({ code: 0, by: 'turnout', detail: null });
    expect(await answers(port)).toBe(false);
  });

  test('that outlives its client is stopped all the same, and only then has the run exited', async () => {
    const h = await setUp();
    const { run, port, client } = await startContainer(h, 400);
    process.kill(client, 'SIGKILL');
    await waitFor('the client to end', () => !runs(client));
    expect(await answers(port)).toBe(true);
    const end = await h.exited(run);
    expect(await answers(port)).toBe(false);
    expect(end).toMatchObject({ signal: 'SIGKILL', by: 'another' });
    expect(end.detail).toContain(`port ${port} still accepts connections after the process had ended: cmdStop was run`);
    expect(h.typesOf(run)).toEqual(['accepted', 'started', 'stopping', 'exited']);
  });

  test('whose client is killed by kill() is stopped by its cmdStop, too', async () => {
    const h = await setUp();
    const { run, port } = await startContainer(h, 200);
    await h.runtime.kill(run);
    expect(await h.exited(run)).toMatchObject({ signal: 'SIGKILL', by: 'turnout' });
    expect(await answers(port)).toBe(false);
  });

  test('keeps the run from being over for as long as its port accepts', async () => {
    const h = await setUp();
    const { run, port, client, daemon } = await startContainer(h, 0, 'false');
    await h.runtime.stop(run);
    await h.runtime.kill(run);
    await waitFor('a warning', () => h.warnings.some((text) => text.includes('cmdStop does not help')));
    expect(runs(client)).toBe(false);
    expect(await answers(port)).toBe(true);
    expect(h.typesOf(run)).not.toContain('exited');
    daemon.kill('SIGKILL');
    expect((await h.exited(run)).detail).toContain('cmdStop failed: exit code 1');
  });
});

test('a port that a stranger took while the model ran is waited for, but not for ever', async () => {
  const h = await setUp();
  const port = await freePort();
  const run = await h.launch('sleep 1000', { proxy: `http://127.0.0.1:${port}` });
  await h.started(run);
  await startProgram('serve.mjs', port);
  await h.runtime.stop(run);
  expect(await h.exited(run)).toMatchObject({
    by: 'turnout',
    detail: `port ${port} still accepts connections, though nothing of the run is left`,
  });
});

async function startContainer(h: Harness, stopMs: number, cmdStop?: string) {
  const port = await freePort();
  const socket = join(h.dir, 'docker.sock');
  const daemon = await startProgram('fake-docker.mjs', 'daemon', socket);
  const run = await h.launch(fixture('fake-docker.mjs', 'run', socket, port), {
    proxy: `http://127.0.0.1:${port}`,
    cmdStop: cmdStop ?? fixture('fake-docker.mjs', 'stop', socket, stopMs),
  });
  const { pid: client } = await h.started(run);
  await waitFor('the container', () => h.output(run).includes('up'));
  return { run, port, client, daemon };
}

/** A program that is nobody's model. */
async function startProgram(name: string, ...words: (string | number)[]): Promise<ChildProcess> {
  const file = new URL(`../fixtures/processes/${name}`, import.meta.url).pathname;
  const child = spawn(process.execPath, [file, ...words.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await gone;
  });
  await once(child.stdout, 'data');
  return child;
}

async function answers(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}`, { headers: { connection: 'close' } }).then(
    (response) => response.text().then(() => true),
    () => false,
  );
}
