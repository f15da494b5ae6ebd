/**
 * One local runtime in a directory of its own, for one test: collects what it observes, and at the end checks that no
 * process, no zombie and no port is left. Must never wait for time to pass, only for conditions.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { modelId, type RunId, runId } from '../../src/core/ids.ts';
import { outputFile } from '../../src/core/output-file.ts';
import { createLocalRuntime, type LocalRuntime } from '../../src/core/runtime/local/local.ts';
import { parseStat } from '../../src/core/runtime/local/proc.ts';
import type { LaunchSpec, Observation } from '../../src/core/runtime/process-runtime.ts';
import { until } from '../support/until.ts';

type Exited = Extract<Observation, { type: 'exited' }>;
export type Started = Extract<Observation, { type: 'started' }>;

export interface Harness {
  dir: string;
  stateDir: string;
  env: NodeJS.ProcessEnv;
  runtime: LocalRuntime;
  seen: Observation[];
  warnings: string[];
  /** A second runtime on the same state directory, as after a restart. */
  again(): Harness;
  launch(cmd: string, more?: Partial<LaunchSpec>): Promise<RunId>;
  spec(cmd: string, more?: Partial<LaunchSpec>): LaunchSpec;
  started(run: RunId): Promise<Started>;
  exited(run: RunId): Promise<Exited>;
  typesOf(run: RunId): string[];
  /** What its output file holds; empty when there is none. */
  output(run: RunId): string;
}

const MODEL = modelId('org/model:7b');

/** A command line that runs one of the fixture programs. */
export function fixture(name: string, ...words: (string | number)[]): string {
  const file = fileURLToPath(new URL(`../fixtures/processes/${name}`, import.meta.url));
  const program = name.endsWith('.mjs') ? process.execPath : '/bin/bash';
  return [program, file, ...words].map((word) => quoteWord(String(word))).join(' ');
}

export function quoteWord(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

export const waitFor = until;

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export async function pidIn(file: string): Promise<number> {
  return waitFor(`a pid in ${file}`, () => Number(readIfThere(file)) || null);
}

/** True while the process runs; zombies do not. */
export function runs(pid: number): boolean {
  const text = readIfThere(`/proc/${pid}/stat`);
  const stat = text === null ? null : parseStat(text);
  return stat !== null && stat.state !== 'Z';
}

export async function setUp(): Promise<Harness> {
  const dir = mkdtempSync(join(tmpdir(), 'turnout-runtime-'));
  const marker = `TURNOUT_TEST=${randomUUID()}`;
  const [name, value] = marker.split('=') as [string, string];
  const env = { ...process.env, [name]: value };
  const all: Harness[] = [];
  onTestFinished(async () => {
    for (const { runtime } of all) await runtime.close();
    const left = processesWith(marker);
    for (const pid of left) killQuietly(pid);
    rmSync(dir, { recursive: true, force: true });
    expect(left, 'processes that are left').toEqual([]);
    expect(zombieChildren(), 'zombies that are left').toEqual([]);
  });
  return open(dir, env, all);
}

function open(dir: string, env: NodeJS.ProcessEnv, all: Harness[]): Harness {
  const stateDir = join(dir, 'state');
  const seen: Observation[] = [];
  const warnings: string[] = [];
  const runtime = createLocalRuntime({ stateDir, env, onWarning: (text) => warnings.push(text) });
  runtime.observe((observation) => seen.push(observation));
  let next = 100 * (all.length + 1);
  const of = <T extends Observation['type']>(type: T, run: RunId): Promise<Extract<Observation, { type: T }>> =>
    waitFor(`"${type}" of run ${run}`, () =>
      seen.find((one): one is Extract<Observation, { type: T }> => one.type === type && one.run === run),
    );
  const harness: Harness = {
    dir,
    stateDir,
    env,
    runtime,
    seen,
    warnings,
    again: () => open(dir, env, all),
    spec: (cmd, more = {}) => {
      next += 1;
      const run = more.run ?? runId(next);
      const logFile = outputFile(MODEL, run);
      const plain = { run, model: MODEL, cmd, cmdStop: '', env: [], port: null, proxy: '', logFile, specDigest: 'd' };
      return { ...plain, ...more };
    },
    launch: async (cmd, more) => {
      const spec = harness.spec(cmd, more);
      await runtime.launch(spec);
      return spec.run;
    },
    started: (run) => of('started', run),
    exited: (run) => of('exited', run),
    typesOf: (run) => seen.filter((one) => one.run === run).map((one) => one.type),
    output: (run) => readIfThere(join(stateDir, outputFile(MODEL, run))) ?? '',
  };
  all.push(harness);
  return harness;
}

function processesWith(marker: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => `\0${readIfThere(`/proc/${entry}/environ`) ?? ''}`.includes(`\0${marker}\0`))
    .map(Number);
}

function zombieChildren(): string[] {
  return readdirSync('/proc').flatMap((entry) => {
    const text = /^\d+$/.test(entry) ? readIfThere(`/proc/${entry}/stat`) : null;
    const stat = text === null ? null : parseStat(text);
    return stat?.parent === process.pid && stat.state === 'Z' ? [stat.name] : [];
  });
}

export function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it ended by itself meanwhile
  }
}
