/** The parts of a running turnout, put together; the only place that knows which implementation stands behind each seam. */
import type { Api } from '../api/api.ts';
import type { ApiOptions } from '../api/context.ts';
import type { Config } from '../core/config/config.ts';
import type { OpenedLog } from '../core/log/log.ts';
import { openMemoryLog } from '../core/log/memory.ts';
import { openSqliteLog } from '../core/log/sqlite.ts';
import type { LogFault } from '../core/log/sqlite-fault.ts';
import { probeHealth } from '../core/runtime/health.ts';
import { startRouter } from '../core/runtime/kernel.ts';
import { createLocalRuntime } from '../core/runtime/local/local.ts';
import { followOutput, readOutput } from '../core/runtime/local/output-read.ts';
import { readBootId } from '../core/runtime/local/proc.ts';
import { narrate } from '../core/runtime/narrate.ts';
import type { Router } from '../core/runtime/router.ts';
import { createTextLog, type TextLog } from '../core/runtime/text-log.ts';
import { builtInPlanner } from '../policies/built-in.ts';
import { digestKey } from './state-dir.ts';
import { createStdoutWriter } from './stdout-writer.ts';
import { VERSION } from './version.ts';

export interface Parts {
  router: Router;
  api: Api;
  textLog: TextLog;
  /**
   * Drains and stops everything, or at once with `force`. Resolves when the log is closed and no child is left, or with
   * `keep` only such as the next start will adopt.
   */
  stop(signal: string, how?: { force?: boolean; keep?: boolean }): Promise<void>;
}

export interface PartsOptions {
  stateDir: string;
  log: 'sqlite' | 'none';
  tls: { cert: Buffer; key: Buffer } | null;
  /** A disk that is slow or broken on demand; for measurements only. */
  fault?: LogFault;
  /** The turnout before this one handed over to it. */
  handedOver?: boolean;
  /** What `POST /api/restart` calls. */
  restart?: ApiOptions['restart'];
}

/** Throws TurnoutError when the log is held by another turnout or cannot be opened. */
export async function startParts(config: Config, options: PartsOptions): Promise<Parts> {
  const { stateDir } = options;
  let current = () => config;
  const stdout = createStdoutWriter();
  const textLog = createTextLog({
    level: config.logLevel,
    toStdout: config.logToStdout,
    write: stdout.write,
    redact: (line) => current().redact(line),
  });
  const onWarning = (message: string) => textLog.warn(message);
  let onReplaced: Replacing = () => {};
  // half of the time that a start takes is loading programs: the HTTP side's while the log is opened by another thread
  const loading = import('../api/api.ts');
  loading.catch(() => {}); // told where it is awaited, if the log can be opened at all
  const opened = await openLog(options, onWarning, (replaced) => onReplaced(replaced));
  for (const warning of opened.warnings) textLog.warn(warning);

  const runtime = createLocalRuntime({ stateDir, onWarning });
  const router = await startRouter({
    config,
    digestKey: await digestKey(stateDir),
    opened,
    runtime,
    builtIn: builtInPlanner,
    families: () => runtime.families(),
    async policyHost(ports) {
      const { createPolicyHost } = await import('../policies/sandbox/policy-host.ts');
      return createPolicyHost(ports);
    },
    probe(model, baseUrl, ready) {
      const stop = new AbortController();
      const { checkEndpoint, timeouts } = model;
      probeHealth({ baseUrl, checkEndpoint, signal: stop.signal, connectTimeoutMs: timeouts.connectMs }).then(
        (healthy) => ready(healthy.baseUrl),
        (error: unknown) => {
          if (!stop.signal.aborted) onWarning(`<${model.id}> health check: ${error}`);
        },
      );
      return () => stop.abort();
    },
    version: VERSION.version,
    bootId: readBootId(),
    handedOver: options.handedOver ?? false,
    onEvent(event) {
      const line = narrate(event);
      if (line !== null) textLog[line.level](line.text);
    },
    onWarning,
    onLogReplaced: (listener) => {
      onReplaced = listener;
    },
  });
  current = router.config;
  const { createApi } = await loading;
  const api = createApi({
    router,
    textLog,
    version: VERSION,
    stateDir,
    output: { readOutput, followOutput },
    tls: options.tls,
    ...(options.restart === undefined ? {} : { restart: options.restart }),
  });

  return {
    router,
    api,
    textLog,
    async stop(signal, { force = false, keep = false } = {}) {
      api.closeStreams();
      const closed = api.close();
      await router.shutdown(signal, { force, keep });
      await closed;
      await runtime.close();
      await opened.log.close();
      await stdout.flush();
    },
  };
}

type Replacing = (replaced: { reason: string; movedTo: string }) => void;

async function openLog(
  { stateDir, log, fault }: PartsOptions,
  onWarning: (message: string) => void,
  onReplaced: Replacing,
): Promise<OpenedLog> {
  return log === 'none'
    ? openMemoryLog()
    : openSqliteLog({ dir: stateDir, onWarning, onReplaced, ...(fault === undefined ? {} : { fault }) });
}
