/**
 * `turnout serve`: the composition root of a running turnout. Reads the configuration, opens the log, starts the kernel
 * and the HTTP side, and takes them down again in the opposite order.
 */

import { flushCompileCache } from 'node:module';
import type { ApiOptions, RestartAnswer } from '../../api/context.ts';
import type { Listening } from '../../api/listen.ts';
import type { Config } from '../../core/config/config.ts';
import { type ConfigPaths, readConfig } from '../../core/config/read.ts';
import { renderDiagnostics } from '../../core/config/render.ts';
import { TurnoutError } from '../../core/errors.ts';
import { HANDED_SOCKET, type Handover, takeHandover } from '../handover.ts';
import { announce } from '../instance.ts';
import { fail, print, warn } from '../output.ts';
import { type Parts, startParts } from '../parts.ts';
import { preload } from '../preload.ts';
import { createReloader } from '../reload.ts';
import { createRestarter } from '../restart.ts';
import { prepareStateDir, stateDirOf } from '../state-dir.ts';
import { keepsModels, leftWords, stopOnSignals } from '../stop.ts';
import { readTls } from '../tls.ts';
import { fingerprint, watchConfig } from '../watch-config.ts';

export interface ServeOptions {
  config?: string;
  configDir?: string;
  listen?: string;
  tlsCertFile?: string;
  tlsKeyFile?: string;
  watchConfig?: boolean;
  stateDir?: string;
  log?: 'sqlite' | 'none';
}

/** Start-up checks in the order of spec 1.1; each failure says what is wrong and exits 1. */
export async function serve(options: ServeOptions): Promise<void> {
  const handover = beginAsSuccessor();
  if (options.config === undefined && options.configDir === undefined) {
    return fail('no configuration: give --config FILE or --config-dir DIR, or try "turnout demo"');
  }
  const tls = await readTls(options.tlsCertFile, options.tlsKeyFile);
  const paths = { config: options.config, configDir: options.configDir };
  const seen = options.watchConfig === true ? await fingerprint(paths) : null;
  const result = await readConfig(paths);
  if ('errors' in result) {
    warn(renderDiagnostics([...result.errors, ...result.warnings], { colour: process.stderr.hasColors?.() ?? false }));
    process.exitCode = 1;
    return;
  }
  const { config } = result;
  if (config.warnings.length > 0) {
    warn(renderDiagnostics(config.warnings, { colour: process.stderr.hasColors?.() ?? false }));
  }
  const listen = options.listen ?? (tls === null ? ':8080' : ':8443');
  await run(config, { ...options, listen, tls, handover, files: { paths, seen } });
}

export interface RunOptions {
  listen: string;
  stateDir?: string;
  /** Name of the default state directory; the listen port if not given. */
  stateName?: string;
  log?: 'sqlite' | 'none';
  watchConfig?: boolean;
  /** Files that a reload reads again, and what they were like before they were read; without them there is none. */
  files?: { paths: ConfigPaths; seen: string | null };
  tls: { cert: Buffer; key: Buffer } | null;
  /** What the turnout before, which has become this one, left for it. */
  handover: Handover | null;
  /** Called once it listens. */
  onListening?(url: string, stateDir: string): void;
}

const NOT_YET: RestartAnswer = { ok: false, why: 'turnout is starting', diagnostics: [] };

