/**
 * `kill -9` at random moments under load, again and again on one state directory: no durable event may be lost, no
 * position missing, no child may survive the next start.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createParser } from 'eventsource-parser';
import { expect, it } from 'vitest';
import type { TurnoutEvent } from '../../src/core/events.ts';
import { openLogForReading } from '../../src/core/log/read-only.ts';
import { createLocalRuntime } from '../../src/core/runtime/local/local.ts';
import { seededRandom } from '../../src/core/simulation/random.ts';
import { fakeCommand } from '../support/fake-models.ts';
import { freePorts } from '../support/ports.ts';
import { startTurnout, type Turnout } from '../support/turnout.ts';

const RENAMED = fileURLToPath(new URL('../fixtures/processes/renamed-child.sh', import.meta.url));
const LATEST_MS = 500;

export function testKills(kills: number, seed: number): void {
  it(`${kills} kills at random moments (seed ${seed}) lose nothing that was durable and leave nobody behind`, {
    timeout: 600_000,
  }, async () => {
    const dir = await mkdtemp(join(tmpdir(), 'turnout-kills-'));
    const random = seededRandom(seed);
    const config = await configFor(dir);
    const seen = new Map<number, string>();
    for (let n = 0; n < kills; n++) {
      const turnout = await startTurnout({ config, dir });
      const following = follow(turnout, seen);
      const load = Promise.all(['a', 'b', 'wild'].map((model) => keepAsking(turnout, model)));
      // half of them right behind the first request: between the decision, the commit, the spawn and its report
      const after = random.chance(0.5) ? random.int(0, 60) : random.int(0, LATEST_MS);
      await new Promise((resolve) => setTimeout(resolve, after));
      await turnout.signal('SIGKILL');
      await Promise.all([load, following]);
      expect(turnout.output(), `kill ${n}`).not.toContain('was not usable');
    }
    const last = await startTurnout({ config, dir });
    await last.stop();

    const log = await openLogForReading(join(dir, 'state'));
    const events: TurnoutEvent[] = [];
    for (let from = 1; ; from = events.length + 1) {
      const some = await log.read({ from, limit: 20_000 });
      if (some.length === 0) break;
      events.push(...some);
    }
    await log.close();
    expect(events.map((event) => event.position)).toEqual(events.map((_event, at) => at + 1));
    expect(events.filter((event) => event.type === 'log.replaced' || event.type === 'log.gap')).toEqual([]);
    expect(events.filter((event) => event.type === 'router.started')).toHaveLength(kills + 1);
    expect(seen.size).toBeGreaterThan(kills * 5);
    const lost = [...seen].filter(([position, text]) => inOneOrder(events[position - 1]) !== text);
    expect(lost).toEqual([]);

    const runtime = createLocalRuntime({ stateDir: join(dir, 'state'), onWarning: () => {} });
    expect(await runtime.findStrays()).toEqual([]);
    await runtime.close();
    await last.dispose();
    await rm(dir, { recursive: true, force: true });
  });
}

/** The text of an event, whatever the order in which its fields came. */
function inOneOrder(event: TurnoutEvent | undefined): string {
  if (event === undefined) return 'missing';
  const { position, at, type, version, model, request, cause, data } = event;
  return JSON.stringify({ position, at, type, version, model, request, cause, data });
}

/** Two ordinary models, and one whose wrapper starts a child that changes its name and leaves its group. */
async function configFor(dir: string): Promise<string> {
  const model = (id: string, cmd: string, more = '') =>
    `  ${id}:\n    cmd: ${JSON.stringify(cmd)}\n    proxy: http://127.0.0.1:\${PORT}\n    concurrencyLimit: 1000\n${more}`;
  const wild = `bash -c ${JSON.stringify(`'${RENAMED}' ${dir}/wild.pid & exec ${fakeCommand('wild', '--tokens 2')}`)}`;
  return `
startPort: ${await freePorts(3)}
unloadTimeout: 2
models:
${model('a', fakeCommand('a', '--tokens 3'))}
${model('b', fakeCommand('b', '--tokens 3'))}
${model('wild', wild)}
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
    onEvent({ data }) {
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
