/** Time that tests turn, fake trees of /proc and /sys, and the fake `nvidia-smi`. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { SamplerClock } from '../../../src/core/runtime/devices/attempts.ts';

export const MIB = 1024 ** 2;
export const GIB = 1024 ** 3;
const FAKE = new URL('../../fixtures/gpu/nvidia-smi', import.meta.url).pathname;

export interface VirtualClock extends SamplerClock {
  /** Lets time pass, timer by timer; promises are settled in between. */
  pass(ms: number): Promise<void>;
  /** Timers that are armed. */
  armed(): number;
}

export function virtualClock(): VirtualClock {
  let now = 1_000_000;
  let timers: { at: number; then: () => void }[] = [];
  return {
    now: () => now,
    after(ms, then) {
      const timer = { at: now + ms, then };
      timers.push(timer);
      return () => {
        timers = timers.filter((one) => one !== timer);
      };
    },
    async pass(ms) {
      const end = now + ms;
      await settle();
      for (;;) {
        const [next] = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        timers = timers.filter((one) => one !== next);
        now = next.at;
        next.then();
        await settle();
      }
      now = end;
    },
    armed: () => timers.length,
  };
}

/** Several turns: a promise that resolves another one needs more than one. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await nextTurn();
}

export interface Tree {
  root: string;
  /** Writes a file, or many: path to text. */
  write(files: Record<string, string>): void;
  link(path: string, target: string): void;
}

/** A directory of its own, removed after the test. */
export function makeTree(files: Record<string, string> = {}): Tree {
  const root = mkdtempSync(join(tmpdir(), 'turnout-devices-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const place = (path: string): string => {
    const whole = join(root, path);
    mkdirSync(dirname(whole), { recursive: true });
    return whole;
  };
  const tree: Tree = {
    root,
    write: (more) => {
      for (const [path, text] of Object.entries(more)) writeFileSync(place(path), text);
    },
    link: (path, target) => symlinkSync(target, place(path)),
  };
  tree.write(files);
  return tree;
}

export interface FakeGpu {
  env: NodeJS.ProcessEnv;
  /** Calls so far: process id and first argument. */
  calls(): { pid: number; what: string }[];
}

/** An environment in whose PATH the fake `nvidia-smi` comes first. `apps`: pid, MiB or `[N/A]`, index of the GPU. */
export function fakeGpu(manner: string, more: { apps?: string[]; count?: number } = {}): FakeGpu {
  const { root } = makeTree();
  cpSync(FAKE, join(root, 'nvidia-smi'));
  const log = join(root, 'calls');
  writeFileSync(log, '');
  return {
    env: {
      PATH: `${root}:/usr/bin:/bin`,
      FAKE_GPU: manner,
      FAKE_GPU_CALLS: log,
      FAKE_GPU_APPS: (more.apps ?? []).join(';'),
      FAKE_GPU_COUNT: String(more.count ?? 2),
    },
    calls: () =>
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => ({ pid: Number(line.split(' ')[0]), what: line.split(' ')[1] ?? '' })),
  };
}

export const uuidOf = (index: number): string => `GPU-${String(index).padStart(8, '0')}-aaaa-bbbb-cccc-0123456789ab`;
