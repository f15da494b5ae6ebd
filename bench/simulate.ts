/**
 * How long `turnout simulate` takes on a log of a million events, part by part: proving the log, asking every decision
 * again, reading the slice, and each play. Must never judge: it fails on errors only.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Outcome, Scenario } from './scenario.ts';
import { writeBenchLog } from './simulate-log.ts';

const EVENTS = 1_000_000;
const SMOKE_EVENTS = 5_000;
const BIN = fileURLToPath(new URL('../bin/turnout.js', import.meta.url));
const CONTENDERS: readonly string[][] = [[], ['builtin:budget'], ['builtin:budget', 'builtin:group']];

interface Told {
  slice: { events: number };
  replayed: { sameDecisions: boolean };
  verified: { decisions: number; same: number };
}

export const simulate: Scenario = {
  name: 'simulate',
  needsSubjects: false,
  async run({ smoke, progress }): Promise<Outcome> {
    const dir = await mkdtemp(join(tmpdir(), 'turnout-bench-'));
    try {
      progress('simulate: writing the log');
      const log = await writeBenchLog(dir, smoke ? SMOKE_EVENTS : EVENTS);
      const { size } = await stat(join(dir, 'events.db'));
      const errors: string[] = [];
      const rows: Outcome['tables'][number]['rows'] = [];
      const verified = await timed(['verify', '--state-dir', dir, '--json']);
      rows.push({ name: 'turnout verify', values: valuesOf(verified, log.events) });
      for (const policies of CONTENDERS) {
        const name = ['turnout simulate', ...policies].join(' ');
        progress(`simulate: ${name}`);
        const args = ['simulate', '--state-dir', dir, '--json', ...policies.flatMap((one) => ['--policy', one])];
        const run = await timed(args);
        const told = JSON.parse(run.out) as Told;
        if (!told.replayed.sameDecisions) errors.push(`${name}: the recorded planner decided otherwise`);
        if (told.verified.same !== told.verified.decisions) errors.push(`${name}: decisions did not come out again`);
        rows.push({ name, values: valuesOf(run, told.slice.events) });
      }
      const mib = (size / 1024 ** 2).toFixed(0);
      const note =
        `${log.events.toLocaleString('en-US')} events (${mib} MiB) of ${log.hours.toFixed(0)} virtual hours; whole commands, ` +
        'from the start of the process on: the hashes, every decision asked again, the play of the recorded planner, each contender';
      return { tables: [{ title: 'simulate', note, columns: ['seconds', 'CPU seconds', 'events/s'], rows }], errors };
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  },
};

interface Timed {
  seconds: number;
  cpuSeconds: number;
  out: string;
}

const valuesOf = ({ seconds, cpuSeconds }: Timed, events: number): (number | string)[] => {
  return [seconds, cpuSeconds, Math.round(events / seconds).toLocaleString('en-US')];
};

/** Tells what the whole process took when it ends: a machine that does other things too makes it wait, not work. */
const TELL_CPU = `data:text/javascript,process.on('exit',()=>{const{user,system}=process.cpuUsage();process.stderr.write('cpu '+(user+system))})`;

async function timed(args: string[]): Promise<Timed> {
  const began = performance.now();
  const command = ['--import', TELL_CPU, BIN, ...args];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, command, { maxBuffer: 64 * 1024 ** 2 });
  const cpuUs = Number(/cpu (\d+)/.exec(stderr)?.[1] ?? Number.NaN);
  return { seconds: (performance.now() - began) / 1_000, cpuSeconds: cpuUs / 1e6, out: stdout };
}
