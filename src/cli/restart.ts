/**
 * `turnout restart`, SIGUSR2 and `POST /api/restart`: this process becomes its successor, perhaps a newer version, with the
 * same pid. Nothing is refused: requests are served until none is open, whoever connects meanwhile waits in the queue of
 * the socket, models stay loaded and are adopted. What cannot come up is found out before, and then nothing changes.
 */
import { execFile } from 'node:child_process';
import { setTimeout as after } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { RestartAnswer } from '../api/context.ts';
import { type ConfigPaths, readConfig } from '../core/config/read.ts';
import { renderDiagnostics } from '../core/config/render.ts';
import { LIMITS } from '../core/limits.ts';
import { becomeSuccessor, type Holder, holdSocket, whyNoSuccessor } from './handover.ts';
import type { Parts } from './parts.ts';
import { type Stopping, whyNotKept } from './stop.ts';

export interface RestartOptions {
  parts: Parts;
  /** Files of the configuration; null when it does not come from files. */
  paths: ConfigPaths | null;
  /** `host:port` that it listens on. */
  listen: string;
  stateDir: string;
  stopping: Pick<Stopping, 'isStopping' | 'handOver' | 'remembered'>;
}

const NOTE = 'restart';
const LOOK_MS = 10;

/** The function that restarts; it resolves when that is decided, and what follows cannot be called off. */
export function createRestarter(options: RestartOptions): (by: string) => Promise<RestartAnswer> {
  const { textLog, router } = options.parts;
  let deciding = false;

  async function decide(): Promise<RestartAnswer | Holder> {
    const why = whyNoSuccessor() ?? whyNotKept(options.parts);
    if (why !== null) return { ok: false, why, diagnostics: [] };
    const refusal = await whyRefused(options.paths);
    if (refusal !== null) return refusal;
    try {
      return await holdSocket(options.parts.api.server);
    } catch (error) {
      return { ok: false, why: (error as Error).message, diagnostics: [] };
    }
  }

  return async (by) => {
    if (options.stopping.isStopping()) return { ok: false, why: 'turnout is stopping', diagnostics: [] };
    if (deciding) return { ok: false, why: 'a restart is under way', diagnostics: [] };
    deciding = true;
    // while the program is checked, clients let go of the connections that they keep
    options.parts.api.lastAnswers(true);
    const decided = await decide();
    if ('ok' in decided) {
      deciding = false;
      options.parts.api.lastAnswers(false);
      tellRefusal(options, by, decided);
      return decided;
    }
    router.note(NOTE, null);
    textLog.info(`${by}: handing over to a successor, models stay loaded`);
    // the answer to who asked goes out before the connections are waited for
    setImmediate(() => void handOver(options, decided));
    return { ok: true };
  };
}

function tellRefusal({ parts: { router, textLog } }: RestartOptions, by: string, answer: RestartAnswer): void {
  if (answer.ok) return;
  const { why, diagnostics } = answer;
  router.note(NOTE, `not restarted: ${why}`, diagnostics);
  const shown = diagnostics.length === 0 ? '' : `\n${renderDiagnostics(diagnostics)}`;
  textLog.warn(`${by}: not restarted, this turnout goes on: ${why}${shown}`);
}

/** Reads the configuration, and lets the program that is there now read it too: after an upgrade it is another one. */
async function whyRefused(paths: ConfigPaths | null): Promise<(RestartAnswer & { ok: false }) | null> {
  if (paths !== null) {
    const result = await readConfig(paths);
    if ('errors' in result) {
      const why = `the configuration has ${result.errors.length} errors`;
      return { ok: false, why, diagnostics: [...result.errors, ...result.warnings] };
    }
  }
  const files = paths === null ? ['--version'] : ['check', ...checkArgs(paths)];
  const args = [...process.execArgv, process.argv[1] ?? '', ...files];
  try {
    await promisify(execFile)(process.execPath, args, { timeout: LIMITS.restartCheckMs, killSignal: 'SIGKILL' });
    return null;
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    const said = `${stderr}${stdout}`.trim().slice(0, 2_000) || message;
    return { ok: false, why: `the program that would take over does not start with it: ${said}`, diagnostics: [] };
  }
}

function checkArgs({ config, configDir }: ConfigPaths): string[] {
  return [...(config === undefined ? [] : [config]), ...(configDir === undefined ? [] : ['--config-dir', configDir])];
}

async function handOver(options: RestartOptions, holder: Holder): Promise<never | void> {
  const { parts, listen, stateDir, stopping } = options;
  await quietMoment(options);
  if (stopping.isStopping()) return holder.end();
  stopping.handOver();
  let socket = false;
  const since = Date.now();
  const takenDown = async (): Promise<void> => {
    await parts.api.release(LIMITS.shutdownMs);
    await parts.stop('restart', { keep: true });
    // nothing of this program opens files any more
    socket = await holder.place();
    await holder.end();
  };
  try {
    await Promise.race([takenDown(), after(LIMITS.shutdownMs + LIMITS.shutdownBackstopMs, undefined, { ref: false })]);
  } catch (error) {
    // half taken down it is of no use: the successor finds what is left, as after a kill
    parts.textLog.error(`restart: ${error instanceof Error ? error.message : error}`);
  }
  becomeSuccessor({ listen, stateDir, socket, since, signal: stopping.remembered() });
}

/**
 * Serves on until nothing is being answered, started or stopped, so that nobody has to wait for the end of a long answer;
 * but not for ever.
 */
async function quietMoment({ parts: { router }, stopping }: RestartOptions): Promise<void> {
  const until = performance.now() + LIMITS.restartGapMs;
  const isQuiet = (): boolean => {
    const { requests, alive, models } = router.state();
    if (requests.size > 0) return false;
    return ![...alive].some((id) => {
      const run = models.get(id)?.run;
      return run?.phase === 'stopping' || run?.pid === null;
    });
  };
  while (!isQuiet() && performance.now() < until && !stopping.isStopping()) await after(LOOK_MS);
}
