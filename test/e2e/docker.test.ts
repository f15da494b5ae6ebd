/** A container engine whose client is only a messenger: stopping takes 12 s, and killing the client stops nothing. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeCommand } from '../support/fake-models.ts';
import { freePorts } from '../support/ports.ts';
import { startTurnout, type Turnout } from '../support/turnout.ts';
import { until } from '../support/until.ts';

const DOCKER = fileURLToPath(new URL('../fixtures/processes/fake-docker.mjs', import.meta.url));
const STOP_MS = 12_000;

let dir: string;
let daemon: ChildProcess;
let config: string;
let port: number;
const running: Turnout[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'turnout-docker-'));
  const socket = join(dir, 'docker.sock');
  port = await freePorts(1);
  daemon = spawn(process.execPath, [DOCKER, 'daemon', socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => daemon.stdout?.once('data', resolve));
  const docker = (...args: unknown[]) => JSON.stringify([`'${process.execPath}'`, `'${DOCKER}'`, ...args].join(' '));
  config = `
startPort: ${await freePorts(1)}
models:
  container:
    cmd: ${docker('run', socket, port)}
    cmdStop: ${docker('stop', socket, STOP_MS)}
    proxy: http://127.0.0.1:${port}
  other:
    cmd: ${JSON.stringify(fakeCommand('other', '--tokens 2'))}
    proxy: http://127.0.0.1:\${PORT}
`;
});

afterEach(async () => {
  for (const turnout of running.splice(0)) await turnout.dispose();
  daemon.kill('SIGKILL');
  await rm(dir, { recursive: true, force: true });
});

async function start(): Promise<Turnout> {
  const turnout = await startTurnout({ config, dir });
  running.push(turnout);
  return turnout;
}

const ask = (turnout: Turnout, model: string) => turnout.post('/v1/chat/completions', { model, messages: [] });

function accepts(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** When the container was stopping and gone, and when the other model was started after it. */
async function story(turnout: Turnout) {
  const events = await turnout.events('process.stopping', 'process.exited', 'process.starting');
  const last = (type: string, model: string) =>
    events.findLast((event) => event.type === type && event.model === model);
  const stopping = last('process.stopping', 'container');
  const exited = last('process.exited', 'container');
  const starting = last('process.starting', 'other');
  if (stopping === undefined || exited === undefined || starting === undefined) throw new Error('not all has happened');
  return { stopping, exited, starting };
}

describe('a model in a container', { timeout: 90_000 }, () => {
  it('is gone before the next model starts, however long its engine takes to stop it', async () => {
    const turnout = await start();
    expect(await (await ask(turnout, 'container')).text()).toBe('from the container');
    const answered = ask(turnout, 'other');
    await until('the container to be stopping', async () => (await turnout.events('process.stopping')).length > 0);
    expect(await accepts()).toBe(true);
    expect((await answered).status).toBe(200);
    expect(await accepts()).toBe(false);
    const { stopping, exited, starting } = await story(turnout);
    expect(exited.at - stopping.at).toBeGreaterThanOrEqual(STOP_MS - 50);
    expect(starting.position).toBeGreaterThan(exited.position);
    expect(await turnout.events('process.killed')).toEqual([]);
    await turnout.stop();
  });
});

describe('turnout killed together with the client of a container', { timeout: 90_000 }, () => {
  it('stops the container at its next start, before anything else is loaded', async () => {
    const first = await start();
    await (await ask(first, 'container')).text();
    const [spawned] = await first.events('process.spawned');
    process.kill(spawned?.data.pid ?? 0, 'SIGKILL');
    await first.signal('SIGKILL');
    expect(await accepts()).toBe(true);

    const second = await start();
    expect((await ask(second, 'other')).status).toBe(200);
    expect(await accepts()).toBe(false);
    const { stopping, exited, starting } = await story(second);
    expect(stopping.type === 'process.stopping' && stopping.data.reason).toBe('previous-run');
    expect(exited.at - stopping.at).toBeGreaterThanOrEqual(STOP_MS - 50);
    expect(starting.position).toBeGreaterThan(exited.position);
    await second.stop();
  });
});
