/** A real turnout with real processes runs for some seconds; what it recorded is played again, and comes out the same. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { startParts } from '../../src/cli/parts.ts';
import { loadConfig } from '../../src/core/config/load.ts';
import { seededRandom } from '../../src/core/simulation/random.ts';
import { fakeConfig } from '../support/fake-models.ts';
import { freePorts } from '../support/ports.ts';
import { BIN } from '../support/turnout.ts';

const MODELS = ['a', 'b', 'c'];
const BUDGET = `turnout:
  planner: budget
  devices: { gpu0: 24GiB }
`;

interface Figures {
  requests: number;
  swaps: number;
  waitTotalMs: number;
  waitP50Ms: number;
  waitP95Ms: number;
  waitMaxMs: number;
}

interface Told {
  verified: { decisions: number; same: number; notReproducible: object };
  recorded: Figures;
  replayed: { sameDecisions: boolean; figures: Figures; broken: string[] };
  contenders: { name: string; figures: { swaps: number; decisions: number; faults: object }; broken: string[] }[];
}

/** Requests over three models for a few seconds, some of which give up; then an orderly end. */
async function record(stateDir: string, tail: string): Promise<void> {
  const models = Object.fromEntries(
    MODELS.map((id, n) => [
      id,
      {
        flags: `--tokens ${3 + n} --tokens-per-second 50 --load-ms ${40 + 30 * n}`,
        more: [`ttl: ${n === 0 ? 1 : 0}`, `turnout: { memory: ${8 + 4 * n}GiB }`],
      },
    ]),
  );
  const text = fakeConfig(await freePorts(MODELS.length), models, tail).replace(
    'logToStdout: proxy',
    'logToStdout: none',
  );
  const result = loadConfig([{ file: join(stateDir, 'config.yaml'), text }]);
  if (!('config' in result)) throw new Error(JSON.stringify(result.errors));
  const parts = await startParts(result.config, { stateDir, log: 'sqlite', tls: null });
  try {
    const { url } = await parts.api.listen('127.0.0.1:0');
    const random = seededRandom(8);
    const requests = Array.from({ length: 60 }, async () => {
      const [model, startsAfter] = [random.pick(MODELS), random.int(0, 4_000)];
      const leavesAfter = random.chance(0.15) ? random.int(20, 800) : null;
      await new Promise((resolve) => setTimeout(resolve, startsAfter));
      const signal = leavesAfter === null ? null : AbortSignal.timeout(leavesAfter);
      const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }] });
      const headers = { 'content-type': 'application/json' };
      try {
        const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', body, headers, signal });
        await response.text();
      } catch (error) {
        if (signal?.aborted !== true) throw error;
      }
    });
    await Promise.all(requests);
    await parts.router.unload([], 'tester');
  } finally {
    await parts.stop('test');
  }
}

async function simulate(dir: string, ...args: string[]): Promise<Told> {
  const command = [BIN, 'simulate', '--state-dir', dir, '--json', ...args];
  const { stdout } = await promisify(execFile)(process.execPath, command, { maxBuffer: 64 * 1024 ** 2 });
  return JSON.parse(stdout) as Told;
}

it.each([
  ['group', ''],
  ['budget', BUDGET],
])(
  'decides the same again, decision by decision, with the same figures: %s planner',
  { timeout: 120_000 },
  async (_name, tail) => {
    const dir = await mkdtemp(join(tmpdir(), 'turnout-simulate-'));
    try {
      await record(dir, tail);
      const told = await simulate(dir, '--policy', 'builtin:group');
      expect(told.recorded.requests).toBe(60);
      expect(told.recorded.swaps).toBeGreaterThan(5);
      expect(told.verified.same).toBe(told.verified.decisions);
      const { waitTotalMs, waitP50Ms: _p50, waitP95Ms: _p95, waitMaxMs: _max, ...counts } = told.recorded;
      expect(told.replayed).toMatchObject({ sameDecisions: true, figures: counts, broken: [] });
      // a wake-up at which nothing happened leaves no trace in the log, so the one after it may be off by a moment
      expect(Math.abs(told.replayed.figures.waitTotalMs - waitTotalMs)).toBeLessThan(told.recorded.requests);
      expect(told.contenders.map(({ broken }) => broken)).toEqual([[]]);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  },
);

it('plays a recorded policy again in the real host, and another one against it', { timeout: 120_000 }, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'turnout-simulate-'));
  const policy = (name: string, body: string) =>
    writeFile(join(dir, name), `export default { name: '${name}', apiVersion: 1, plan(view) { ${body} } };\n`);
  try {
    await policy('usual.js', "return { action: 'delegate', reason: 'as usual' };");
    await policy('refuses.js', "return { action: 'reject', status: 503, reason: 'never' };");
    await record(dir, 'turnout:\n  planner: policy\n  policy: { file: usual.js }\n');
    const told = await simulate(dir, '--policy', join(dir, 'refuses.js'));
    expect(told.verified.same).toBeGreaterThan(5);
    expect(told.verified.same).toBe(told.verified.decisions);
    expect(told.replayed.broken).toEqual([]);
    const [refuses] = told.contenders;
    expect(refuses?.figures).toMatchObject({ swaps: 0, faults: {} });
    expect(refuses?.figures.decisions).toBeGreaterThan(0);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