/** Runs until it is told to stop. */
export async function run(config: Config, options: RunOptions): Promise<void> {
  const port = /:(\d+)$/.exec(options.listen)?.[1] ?? '8080';
  const named = options.stateDir !== undefined || (process.env.TURNOUT_STATE_DIR ?? '') !== '';
  const { handover } = options;
  const wanted = handover?.stateDir ?? stateDirOf(options.stateDir, options.stateName ?? port);
  const { dir, fallback } = await prepareStateDir(wanted, named);
  const parts = await startParts(config, {
    stateDir: dir,
    log: fallback === null ? (options.log ?? 'sqlite') : 'none',
    tls: options.tls,
    handedOver: handover !== null,
    restart: (by) => restart(by),
  });
  const { textLog, router } = parts;
  if (fallback !== null) textLog.warn(fallback);

  let restart: NonNullable<ApiOptions['restart']> = async () => NOT_YET;
  let listening: Listening;
  try {
    listening = await listen(parts, options);
  } catch (error) {
    await parts.stop('start failed', { force: true, keep: keepsModels(parts, 'SIGTERM') });
    if (error instanceof TurnoutError) return fail(error.message);
    throw error;
  }
  const { url } = listening;
  const retract = await announce({ url, pid: process.pid, stateDir: dir, startedAt: new Date().toISOString() });
  print(`turnout listening on ${url} (state in ${dir})`);
  tellWhoCanReachIt(listening.address, config, (line) => textLog.info(line));
  options.onListening?.(url, dir);
  // Node writes it at the end of a program, which one that is killed, or becomes its successor, never reaches: the next
  // start, for which connections may wait, takes half the time with it
  flushCompileCache();
  // a successor begins with what is loaded
  if (handover === null) void preload(router, config, textLog);
  else textLog.info(`took over; new connections waited for at most ${Date.now() - handover.since} ms`);
  const stopReloading = reloadWhenAsked(options, parts);
  const stopping = stopOnSignals(parts, textLog);
  const paths = options.files?.paths ?? null;
  restart = createRestarter({ parts, paths, listen: hostPort(listening), stateDir: dir, stopping });
  onRestartWish = () => void restart('SIGUSR2');
  if (restartWished) onRestartWish();
  if (handover?.signal != null) stopping.stop(handover.signal);
  await stopping.stopped;
  stopReloading();
  await retract();
  const left = leftWords(parts);
  if (left !== null) print(left);
}

/**
 * Reads what was handed over. A SIGUSR2 that comes before this turnout can restart waits until it can; a successor, whose
 * models run, is not ended by a signal before it can stop them.
 */
export function beginAsSuccessor(): Handover | null {
  process.on('SIGUSR2', () => onRestartWish());
  const handover = takeHandover();
  if (handover !== null)
    for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => (handover.signal ??= signal));
  return handover;
}

let restartWished = false;
let onRestartWish = (): void => {
  restartWished = true;
};

/** On the socket that was handed over, else on a new one. */
async function listen({ api, textLog }: Parts, { handover, listen: wanted }: RunOptions): Promise<Listening> {
  if (handover?.socket === true) {
    try {
      return await api.listenOnInherited(HANDED_SOCKET);
    } catch (error) {
      textLog.warn(`${(error as Error).message}; listening anew`);
    }
  }
  return api.listen(handover?.listen ?? wanted);
}

const hostPort = ({ address, port }: Listening) => `${address.includes(':') ? `[${address}]` : address}:${port}`;

/** SIGHUP, and with `--watch-config` every change of the files (spec 1.3, 1.4). Returns the way to stop. */
function reloadWhenAsked({ files, watchConfig: watch }: RunOptions, { router, textLog }: Parts): () => void {
  if (files === undefined) {
    const onHangup = () => textLog.warn('SIGHUP: the demo has no configuration file to reload');
    process.on('SIGHUP', onHangup);
    return () => process.off('SIGHUP', onHangup);
  }
  const { paths, seen } = files;
  const reload = createReloader({ paths, router, textLog });
  const onHangup = () => void reload('SIGHUP');
  process.on('SIGHUP', onHangup);
  const stopWatching =
    watch === true ? watchConfig(paths, seen, () => void reload('the configuration changed')) : () => {};
  return () => {
    stopWatching();
    process.off('SIGHUP', onHangup);
  };
}

function tellWhoCanReachIt(address: string, config: Config, say: (line: string) => void): void {
  if (/^(127\.|::1$)/.test(address)) return;
  const keys = config.apiKeys.length > 0 ? 'an API key is asked for' : 'no API key is asked for (set apiKeys)';
  say(`reachable from the network on ${address}, ${keys}; --listen 127.0.0.1:PORT keeps it to this machine`);
}
