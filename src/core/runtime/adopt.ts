/**
 * What is left of the runs that the log says are alive: which of their processes live, are what is configured now, and
 * answer. Asks the runtime and the health checks, decides nothing by itself and stops nobody.
 * Must never take longer than one health check may, whatever the children do.
 */

import { type ChildFound, whyNotAdopted } from '../adoption.ts';
import type { Config } from '../config/config.ts';
import { launchFields } from '../config/launch.ts';
import type { ModelId, RunId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { Settings } from '../settings.ts';
import type { Run, State } from '../state.ts';
import type { ProcessRuntime, RecordedRun, Survivor } from './process-runtime.ts';

export interface AdoptPorts {
  state: Readonly<State>;
  /** Of the configuration of now. */
  settings: Settings;
  /** Whether children may be adopted at all. */
  adopt: boolean;
  records: readonly RecordedRun[];
  runtime: Pick<ProcessRuntime, 'reconcile' | 'observe'>;
  /** Asks a model for its health again and again; calls back once with the address that answered. Returns the way to stop. */
  probe(model: ModelId, baseUrl: string, ready: (baseUrl: string) => void): () => void;
}

/** Takes over what is left, and says of each recorded run whether it can be adopted, and why not. */
export async function findChildren(ports: AdoptPorts): Promise<ChildFound[]> {
  const { state, settings, adopt, records, runtime } = ports;
  const digests = new Map(settings.models.map((model) => [model.id, model.specDigest]));
  const survivors = new Map((await runtime.reconcile([...records])).map((survivor) => [survivor.run, survivor]));
  return Promise.all(
    records.map(async ({ run: id, model, proxy }): Promise<ChildFound> => {
      const refused = (why: string): ChildFound => ({ run: id, adoptable: false, why });
      const run = state.models.get(model)?.run;
      if (run == null) return refused('its run is over');
      const why = whyNotAdopted(run, { adopt, specDigest: digests.get(model) ?? null });
      if (why !== null) return refused(why);
      const survivor = survivors.get(id);
      if (survivor === undefined) return refused('its process is gone');
      if (survivor.fault !== null) return refused(survivor.fault);
      return look(ports, run, survivor, proxy ?? '');
    }),
  );
}

/** A run that was ready must answer; one that was starting is asked once it is adopted. */
async function look(ports: AdoptPorts, run: Run, survivor: Survivor, proxy: string): Promise<ChildFound> {
  const { pid, startTime, bootId } = survivor;
  const adoptable = (baseUrl: string): ChildFound => ({
    run: run.run,
    adoptable: true,
    pid,
    startTime,
    bootId,
    baseUrl,
  });
  if (run.phase !== 'ready') return adoptable(proxy);
  const answered = await health(ports, run.run, run.model, proxy);
  if ('baseUrl' in answered) return adoptable(answered.baseUrl);
  return { run: run.run, adoptable: false, why: answered.why };
}

function health(
  { runtime, probe }: AdoptPorts,
  run: RunId,
  model: ModelId,
  proxy: string,
): Promise<{ baseUrl: string } | { why: string }> {
  return new Promise((resolve) => {
    const finish = (answer: { baseUrl: string } | { why: string }): void => {
      clearTimeout(timer);
      stopObserving();
      // a health check of "none" answers before the way to stop it is there
      queueMicrotask(() => stop());
      resolve(answer);
    };
    const why = `it did not answer its health check within ${LIMITS.adoptHealthMs / 1000} s`;
    const timer = setTimeout(() => finish({ why }), LIMITS.adoptHealthMs);
    const stopObserving = runtime.observe((seen) => {
      if (seen.type === 'exited' && seen.run === run) finish({ why: 'its process is gone' });
    });
    const stop = probe(model, proxy, (baseUrl) => finish({ baseUrl }));
  });
}

/** Runs that the log says are alive: their processes outlived the turnout that started them, or died with it. */
export function recordedRuns(state: State, config: Config): RecordedRun[] {
  const runs: RecordedRun[] = [];
  for (const model of state.models.values()) {
    if (model.run === null) continue;
    const { run, pid, startTime, bootId, logFile, port } = model.run;
    const known = config.models.get(model.id);
    const fields = known === undefined ? null : launchFields(known, port);
    runs.push({
      run,
      model: model.id,
      pid,
      startTime,
      bootId,
      logFile,
      cmdStop: fields?.cmdStop ?? '',
      env: fields?.env ?? [],
      proxy: fields?.proxy ?? null,
    });
  }
  return runs;
}
