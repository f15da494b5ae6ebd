/**
 * Whether a slow disk delays tokens: streams through turnout whose every commit of the event log takes 0, 20 or 200 ms
 * longer, while short requests keep the log busy. All three are measured in turn in each round.
 * Must never measure while nothing is written to the log: that would show nothing.
 */
import { Agent, request } from 'node:http';
import type { Program } from './processes.ts';
import { median, type Outcome, ratio, rotated, type Scenario, type Settings } from './scenario.ts';
import { CHUNKS_PER_SECOND, PATH, REQUEST } from './sizes.ts';
import { measureStreams, type SseSample } from './sse.ts';
import { prime, type Subject, type SubjectName, startTurnout } from './subjects.ts';

const SLOW_MS = [0, 20, 200];
const STREAMS = 200;
const EVERY_MS = 20;

interface Disk {
  name: string;
  program: Program;
  samples: SseSample[];
}

/** Sends a short request every `EVERY_MS` until it is stopped; `stop` resolves with the number of those that failed. */
function keepLogBusy(url: string): { stop(): Promise<number> } {
  const agent = new Agent({ keepAlive: true });
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(REQUEST) };
  const open = new Set<Promise<void>>();
  let failed = 0;
  const send = (): void => {
    const one = new Promise<void>((resolve) => {
      const failure = () => {
        failed++;
        resolve();
      };
      const req = request(url, { method: 'POST', agent, headers }, (res) => {
        if (res.statusCode !== 200) failed++;
        res.resume().once('end', resolve).once('error', failure);
      });
      req.once('error', failure);
      req.end(REQUEST);
    });
    open.add(one);
    void one.then(() => open.delete(one));
  };
  const timer = setInterval(send, EVERY_MS);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
      agent.destroy();
      return failed;
    },
  };
}

async function measure({ name, program, samples }: Disk, streams: number, seconds: number): Promise<string[]> {
  const errors: string[] = [];
  const busy = keepLogBusy(program.url + PATH);
  const sample = await measureStreams({ name, url: program.url, pid: program.pid }, streams, seconds);
  const failed = await busy.stop();
  if (failed > 0) errors.push(`slow-disk: ${name}: ${failed} short requests failed`);
  if (sample.errors > 0) errors.push(`slow-disk: ${name}: ${sample.errors} streams were cut or refused`);
  if (sample.chunks === 0) errors.push(`slow-disk: ${name}: no chunk at all`);
  samples.push(sample);
  return errors;
}

async function run(settings: Settings, _subjects: readonly Subject[], names: readonly SubjectName[]): Promise<Outcome> {
  if (!names.includes('turnout')) return { tables: [], errors: [] };
  const streams = settings.smoke ? 20 : STREAMS;
  const errors: string[] = [];
  const disks: Disk[] = [];
  try {
    for (const slowMs of SLOW_MS) {
      const program = await startTurnout({ bench: '' }, { slowMs });
      const name = slowMs === 0 ? 'as it is' : `${slowMs} ms a commit`;
      disks.push({ name, program, samples: [] });
      await prime(program.url);
    }
    for (let round = 0; round < settings.rounds; round++) {
      settings.progress(`slow-disk: round ${round + 1} of ${settings.rounds}`);
      for (const disk of rotated(disks, round)) errors.push(...(await measure(disk, streams, settings.seconds)));
    }
  } finally {
    for (const { program } of disks) await program.stop();
  }
  const of = ({ samples }: Disk, pick: (sample: SseSample) => number) => median(samples.map(pick));
  const usual = disks[0];
  const rows = disks.map((disk) => {
    const p99 = of(disk, (sample) => sample.p99Ms);
    return {
      name: disk.name,
      values: [
        of(disk, (sample) => sample.p50Ms),
        p99,
        of(disk, (sample) => sample.maxMs),
        usual === undefined
          ? null
          : ratio(
              p99,
              of(usual, (sample) => sample.p99Ms),
            ),
      ],
    };
  });
  const note =
    `${streams} streams of ${CHUNKS_PER_SECOND} chunks a second, beside them a short request every ${EVERY_MS} ms; ` +
    `medians of ${settings.rounds} interleaved rounds of ${settings.seconds} s`;
  const columns = ['delay p50 ms', 'delay p99 ms', 'delay max ms', 'p99 : as it is'];
  return { tables: [{ title: 'streams, and a log on a slow disk', note, columns, rows }], errors };
}

export const slowDisk: Scenario = { name: 'slow-disk', needsSubjects: false, run };
