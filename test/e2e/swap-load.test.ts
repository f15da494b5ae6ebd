/** Many clients, four models that take turns, clients that leave: nobody else loses anything, never two models at once. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fold } from '../../src/core/evolve.ts';
import { seededRandom } from '../../src/core/simulation/random.ts';
import { fakeConfig } from '../support/fake-models.ts';
import { freePorts } from '../support/ports.ts';
import { startTurnout, type Turnout } from '../support/turnout.ts';

const MODELS = ['a', 'b', 'c', 'd'];
const REQUESTS = 300;

let turnout: Turnout;
let pids: string;

beforeAll(async () => {
  pids = await mkdtemp(join(tmpdir(), 'turnout-pids-'));
  const models = Object.fromEntries(
    MODELS.map((id) => [
      id,
      {
        flags: `--tokens 3 --tokens-per-second 100 --load-ms 30 --pid-file-dir '${pids}'`,
        more: ['concurrencyLimit: 500'],
      },
    ]),
  );
  turnout = await startTurnout({ config: fakeConfig(await freePorts(MODELS.length), models) });
});

afterAll(async () => {
  await turnout.dispose();
  await rm(pids, { recursive: true, force: true });
});

describe('300 requests over four models of one swap group', () => {
  it('are all answered 200 but those that were cancelled, with never two models alive', {
    timeout: 120_000,
  }, async () => {
    const random = seededRandom(20_261_122);
    let watching = true;
    let most = 0;
    const watch = (async () => {
      while (watching) {
        const alive = new Set((await readdir(pids)).map((name) => name.split('.')[0]));
        most = Math.max(most, alive.size);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();

    const requests = Array.from({ length: REQUESTS }, async () => {
      const model = random.pick(MODELS);
      const abort = new AbortController();
      const leavesAfter = random.chance(0.25) ? random.int(0, 3_000) : null;
      const startsAfter = random.int(0, 4_000);
      await new Promise((resolve) => setTimeout(resolve, startsAfter));
      if (leavesAfter !== null) setTimeout(() => abort.abort(), leavesAfter);
      try {
        const body = { model, stream: random.chance(0.5), messages: [{ role: 'user', content: 'hi' }] };
        const response = await turnout.post('/v1/chat/completions', body, { signal: abort.signal });
        const text = await response.text();
        return { status: response.status, whole: text.includes(model), cancelled: false };
      } catch (error) {
        if (!abort.signal.aborted) throw error;
        return { status: 0, whole: false, cancelled: true };
      }
    });
    const answers = await Promise.all(requests);
    watching = false;
    await watch;

    const kept = answers.filter((answer) => !answer.cancelled);
    expect(kept.length).toBeGreaterThan(200);
    expect(kept.filter((answer) => answer.status !== 200 || !answer.whole)).toEqual([]);
    expect(most).toBe(1);

    const events = await turnout.events();
    expect(events.map((event) => event.position)).toEqual(events.map((_event, at) => at + 1));
    const state = fold(events);
    expect(state.swaps.size).toBe(0);
    expect((await turnout.get('/health')).status).toBe(200);
    await turnout.stop();
    expect(await readdir(pids)).toEqual([]);
  });
});
