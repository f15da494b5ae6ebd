/**
 * `kill -9` at random moments under load and swaps, again and again on one state directory: no durable event may be lost, no
 * position missing; every model that was loaded, lives and is configured as before must be adopted by the next start, and
 * nobody else may stay. Returns what it found; vitest (kills-*.test.ts) and `npm run kills` judge it.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createParser } from 'eventsource-parser';
import type { TurnoutEvent } from '../../src/core/events.ts';
import { createLocalRuntime } from '../../src/core/runtime/local/local.ts';
import { type Random, seededRandom } from '../../src/core/simulation/random.ts';
import { fakeCommand } from '../support/fake-models.ts';
import { freePorts } from '../support/ports.ts';
import { startTurnout, type Turnout } from '../support/turnout.ts';
import { inOneOrder, judge, type Kill, type Verdict } from './kills-verdict.ts';

const RENAMED = fileURLToPath(new URL('../fixtures/processes/renamed-child.sh', import.meta.url));
const MODELS = ['a', 'b', 'wild', 'stays'];
const LATEST_MS = 1_200;
/** How often the command of a model is edited while turnout is dead. */
const EDITED = 0.1;

export interface KillOptions {
  kills: number;
  seed: number;
  /** An empty directory; removed when all is well. */
  dir: string;
  onKill?(done: number): void;
  /** Whether to end early and judge what there is. */
  isEnough?(): boolean;
}

export interface KillReport extends Verdict {
  kills: number;
  /** Mean ms from the start of a turnout until it listened. */
  startMs: number;
}

export async function runKills({ kills: most, seed, dir, onKill, isEnough }: KillOptions): Promise<KillReport> {
  const random = seededRandom(seed);
  const edits = new Map(MODELS.map((model) => [model, 0]));
  const firstPort = await freePorts(MODELS.length);
  const seen = new Map<number, string>();
  const story: Kill[] = [];
  const faults: string[] = [];
  let startsMs = 0;
  for (let n = 1; n <= most && isEnough?.() !== true; n++) {
    if (random.chance(EDITED)) edit(edits, random);
    const began = performance.now();
    const turnout = await startTurnout({ config: configOf(dir, firstPort, edits), dir }).catch((error: unknown) => {
      if (isEnough?.() === true) return null; // a Ctrl-C of the terminal reaches the one that starts, too
      throw error;
    });
    if (turnout === null) break;
    startsMs += performance.now() - began;
    const following = follow(turnout, seen);
    const load = Promise.all(MODELS.map((model) => keepAsking(turnout, model)));
    // half of them right behind the first request: between the decision, the commit, the spawn and its report
    const after = random.chance(0.5) ? random.int(0, 60) : random.int(0, LATEST_MS);
    await new Promise((resolve) => setTimeout(resolve, after));
    await turnout.signal('SIGKILL');
    await Promise.all([load, following]);
    story.push({ survivors: await survivorsOf(dir) });
    if (turnout.output().includes('was not usable')) faults.push(`kill ${n}: the log was not usable`);
    if (turnout.output().includes('broken invariant')) faults.push(`kill ${n}: ${turnout.output().slice(-2_000)}`);
    onKill?.(n);
  }
  const kills = story.length;
  const last = await startTurnout({ config: configOf(dir, firstPort, edits), dir });
  await last.stop();
  await last.dispose();

  const verdict = await judge(join(dir, 'state'), seen, story);
  const left = await survivorsOf(dir);
  if (left.length > 0) faults.push(`processes are left: ${left.map(({ pid }) => pid).join(', ')}`);
  if (seen.size < kills * 5) faults.push(`only ${seen.size} events were seen in ${kills} lives`);
  const report = { ...verdict, faults: [...faults, ...verdict.faults], kills, startMs: startsMs / kills };
  if (report.faults.length === 0) await rm(dir, { recursive: true, force: true });
  return report;
}

/** Every process of a run that lives now. */
async function survivorsOf(dir: string): Promise<Kill['survivors']> {
  const runtime = createLocalRuntime({ stateDir: join(dir, 'state'), onWarning: () => {} });
  const strays = await runtime.findStrays();
  await runtime.close();
  return strays.map(({ run, pid }) => ({ run, pid }));
}

function edit(edits: Map<string, number>, random: Random): void {
  const model = random.pick(MODELS);
  edits.set(model, (edits.get(model) ?? 0) + 1);
}

/** Three models that swap, of which one's wrapper starts a child that hides, and one that stays beside them. */
function configOf(dir: string, firstPort: number, edits: ReadonlyMap<string, number>): string {
  const model = (id: string, cmd: string) =>
    `  ${id}:\n    cmd: ${JSON.stringify(cmd)}\n    proxy: http://127.0.0.1:\${PORT}\n    env: [EDIT=${edits.get(id)}]\n    concurrencyLimit: 1000\n`;
  const wild = `bash -c ${JSON.stringify(`'${RENAMED}' ${dir}/wild.pid & exec ${fakeCommand('wild', '--tokens 2')}`)}`;
  return `
startPort: ${firstPort}
unloadTimeout: 2
turnout:
  maxWait: 100ms
models:
${model('a', fakeCommand('a', '--tokens 3'))}
${model('b', fakeCommand('b', '--tokens 3'))}
${model('wild', wild)}
${model('stays', fakeCommand('stays', '--tokens 3'))}
groups:
  turns:
    members: [a, b, wild]
    exclusive: false
  beside:
    members: [stays]
    swap: false
    exclusive: false
    persistent: true
`;
}

/** Asks again and again until the server is gone. */
async function keepAsking(turnout: Turnout, model: string): Promise<void> {
  try {
    for (;;) await (await turnout.post('/v1/chat/completions', { model, messages: [], stream: true })).text();
  } catch {
    // killed: that is what this is about
  }
}

/** Keeps every event that turnout shows: from then on it must be in the log, as it was shown. */
async function follow(turnout: Turnout, seen: Map<number, string>): Promise<void> {
  const parser = createParser({
    onEvent({ event: name, data }) {
      // told between the events of the log when a start failed, say: it stands at no position
      if (name === 'health') return;
      const event = JSON.parse(data) as TurnoutEvent;
      seen.set(event.position, inOneOrder(event));
    },
  });
  const decoder = new TextDecoder();
  try {
    const response = await turnout.get('/api/log?follow=1&since=-5s');
    for await (const chunk of response.body ?? []) parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }));
  } catch {
    // killed
  }
}
