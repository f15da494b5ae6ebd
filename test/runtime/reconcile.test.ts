/** Runs of a turnout that was killed: found, watched and ended by the next one; strangers never touched. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runId } from '../../src/core/ids.ts';
import { PID_PLACEHOLDER } from '../../src/core/runtime/local/command.ts';
import { readBootId, readProcess } from '../../src/core/runtime/local/proc.ts';
import type { LaunchSpec, RecordedRun } from '../../src/core/runtime/process-runtime.ts';
import { fixture, freePort, type Harness, pidIn, runs, type Started, setUp, waitFor } from './harness.ts';

describe('after turnout was killed', () => {
  test('a run that lives is adopted: it is stopped by TERM and ends as unknown', async () => {
    const h = await setUp();
    const port = await freePort();
    const spec = h.spec(fixture('serve.mjs', port), { proxy: `http://127.0.0.1:${port}` });
    const started = await launchAndDie(h, spec);
    await waitFor('its output', () => h.output(spec.run) === 'listening\n');
    await h.runtime.reconcile([record(spec, started)]);
    expect(runs(started.pid)).toBe(true);
    expect(h.seen).toEqual([]);
    await h.runtime.launch(spec);
    await h.runtime.stop(spec.run);
    const end = await h.exited(spec.run);
    expect(end).toMatchObject({ code: null, signal: null, by: 'unknown', detail: null, tail: ['listening'] });
    expect(runs(started.pid)).toBe(false);
    expect(h.typesOf(spec.run)).toEqual(['stopping', 'exited']);
  });

  test('a run that ends later is noticed without being asked', async () => {
    const h = await setUp();
    const spec = h.spec('sleep 1000');
    const started = await launchAndDie(h, spec);
    await h.runtime.reconcile([record(spec, started)]);
    process.kill(started.pid, 'SIGKILL');
    expect(await h.exited(spec.run)).toMatchObject({ code: null, by: 'unknown' });
  });

  test('kill() reaches the whole family', async () => {
    const h = await setUp();
    const file = join(h.dir, 'pid');
    const spec = h.spec(fixture('renamed-child.sh', file));
    const started = await launchAndDie(h, spec);
    const child = await pidIn(file);
    await h.runtime.reconcile([record(spec, started)]);
    await h.runtime.kill(spec.run);
    expect(await h.exited(spec.run)).toMatchObject({ by: 'unknown' });
    expect([runs(started.pid), runs(child)]).toEqual([false, false]);
  });

  test('what a dead leader left behind is ended', async () => {
    const h = await setUp();
    const file = join(h.dir, 'pid');
    const spec = h.spec(fixture('renamed-child.sh', file));
    const started = await launchAndDie(h, spec);
    const child = await pidIn(file);
    process.kill(started.pid, 'SIGKILL');
    await waitFor('the leader to end', () => !runs(started.pid));
    await h.runtime.reconcile([record(spec, started)]);
    expect(await h.exited(spec.run)).toMatchObject({ by: 'unknown', detail: 'left a process behind, stopped too' });
    expect(runs(child)).toBe(false);
  });

  test('a run is found although its pid was never recorded', async () => {
    const h = await setUp();
    const spec = h.spec('sleep 1000');
    const started = await launchAndDie(h, spec);
    await h.runtime.reconcile([{ ...record(spec, started), pid: null, startTime: null, bootId: null }]);
    await h.runtime.stop(spec.run);
    expect(await h.exited(spec.run)).toMatchObject({ by: 'unknown' });
    expect(runs(started.pid)).toBe(false);
  });

  test('its output goes on being cut and read', async () => {
    const h = await setUp();
    const spec = h.spec(fixture('chatter.mjs', 1));
    const started = await launchAndDie(h, spec);
    await h.runtime.reconcile([record(spec, started)]);
    await waitFor('its output', () => /caught up\nline .*\n/.test(h.output(spec.run)));
    await h.runtime.stop(spec.run);
    expect((await h.exited(spec.run)).tail.at(-1)).toMatch(/^line \d{9} x+$/);
  });

  test('a run that is dead and has no cmdStop has exited at once when it is stopped', async () => {
    const h = await setUp();
    const spec = h.spec('sleep 1000');
    const started = await launchAndDie(h, spec);
    process.kill(started.pid, 'SIGKILL');
    await waitFor('it to end', () => !runs(started.pid));
    await h.runtime.reconcile([record(spec, started)]);
    await h.runtime.stop(spec.run);
    expect(await h.exited(spec.run)).toMatchObject({ code: null, by: 'unknown', detail: null });
  });

  for (const order of ['stop', 'kill'] as const) {
    test(`a run that is dead but has a cmdStop waits for ${order}(), which runs it`, async () => {
      const h = await setUp();
      const file = join(h.dir, 'stopped');
      const cmdStop = `sh -c 'echo "$A $1" > ${file}' sh ${PID_PLACEHOLDER}`;
      const spec = h.spec('sleep 1000', { cmdStop, env: ['A=b'] });
      const started = await launchAndDie(h, spec);
      process.kill(started.pid, 'SIGKILL');
      await waitFor('it to end', () => !runs(started.pid));
      await h.runtime.reconcile([record(spec, started)]);
      // a dead run without cmdStop beside it has exited by the next look at all of them
      const other = h.spec('true');
      await h.runtime.reconcile([record(other, started)]);
      await h.exited(other.run);
      expect(existsSync(file)).toBe(false);
      expect(h.typesOf(spec.run)).toEqual([]);
      await h.runtime[order](spec.run);
      expect(await h.exited(spec.run)).toMatchObject({ by: 'unknown', detail: null });
      // the pid is free for others, so the command gets one that nobody can have
      expect(readFileSync(file, 'utf8')).toBe('b 2147483647\n');
    });
  }
});

describe('reconcile() tells who lives', () => {
  test('with the identity of each, and of those alone', async () => {
    const h = await setUp();
    const [lives, dies, unrecorded] = [h.spec('sleep 1000'), h.spec('sleep 1000'), h.spec('sleep 1000')];
    const started = [await launchAndDie(h, lives), await launchAndDie(h, dies), await launchAndDie(h, unrecorded)];
    const [first, second, third] = started as [Started, Started, Started];
    process.kill(second.pid, 'SIGKILL');
    await waitFor('it to end', () => !runs(second.pid));
    const nobody = { pid: null, startTime: null, bootId: null };
    const survivors = await h.runtime.reconcile([
      record(lives, first),
      record(dies, second),
      { ...record(unrecorded, third), ...nobody },
    ]);
    const identity = ({ pid, startTime, bootId }: Started) => ({ pid, startTime, bootId, fault: null });
    expect(survivors).toEqual([
      { run: lives.run, ...identity(first) },
      { run: unrecorded.run, ...identity(third) },
    ]);
    for (const { run } of survivors) {
      await h.runtime.stop(run);
      await h.exited(run);
    }
  });

  test("and that its port is somebody else's, unless a cmdStop says that others hold it for it", async () => {
    const h = await setUp();
    const port = await freePort();
    const thief = createServer();
    const proxy = `http://127.0.0.1:${port}`;
    const [robbed, contained] = [h.spec('sleep 1000', { proxy }), h.spec('sleep 1000', { proxy, cmdStop: 'true' })];
    const started = [await launchAndDie(h, robbed), await launchAndDie(h, contained)] as [Started, Started];
    await new Promise<void>((resolve) => thief.listen(port, '127.0.0.1', resolve));
    const survivors = await h.runtime.reconcile([record(robbed, started[0]), record(contained, started[1])]);
    expect(survivors.map(({ fault }) => fault)).toEqual([
      expect.stringMatching(new RegExp(`^its port ${port} is held by process ${process.pid} `)),
      null,
    ]);
    await new Promise((resolve) => thief.close(resolve));
    for (const { run } of survivors) {
      await h.runtime.kill(run);
      await h.exited(run);
    }
  });
});

describe('a stranger', () => {
  test('that has the pid of a recorded run is never signalled', async () => {
    const h = await setUp();
    const stranger = await startStranger();
    const pid = stranger.pid as number;
    const spec = h.spec('sleep 1000');
    const start = readProcess(pid)?.start as string;
    const wrong = [
      { startTime: '1', bootId: readBootId() },
      { startTime: start, bootId: '00000000-0000-0000-0000-000000000000' },
      { startTime: null, bootId: null },
    ];
    for (const [i, identity] of wrong.entries()) {
      const run = runId(900 + i);
      await h.runtime.reconcile([{ ...record(spec, { pid, startTime: '', bootId: '' }), run, ...identity }]);
      await h.runtime.stop(run);
      await h.runtime.kill(run);
      expect(await h.exited(run)).toMatchObject({ by: 'unknown' });
    }
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
    expect(runs(pid)).toBe(true);
  });
});

describe('a stray', () => {
  test('that writes to an output of a forgotten run is ended and told', async () => {
    const h = await setUp();
    const file = join(h.dir, 'pid');
    const spec = h.spec(fixture('renamed-child.sh', file));
    const started = await launchAndDie(h, spec);
    const child = await pidIn(file);
    expect((await h.runtime.findStrays()).map((stray) => stray.pid).sort()).toEqual([child, started.pid].sort());
    await h.runtime.reconcile([]);
    expect([runs(started.pid), runs(child)]).toEqual([false, false]);
    expect(h.warnings.filter((text) => text.includes('belongs to no run that is known'))).toHaveLength(2);
    expect(await h.runtime.findStrays()).toEqual([]);
  });

  test('that ignores TERM gets KILL', async () => {
    const h = await setUp();
    const spec = h.spec(fixture('ignore-term.sh'));
    const started = await launchAndDie(h, spec);
    await waitFor('its output', () => h.output(spec.run).includes('deaf'));
    await h.runtime.reconcile([]);
    expect(runs(started.pid)).toBe(false);
  });

  test('is not what another turnout runs, nor what is known here', async () => {
    const [h, other] = [await setUp(), await setUp()];
    const mine = await h.launch('sleep 1000');
    const theirs = await other.launch('sleep 1000');
    await Promise.all([h.started(mine), other.started(theirs)]);
    await h.runtime.reconcile([]);
    expect(h.warnings).toEqual([]);
    const { pid } = await other.started(theirs);
    expect(runs(pid)).toBe(true);
    await Promise.all([h.runtime.stop(mine), other.runtime.stop(theirs)]);
    await Promise.all([h.exited(mine), other.exited(theirs)]);
  });
});

/** Lets a process of its own launch this, and kills that process as soon as the model runs. */
async function launchAndDie(h: Harness, spec: LaunchSpec): Promise<Started> {
  const launcher = new URL('../fixtures/processes/launcher.mjs', import.meta.url).pathname;
  const parent = spawn(process.execPath, [launcher, h.stateDir, JSON.stringify([spec])], {
    env: h.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = once(parent, 'exit');
  let text = '';
  parent.stdout.on('data', (chunk) => {
    text += chunk;
  });
  const started = await waitFor('the model to start', () => {
    const line = text.split('\n').find((one) => one.includes('"started"'));
    return line === undefined ? null : (JSON.parse(line) as Started);
  });
  parent.kill('SIGKILL');
  await gone;
  return started;
}

function record(
  spec: LaunchSpec,
  { pid, startTime, bootId }: Pick<Started, 'pid' | 'startTime' | 'bootId'>,
): RecordedRun {
  const { run, model, logFile, cmdStop, env, proxy } = spec;
  return { run, model, pid, startTime, bootId, logFile, cmdStop, env, proxy };
}

async function startStranger(): Promise<ChildProcess> {
  const stranger = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
  onTestFinished(async () => {
    stranger.kill('SIGKILL');
    if (stranger.exitCode === null && stranger.signalCode === null) await once(stranger, 'exit');
  });
  await once(stranger, 'spawn');
  return stranger;
}
