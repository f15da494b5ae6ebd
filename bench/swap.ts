/**
 * What a swap costs beyond the model's own time to ready: two models in one group are asked in turn, and the time to the
 * first byte is compared with the time in which the same command, started by hand, answers its health check.
 * Must never count the stop of the evicted model as the model's own time: it is part of what turnout adds.
 */
import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { fileOf } from './processes.ts';
import { median, type Outcome, type Scenario, type Settings } from './scenario.ts';
import { PATH, REQUEST } from './sizes.ts';
import { freePort, type Subject, type SubjectName, startTurnout } from './subjects.ts';

const LOAD_MS = 100;
const SWAPS_PER_ROUND = 6;

function healthy(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const req = request({ host: '127.0.0.1', port, path: '/health', agent: false }, (res) => {
      res.resume();
      resolve(res.statusCode === 200);
    });
    // Refused: it does not listen yet.
    req.on('error', () => resolve(false));
    req.end();
  });
}

/** From spawn to the first healthy answer, asked every other millisecond. */
async function ownTimeMs(): Promise<number> {
  const port = await freePort();
  const args = [fileOf('upstream.ts'), '--port', String(port), '--load-ms', String(LOAD_MS)];
  const begin = performance.now();
  const child = spawn(process.execPath, args, { stdio: 'ignore', detached: true });
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  while (!(await healthy(port))) {
    if (child.exitCode !== null) throw new Error(`cannot start the upstream: it ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const took = performance.now() - begin;
  child.kill('SIGKILL');
  await exit;
  return took;
}

/** From sending a request to the first byte of its answer. */
function firstByteMs(url: string, model: string): Promise<{ ms: number; status: number }> {
  const body = REQUEST.replace('"model":"bench"', `"model":"${model}"`);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const begin = performance.now();
    const req = request(url + PATH, { method: 'POST', headers, agent: false }, (res) => {
      const ms = performance.now() - begin;
      res.resume().once('end', () => resolve({ ms, status: res.statusCode ?? 0 }));
      res.once('error', reject);
    });
    req.once('error', reject);
    req.end(body);
  });
}

async function run(settings: Settings, _subjects: readonly Subject[], names: readonly SubjectName[]): Promise<Outcome> {
  const kinds = names.filter((name) => name === 'turnout' || name === 'turnout-no-log');
  const swaps = settings.smoke ? 2 : SWAPS_PER_ROUND;
  const own: number[] = [];
  const taken = new Map(kinds.map((name): [string, number[]] => [name, []]));
  const errors: string[] = [];
  for (let round = 0; round < settings.rounds; round++) {
    settings.progress(`swap: round ${round + 1} of ${settings.rounds}`);
    for (let i = 0; i < swaps; i++) own.push(await ownTimeMs());
    for (const name of kinds) {
      const more = `--load-ms ${LOAD_MS}`;
      const turnout = await startTurnout({ a: more, b: more }, name === 'turnout' ? 'on' : 'off');
      try {
        // The first request finds nothing to evict, so it is not a swap.
        await firstByteMs(turnout.url, 'b');
        for (let i = 0; i < swaps; i++) {
          const { ms, status } = await firstByteMs(turnout.url, i % 2 === 0 ? 'a' : 'b');
          if (status !== 200) errors.push(`swap: ${name}: expected 200, got ${status}`);
          taken.get(name)?.push(ms);
        }
      } finally {
        await turnout.stop();
      }
    }
  }
  const ownMs = median(own);
  const table = {
    title: 'swaps, request to first byte',
    note: `models that load for ${LOAD_MS} ms; medians of ${settings.rounds} rounds of ${swaps} swaps`,
    columns: ['median ms', 'beyond the model ms', 'slowest ms'],
    rows: [
      { name: 'model alone', values: [ownMs, null, Math.max(...own)] },
      ...[...taken].map(([name, values]) => ({
        name,
        values: [median(values), median(values) - ownMs, Math.max(...values)],
      })),
    ],
  };
  return { tables: kinds.length === 0 ? [] : [table], errors };
}

export const swap: Scenario = { name: 'swap', needsSubjects: false, run };
