/** Runs seeds by hand: `npm run simulation -- --seed 17 --trace`, `npm run simulation -- --from 1 --count 5000`. */
import { parseArgs } from 'node:util';
import { runSeed } from './run-seed.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
    count: { type: 'string', default: '200' },
    trace: { type: 'boolean', default: false },
  },
});
const from = values.seed === undefined ? Number(values.from) : Number(values.seed);
const count = values.seed === undefined ? Number(values.count) : 1;
const out = (line: string) => process.stdout.write(`${line}\n`);
let failed = 0;
let events = 0;
const began = performance.now();
for (let seed = from; seed < from + count; seed++) {
  const result = runSeed(seed);
  events += result.events;
  if (values.trace) for (const line of result.log) out(line);
  if (result.violations.length === 0) continue;
  failed++;
  out(
    `seed ${seed} (after ${result.steps} steps, ${result.events} events): ${result.violations.slice(0, 3).join('; ')}`,
  );
  out(`  again: npm run simulation -- --seed ${seed} --trace`);
}
out(
  `${count - failed} seeds held, ${failed} failed; ${events} events in ${((performance.now() - began) / 1000).toFixed(1)} s`,
);
process.exitCode = failed === 0 ? 0 : 1;
