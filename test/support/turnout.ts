/**
 * A running turnout, as a user starts it, and what tests ask of it. Must never leave a process or a directory behind, and
 * says so when turnout did.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EventOf, EventType, TurnoutEvent } from '../../src/core/events.ts';
import { exitOf, lives } from './processes.ts';
import { until } from './until.ts';

export const BIN = fileURLToPath(new URL('../../bin/turnout.js', import.meta.url));

/** A test that failed may leave models that do not end by themselves. */
const STOP_MS = 10_000;

export interface Turnout {
  url: string;
  dir: string;
  stateDir: string;
  pid: number;
  /** What it printed so far. */
  output(): string;
  get(path: string, init?: RequestInit): Promise<Response>;
  /** Posts JSON. */
  post(path: string, body: unknown, init?: RequestInit): Promise<Response>;
  /** Durable events, oldest first; all types when none is named. */
  events<T extends EventType>(...types: T[]): Promise<EventOf<T>[]>;
  /** Sends a signal and resolves with exit code or signal. */
  signal(signal: NodeJS.Signals): Promise<string>;
  exited: Promise<string>;
  /** SIGTERM; throws unless it exits with 0 and nothing that it spawned is left. */
  stop(): Promise<void>;
  /** Stops it if it still runs, and removes what it wrote. Call it in any case. */
  dispose(): Promise<void>;
}

export interface TurnoutOptions {
  config: string;
  args?: string[];
  env?: Record<string, string>;
  /** An existing directory to start in (again); it is kept by `dispose`. */
  dir?: string;
  /** Sent with every request. */
  headers?: Record<string, string>;
}

export async function startTurnout(options: TurnoutOptions): Promise<Turnout> {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'turnout-test-')));
  const config = join(dir, 'config.yaml');
  const stateDir = join(dir, 'state');
  await writeFile(config, options.config);
  const args = [
    'serve',
    '--config',
    config,
    '--listen',
    '127.0.0.1:0',
    '--state-dir',
    stateDir,
    ...(options.args ?? []),
  ];
  const child = spawn(process.execPath, [BIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, XDG_RUNTIME_DIR: dir, ...options.env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-200_000);
    });
  }
  const exited = exitOf(child);
  const url = await until('turnout to listen', () => {
    const how = child.exitCode ?? child.signalCode;
    if (how !== null) throw new Error(`turnout ended with ${how}:\n${output}`);
    return /listening on (https?:\/\/[\d.]+:\d+)/.exec(output)?.[1];
  });

  /** As `fetch`, with the headers that every request has. */
  const send = (path: string, init: RequestInit = {}, more: Record<string, string> = {}) =>
    fetch(url + path, {
      ...init,
      headers: { ...options.headers, ...more, ...(init.headers as Record<string, string> | undefined) },
    });

  async function events<T extends EventType>(...types: T[]): Promise<EventOf<T>[]> {
    const all: EventOf<T>[] = [];
    for (let from = 1; ; ) {
      const response = await send(`/api/log?types=${types.join(',')}&from=${from}&limit=5000`);
      if (response.status !== 200) throw new Error(`GET /api/log: expected 200, got ${response.status}`);
      const { events: some } = (await response.json()) as { events: TurnoutEvent[] };
      all.push(...(some as EventOf<T>[]));
      const last = some.at(-1);
      if (last === undefined) return all;
      from = last.position + 1;
    }
  }

  return {
    url,
    dir,
    stateDir,
    pid: child.pid ?? 0,
    output: () => output,
    get: (path, init) => send(path, init),
    post(path, body, init = {}) {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      return send(path, { method: 'POST', body: text, ...init }, { 'content-type': 'application/json' });
    },
    events,
    exited,
    signal(signal) {
      child.kill(signal);
      return exited;
    },
    async stop() {
      const spawned = (await events('process.spawned')).map((event) => event.data);
      child.kill('SIGTERM');
      const how = await exited;
      if (how !== '0') throw new Error(`turnout ended with ${how}:\n${output}`);
      const left: number[] = [];
      for (const { pid, startTime } of spawned) if (await lives(pid, startTime)) left.push(pid);
      if (left.length > 0) throw new Error(`turnout left processes behind: ${left.join(', ')}`);
    },
    async dispose() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        const gaveUp = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
        await exited;
        clearTimeout(gaveUp);
      }
      if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
    },
  };
}
