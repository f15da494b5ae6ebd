/**
 * `turnout serve`: the composition root of a running turnout. Reads the configuration, opens the log, starts the kernel
 * and the HTTP side, and takes them down again in the opposite order.
 */

import type { Config } from '../../core/config/config.ts';
import { type ConfigPaths, readConfig } from '../../core/config/read.ts';
import { renderDiagnostics } from '../../core/config/render.ts';
import { TurnoutError } from '../../core/errors.ts';
import { announce } from '../instance.ts';
import { fail, print, warn } from '../output.ts';
import { type Parts, startParts } from '../parts.ts';
import { preload } from '../preload.ts';
import { createReloader } from '../reload.ts';
import { prepareStateDir, stateDirOf } from '../state-dir.ts';
import { stopOnSignals } from '../stop.ts';
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
  await run(config, { ...options, listen, tls, files: { paths, seen } });
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
  /** Called once it listens. */
  onListening?(url: string, stateDir: string): void;
}

/** Runs until it is told to stop. */
export async function run(config: Config, options: RunOptions): Promise<void> {
  const port = /:(\d+)$/.exec(options.listen)?.[1] ?? '8080';
  const named = options.stateDir !== undefined || (process.env.TURNOUT_STATE_DIR ?? '') !== '';
  const wanted = stateDirOf(options.stateDir, options.stateName ?? port);
  const { dir, fallback } = await prepareStateDir(wanted, named);
  const parts = await startParts(config, {
    stateDir: dir,
    log: fallback === null ? (options.log ?? 'sqlite') : 'none',
    tls: options.tls,
  });
  const { textLog, api, router } = parts;
  if (fallback !== null) textLog.warn(fallback);

  let listening: Awaited<ReturnType<typeof api.listen>>;
  try {
    listening = await api.listen(options.listen);
  } catch (error) {
    await parts.stop('start failed', true);
    if (error instanceof TurnoutError) return fail(error.message);
    throw error;
  }
  const { url } = listening;
  const retract = await announce({ url, pid: process.pid, stateDir: dir, startedAt: new Date().toISOString() });
  print(`turnout listening on ${url} (state in ${dir})`);
  tellWhoCanReachIt(listening.address, config, (line) => textLog.info(line));
  options.onListening?.(url, dir);
  void preload(router, config, textLog);
  const stopReloading = reloadWhenAsked(options, parts);
  await stopOnSignals(parts, textLog);
  stopReloading();
  await retract();
}

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
