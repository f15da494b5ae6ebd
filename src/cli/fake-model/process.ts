/**
 * What a fake model does as a process: signals, death by the clock, grandchildren, noise on its output, a pid file.
 * Must never run inside turnout itself: it ends the process it is in.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FakeModelOptions } from './options.ts';
import { startFakeModel } from './server.ts';

const NOISE_EVERY_MS = 50;
const NOISE_LINE = `${'noise '.repeat(13)}.\n`;

/** A file that exists as long as the process; one that stays behind names a process that was killed. */
function keepPidFile(directory: string, model: string): void {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, `${encodeURIComponent(model)}.${process.pid}`);
  writeFileSync(file, '');
  process.on('exit', () => rmSync(file, { force: true }));
}

function obeySignals({ ignoreTerm, termDelayMs }: FakeModelOptions): void {
  process.on('SIGTERM', () => {
    if (ignoreTerm) process.stdout.write('SIGTERM ignored\n');
    else if (termDelayMs > 0) setTimeout(() => process.exit(0), termDelayMs);
    else process.exit(0);
  });
  process.on('SIGINT', () => process.exit(0));
}

async function spawnGrandchild(detached: boolean): Promise<void> {
  const { spawn } = await import('node:child_process');
  const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1_000_000)'], {
    detached,
    stdio: 'inherit',
  });
  process.stdout.write(`grandchild ${child.pid}\n`);
}

function makeNoise(bytesPerSecond: number): void {
  const begin = performance.now();
  let written = 0;
  setInterval(() => {
    // By the clock and not by the tick: a blocked output must not lower the rate afterwards.
    const due = Math.floor(((performance.now() - begin) / 1_000) * bytesPerSecond) - written;
    if (due <= 0) return;
    written += due;
    process.stdout.write(NOISE_LINE.repeat(Math.ceil(due / NOISE_LINE.length)).slice(-due));
  }, NOISE_EVERY_MS);
}

/** Serves a fake model as the whole of this process. Resolves when it listens; the process ends by its options. */
export async function serveFakeModel(options: FakeModelOptions): Promise<void> {
  // A reader of our output that goes away is no reason to die: turnout's children outlive it.
  process.stdout.on('error', () => undefined);
  if (options.exitAfterMs === 0) process.exit(options.exitCode);
  if (options.exitAfterMs > 0) setTimeout(() => process.exit(options.exitCode), options.exitAfterMs);
  obeySignals(options);
  if (options.pidFileDir !== '') keepPidFile(options.pidFileDir, options.model);
  const { port } = await startFakeModel(options, {
    die: (code) => process.exit(code),
    log: (line) => process.stdout.write(`${line}\n`),
  });
  process.stdout.write(`${options.model} listening on http://${options.host}:${port}\n`);
  if (options.spawnGrandchild) await spawnGrandchild(options.detachGrandchild);
  if (options.stdoutNoise > 0) makeNoise(options.stdoutNoise);
}
