/**
 * For the tests of the fake model: one in this process, one in a process of its own, and waiting for conditions.
 * Must never leave a process or a server behind: everything started here ends with its test.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { FakeModelOptions } from '../../src/cli/fake-model/options.ts';
import type { FakeRequests } from '../../src/cli/fake-model/record.ts';
import { startFakeModel } from '../../src/cli/fake-model/server.ts';
import { until } from '../support/until.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/fake-model/main.ts', import.meta.url));

/** Base URL of a fake model in this process; fast, unless the options say otherwise. */
export async function fakeModel(options: Partial<FakeModelOptions> = {}): Promise<string> {
  const running = await startFakeModel({ tokensPerSecond: 0, promptPerSecond: 0, ...options });
  onTestFinished(() => running.close());
  return `http://127.0.0.1:${running.port}`;
}

export interface Spawned {
  child: ChildProcess;
  pid: number;
  url: string;
  output(): string;
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

export { until };

/** A fake model in a process group of its own; resolves when it listens. */
export async function spawnFakeModel(args: string[]): Promise<Spawned> {
  const child = spawn(process.execPath, [MAIN, ...args], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  const pid = child.pid!;
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    // Enough for every line that a test looks for; the noise switch writes without end.
    if (output.length < 1_000_000) output += chunk;
  });
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-pid, 'SIGKILL');
    await exited;
  });
  const url = await until('the fake model to listen', () => /listening on (http:\/\/\S+)/.exec(output)?.[1]);
  return { child, pid, url, output: () => output, exited };
}

export async function requestsOf(url: string): Promise<FakeRequests> {
  return (await (await fetch(`${url}/fake/requests`)).json()) as FakeRequests;
}

export function post(url: string, body: unknown, init: RequestInit = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...init,
  });
}

/** The `data` of every event of a stream, parsed; `[DONE]` as it is. */
export async function events(response: Response): Promise<(Record<string, unknown> | '[DONE]')[]> {
  const text = await response.text();
  return text
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => line.slice(6))
    .map((data) => (data === '[DONE]' ? data : (JSON.parse(data) as Record<string, unknown>)));
}

/** All items of a stream, in order. */
export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}
