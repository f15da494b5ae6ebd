/**
 * Runs seeds by hand: `npm run simulation -- --from 1 --count 5000`; one again with `--seed 17 --trace`, made small with
 * `--shrink`; `--mutant NAME` plants a deliberate bug first, and then a seed that fails is what is wanted.
 */
import { parseArgs } from 'node:util';
import type { BuiltInName } from '../../src/core/settings.ts';
import { MUTANTS, plant } from './mutants.ts';
import { FAULTS, type Fault, type Tweak } from './tweak.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
    count: { type: 'string', default: '200' },
    world: { type: 'string' },
    clients: { type: 'string' },
    planner: { type: 'string' },
    off: { type: 'string' },
    mutant: { type: 'string' },
    trace: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
  },
});
const out = (line: string) => process.stdout.write(`${line}\n`);

if (values.mutant !== undefined) plant(values.mutant);
const { runSeed } = await import('./run-seed.ts');
const { failureReport, trace } = await import('./report.ts');

const tweak: Tweak = {};
if (values.world !== undefined) tweak.world = Number(values.world);
if (values.clients !== undefined) tweak.clients = Number(values.clients);
if (values.planner !== undefined) tweak.planner = plannerOf(values.planner);
if (values.off !== undefined) tweak.off = values.off.split(',').map(fault);

const from = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.count) : 1;
const began = performance.now();
let failed = 0;
let events = 0;
for (let seed = from; seed < from + count; seed++) {
  const result = runSeed(seed, tweak);
  events += result.events;
  if (values.trace) for (const line of trace(result)) out(line);
  if (result.violations.length === 0) continue;
  failed++;
  if (values.mutant !== undefined && !values.shrink) {
    out(`found by seed ${seed}: ${result.violations[0]}`);
    break;
  }
  out(values.shrink || count > 1 ? failureReport(seed, tweak) : `seed ${seed}: ${result.violations.join('; ')}`);
}
const seconds = ((performance.now() - began) / 1000).toFixed(1);
if (values.mutant === undefined) {
  out(`${count - failed} seeds held, ${failed} failed; ${events} events in ${seconds} s`);
  process.exitCode = failed === 0 ? 0 : 1;
} else if (failed === 0) {
  out(`${count} seeds did not find "${MUTANTS[values.mutant]?.bug}"`);
  process.exitCode = 1;
}

function plannerOf(text: string): BuiltInName {
  if (text === 'group' || text === 'matrix' || text === 'budget') return text;
  throw new Error(`option "--planner" expects group, matrix or budget, got "${text}"`);
}

function fault(text: string): Fault {
  const known = FAULTS.find((one) => one === text);
  if (known === undefined) throw new Error(`option "--off" expects faults among ${FAULTS.join(', ')}, got "${text}"`);
  return known;
}
