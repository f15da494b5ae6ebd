/**
 * Requests that are not streamed: how many a second, how long they take, and the proxy's CPU time for each, at one
 * connection and at 32.
 * Must never compare figures of different rounds: medians of interleaved rounds only.
 */
import { chooseLoad, type LoadResult } from './load.ts';
import { cpuMicros, rssMb } from './processes.ts';
import { median, type Outcome, ratio, rotated, type Scenario, type Settings, type Table } from './scenario.ts';
import { ANSWER, REQUEST } from './sizes.ts';
import type { Subject } from './subjects.ts';

const CONNECTIONS = [1, 32];

interface Sample extends LoadResult {
  cpuMicros: number | null;
  rssMb: number | null;
}

interface Medians {
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  cpuMicros: number | null;
  rssMb: number | null;
}

function mediansOf(samples: readonly Sample[]): Medians {
  const of = (pick: (sample: Sample) => number | null) => {
    return median(samples.map(pick).filter((value) => value !== null));
  };
  const orNull = (value: number) => (Number.isNaN(value) ? null : value);
  return {
    requestsPerSecond: of((sample) => sample.requestsPerSecond),
    p50Ms: of((sample) => sample.p50Ms),
    p99Ms: of((sample) => sample.p99Ms),
    cpuMicros: orNull(of((sample) => sample.cpuMicros)),
    rssMb: orNull(of((sample) => sample.rssMb)),
  };
}

function tableOf(connections: number, bySubject: ReadonlyMap<string, Sample[]>, note: string): Table {
  const all = new Map([...bySubject].map(([name, samples]) => [name, mediansOf(samples)]));
  const direct = all.get('direct');
  const undici = all.get('undici');
  return {
    title: `requests, ${connections} connection${connections === 1 ? '' : 's'}`,
    note,
    columns: ['req/s', 'p50 ms', 'p99 ms', 'CPU us/req', 'RSS MB', 'req/s : direct', 'req/s : undici', 'CPU : undici'],
    rows: [...all].map(([name, own]) => ({
      name,
      values: [
        own.requestsPerSecond,
        own.p50Ms,
        own.p99Ms,
        own.cpuMicros,
        own.rssMb,
        ratio(own.requestsPerSecond, direct?.requestsPerSecond),
        ratio(own.requestsPerSecond, undici?.requestsPerSecond),
        ratio(own.cpuMicros, undici?.cpuMicros),
      ],
    })),
  };
}

async function run(settings: Settings, subjects: readonly Subject[]): Promise<Outcome> {
  const load = chooseLoad();
  const samples = new Map(
    CONNECTIONS.map((n) => [n, new Map(subjects.map(({ name }): [string, Sample[]] => [name, []]))]),
  );
  const errors: string[] = [];
  const measure = async (subject: Subject, connections: number, seconds: number): Promise<Sample> => {
    const before = subject.pid === null ? null : cpuMicros(subject.pid);
    const result = await load.run(subject.url, connections, seconds);
    const after = subject.pid === null ? null : cpuMicros(subject.pid);
    const where = `${subject.name}, ${connections} connections`;
    if (result.errors > 0) errors.push(`requests: ${where}: ${result.errors} errors`);
    if (result.non2xx > 0) errors.push(`requests: ${where}: ${result.non2xx} answers that are not 2xx`);
    if (result.requests === 0) errors.push(`requests: ${where}: no answer at all`);
    return {
      ...result,
      cpuMicros: before === null || after === null ? null : (after - before) / result.requests,
      rssMb: subject.pid === null ? null : rssMb(subject.pid),
    };
  };
  try {
    if (!settings.smoke) {
      settings.progress('requests: warming up');
      for (const subject of subjects) await measure(subject, 32, 2);
    }
    for (let round = 0; round < settings.rounds; round++) {
      settings.progress(`requests: round ${round + 1} of ${settings.rounds}`);
      for (const connections of CONNECTIONS) {
        for (const subject of rotated(subjects, round)) {
          const sample = await measure(subject, connections, settings.seconds);
          samples.get(connections)?.get(subject.name)?.push(sample);
        }
      }
    }
  } finally {
    load.close();
  }
  const note =
    `POST of ${REQUEST.length} bytes, answer of ${ANSWER.length} bytes; load by ${load.by}; ` +
    `medians of ${settings.rounds} interleaved rounds of ${settings.seconds} s`;
  return { tables: [...samples].map(([connections, own]) => tableOf(connections, own, note)), errors };
}

export const requests: Scenario = { name: 'requests', needsSubjects: true, run };
