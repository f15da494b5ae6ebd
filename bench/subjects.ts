/**
 * What is compared: no proxy at all, the two bare ones, and turnout with its log on and off.
 * Must never give one of them an advantage: same upstream program, same request, all started before the first round.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../src/cli/free-ports.ts';
import { fileOf, type Program, startProgram } from './processes.ts';
import { PATH, REQUEST } from './sizes.ts';

export const SUBJECT_NAMES = ['direct', 'http-proxy', 'undici', 'turnout', 'turnout-no-log'] as const;
export type SubjectName = (typeof SUBJECT_NAMES)[number];

export interface Subject {
  name: SubjectName;
  url: string;
  /** The proxy's process; null for `direct`, which has none. */
  pid: number | null;
}

/** A port that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Below those that the system gives to connections: the port of a model that is stopped must not be taken by one. */
const MODEL_PORTS = 19_000;

/** `slow`: every commit of the log takes so many ms longer. */
export type LogKind = 'on' | 'off' | { slowMs: number };

/** turnout with these models (name to further arguments of the upstream), all in one swap group. */
export async function startTurnout(models: Record<string, string>, log: LogKind): Promise<Program> {
  const dir = await mkdtemp(join(tmpdir(), 'turnout-bench-'));
  const config = join(dir, 'config.yaml');
  const lines = [`startPort: ${await freePorts(MODEL_PORTS, Object.keys(models).length)}`, 'models:'];
  for (const [name, args] of Object.entries(models)) {
    const cmd = `"${process.execPath}" "${fileOf('upstream.ts')}" --port \${PORT} ${args}`;
    lines.push(`  ${name}:`, `    cmd: ${JSON.stringify(cmd)}`, `    proxy: http://127.0.0.1:\${PORT}`);
    lines.push('    concurrencyLimit: 10000');
  }
  await writeFile(config, `${lines.join('\n')}\n`);
  const files = ['--config', config, '--state-dir', join(dir, 'state')];
  const serve = [fileOf('../bin/turnout.js'), 'serve', ...files, '--listen', '127.0.0.1:0'];
  const remove = () => rm(dir, { recursive: true, force: true });
  try {
    const program = await startProgram(
      log === 'on'
        ? serve
        : log === 'off'
          ? [...serve, '--log', 'none']
          : [fileOf('slow-disk-turnout.ts'), ...files, '--slow-ms', String(log.slowMs)],
    );
    return { ...program, stop: () => program.stop().finally(remove) };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** One request, so that a model is loaded and every connection pool exists before anything is measured. */
export async function prime(url: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url + PATH, { method: 'POST', headers, body: REQUEST });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`cannot use "${url}": expected 200, got ${response.status} ${text}`);
}

/** Starts all of `names`; `stop` ends whatever has been started, even after a failure. */
export async function startSubjects(names: readonly SubjectName[]) {
  const programs: Program[] = [];
  const stop = async () => {
    // Proxies before the upstream that they are connected to.
    for (const program of programs.splice(0).reverse()) await program.stop();
  };
  const keep = async (starting: Promise<Program>) => {
    const program = await starting;
    programs.push(program);
    return program;
  };
  try {
    const upstream = await keep(startProgram([fileOf('upstream.ts')]));
    const start: Record<SubjectName, () => Promise<{ url: string; pid: number | null }>> = {
      direct: async () => ({ url: upstream.url, pid: null }),
      'http-proxy': () => keep(startProgram([fileOf('bare-http-proxy.ts'), '--upstream', upstream.url])),
      undici: () => keep(startProgram([fileOf('bare-undici.ts'), '--upstream', upstream.url])),
      turnout: () => keep(startTurnout({ bench: '' }, 'on')),
      'turnout-no-log': () => keep(startTurnout({ bench: '' }, 'off')),
    };
    const subjects: Subject[] = [];
    for (const name of names) {
      const { url, pid } = await start[name]();
      await prime(url);
      subjects.push({ name, url, pid });
    }
    return { subjects, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
