/**
 * Streams: how late a chunk arrives, and the proxy's CPU time for each, at 100 and 1,000 streams at once.
 * Must never begin to measure before all streams are open.
 */
import { spawn } from 'node:child_process';
import { cpuMicros, fileOf, rssMb } from './processes.ts';
import { median, type Outcome, ratio, rotated, type Scenario, type Settings } from './scenario.ts';
import { CHUNKS_PER_SECOND, PATH } from './sizes.ts';
import type { SseResult } from './sse-client.ts';
import type { Subject } from './subjects.ts';

export interface SseSample extends SseResult {
  cpuMicros: number | null;
  rssMb: number | null;
}

/** Runs the client and takes the CPU time from the moment at which all streams are open. */
export function measureStreams(
  subject: { name: string; url: string; pid: number | null },
  streams: number,
  seconds: number,
): Promise<SseSample> {
  const cpu = () => (subject.pid === null ? null : cpuMicros(subject.pid));
  return new Promise((resolve, reject) => {
    const args = [fileOf('sse-client.ts'), subject.url + PATH, String(streams), String(seconds)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    let before: number | null = null;
    let after: number | null = null;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (output === '') before = cpu();
      output += text;
      if (output.includes('RESULT')) after = cpu();
    });
    child.once('error', reject);
    child.once('close', (code) => {
      const line = /^RESULT (.*)$/m.exec(output)?.[1];
      if (code !== 0 || line === undefined) {
        reject(new Error(`cannot measure streams of ${subject.name}: the client ended with ${code}`));
        return;
      }
      const result = JSON.parse(line) as SseResult;
      resolve({
        ...result,
        cpuMicros: before === null || after === null ? null : (after - before) / result.chunks,
        rssMb: subject.pid === null ? null : rssMb(subject.pid),
      });
    });
  });
}

async function run(settings: Settings, subjects: readonly Subject[]): Promise<Outcome> {
  const counts = settings.smoke ? [50] : [100, 1_000];
  const samples = new Map(
    counts.map((n) => [n, new Map(subjects.map(({ name }): [string, SseSample[]] => [name, []]))]),
  );
  const errors: string[] = [];
  for (let round = 0; round < settings.rounds; round++) {
    settings.progress(`sse: round ${round + 1} of ${settings.rounds}`);
    for (const streams of counts) {
      for (const subject of rotated(subjects, round)) {
        const sample = await measureStreams(subject, streams, settings.seconds);
        if (sample.errors > 0)
          errors.push(`sse: ${subject.name}, ${streams} streams: ${sample.errors} were cut or refused`);
        if (sample.chunks === 0) errors.push(`sse: ${subject.name}, ${streams} streams: no chunk at all`);
        samples.get(streams)?.get(subject.name)?.push(sample);
      }
    }
  }
  const note = `${CHUNKS_PER_SECOND} chunks a second in each; medians of ${settings.rounds} interleaved rounds of ${settings.seconds} s`;
  const tables = [...samples].map(([streams, bySubject]) => {
    const of = (name: string, pick: (sample: SseSample) => number | null) => {
      const values = (bySubject.get(name) ?? []).map(pick).filter((value) => value !== null);
      return values.length === 0 ? null : median(values);
    };
    return {
      title: `streams, ${streams} at once`,
      note,
      columns: [
        'delay p50 ms',
        'delay p99 ms',
        'delay max ms',
        'CPU us/chunk',
        'RSS MB',
        'p99 : undici',
        'CPU : undici',
      ],
      rows: [...bySubject.keys()].map((name) => ({
        name,
        values: [
          of(name, (sample) => sample.p50Ms),
          of(name, (sample) => sample.p99Ms),
          of(name, (sample) => sample.maxMs),
          of(name, (sample) => sample.cpuMicros),
          of(name, (sample) => sample.rssMb),
          ratio(
            of(name, (sample) => sample.p99Ms),
            of('undici', (sample) => sample.p99Ms),
          ),
          ratio(
            of(name, (sample) => sample.cpuMicros),
            of('undici', (sample) => sample.cpuMicros),
          ),
        ],
      })),
    };
  });
  return { tables, errors };
}

export const sse: Scenario = { name: 'sse', needsSubjects: true, run };
