/**
 * Kills by hand, as many as wanted: `npm run kills -- --count 2000 --seed 7 --side-by-side 2`. Each lane is a turnout of its
 * own with its own state directory and seed. Ctrl-C ends it early, with a verdict on what was done. Exit code 1 when anything
 * was lost or left, and then the directory stays.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from '../../scripts/build.ts';
import { runKills } from './kills.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    'side-by-side': { type: 'string', default: '2' },
  },
});
const out = (line: string) => process.stdout.write(`${line}\n`);
const lanes = Math.max(1, Number(values['side-by-side']));
const count = Math.max(lanes, Number(values.count));
await build();
const began = performance.now();
const seconds = () => (performance.now() - began) / 1000;
let done = 0;
let enough = false;
process.once('SIGINT', () => {
  enough = true;
});

const reports = await Promise.all(
  Array.from({ length: lanes }, async (_none, lane) => {
    const kills = Math.floor(count / lanes) + (lane < count % lanes ? 1 : 0);
    const seed = Number(values.seed) + lane;
    const dir = await mkdtemp(join(tmpdir(), 'turnout-kills-'));
    const onKill = () => {
      done++;
      if (done % 20 === 0) out(`${done} of ${count} kills, ${(seconds() / done).toFixed(2)} s each`);
    };
    const report = await runKills({ kills, seed, dir, onKill, isEnough: () => enough });
    for (const fault of report.faults) out(`seed ${seed} (${dir}): ${fault}`);
    return report;
  }),
);

const sum = (of: (report: (typeof reports)[number]) => number) => reports.reduce((all, one) => all + of(one), 0);
out(`${sum((one) => one.kills)} kills in ${seconds().toFixed(0)} s, ${sum((one) => one.events)} events`);
out(`adopted: ${sum((one) => one.adopted)} loaded, ${sum((one) => one.adoptedLoading)} loading`);
out(`stopped although alive (changed, or stopping): ${sum((one) => one.stopped)}; swaps: ${sum((one) => one.swaps)}`);
out(`a start took ${(sum((one) => one.startMs) / lanes).toFixed(0)} ms in the mean`);
const faults = sum((one) => one.faults.length);
out(faults === 0 ? 'nothing was lost, nobody was left, all who could be were adopted' : `${faults} faults`);
process.exitCode = faults === 0 ? 0 : 1;
