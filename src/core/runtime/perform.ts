/**
 * Carries out effects and reports what came of them as inputs. Decides nothing: a report that no longer matters is
 * recognised as such by `decide`.
 */
import type { Effect } from '../effects.ts';
import type { ModelId, RunId } from '../ids.ts';
import type { Input } from '../inputs.ts';
import type { LaunchSpec, Observation, ProcessRuntime } from './process-runtime.ts';
import type { Grant } from './router.ts';
import type { Tickets } from './tickets.ts';

export interface PerformPorts {
  runtime: ProcessRuntime;
  /** How a run is started, from the configuration of now; null when the model left it. */
  launchSpec(effect: Extract<Effect, { type: 'startProcess' }>): LaunchSpec | null;
  /** Probes until the run is ready; calls back once with the address that answered. Returns the way to stop. */
  probe(run: RunId, model: ModelId, baseUrl: string, ready: (baseUrl: string) => void): () => void;
  /** What a granted request needs to be forwarded. */
  grantOf(run: RunId): Grant | null;
  tickets: Tickets;
  /** Hides secrets of the configuration in what processes print and in messages that quote them. */
  redact(text: string): string;
  post(input: Input): void;
  onExit(): void;
  onWarning(message: string): void;
}

export interface Performer {
  perform(effect: Effect): void;
  close(): void;
}

export function createPerformer(ports: PerformPorts): Performer {
  const { runtime, tickets, post } = ports;
  const addresses = new Map<RunId, string>();
  const probes = new Map<RunId, () => void>();

  function stopProbe(run: RunId): void {
    probes.get(run)?.();
    probes.delete(run);
  }

  function observed(observation: Observation): void {
    switch (observation.type) {
      case 'started': {
        const { run, pid, startTime, bootId, baseUrl } = observation;
        addresses.set(run, baseUrl);
        post({ type: 'child.spawned', run, pid, startTime, bootId });
        return;
      }
      case 'exited': {
        const { run, code, signal, by } = observation;
        const detail = observation.detail === null ? null : ports.redact(observation.detail);
        const tail = observation.tail.map(ports.redact);
        stopProbe(run);
        addresses.delete(run);
        post({ type: 'child.exited', run, code, signal, by, detail, tail });
        return;
      }
      case 'lost': {
        const { run, reason } = observation;
        stopProbe(run);
        addresses.delete(run);
        post({ type: 'child.exited', run, code: null, signal: null, by: 'unknown', detail: reason, tail: [] });
        return;
      }
      case 'flooded':
        post({ type: 'child.flooded', run: observation.run, bytesPerSec: observation.bytesPerSec });
        return;
      case 'accepted':
      case 'waiting':
      case 'stopping':
        return;
    }
  }

  const stopObserving = runtime.observe(observed);

  /** An order that the runtime refuses is a fault of the runtime: it is said, and the deadlines of the run take over. */
  function order(what: string, accepted: Promise<void>): void {
    accepted.catch((error: unknown) => ports.onWarning(`${what}: ${error instanceof Error ? error.message : error}`));
  }

  function start(effect: Extract<Effect, { type: 'startProcess' }>): void {
    const spec = ports.launchSpec(effect);
    if (spec !== null) {
      order(`start ${effect.model}`, runtime.launch(spec));
      return;
    }
    const detail = `model "${effect.model}" left the configuration`;
    post({ type: 'child.exited', run: effect.run, code: null, signal: null, by: 'spawn', detail, tail: [] });
  }

  function probe({ run, model, ...effect }: Extract<Effect, { type: 'probeHealth' }>): void {
    const baseUrl = effect.baseUrl ?? addresses.get(run);
    if (baseUrl === undefined || probes.has(run)) return;
    const stop = ports.probe(run, model, baseUrl, (answered) => {
      probes.delete(run);
      post({ type: 'child.ready', run, baseUrl: answered });
    });
    probes.set(run, stop);
  }

  function perform(effect: Effect): void {
    switch (effect.type) {
      case 'startProcess':
        return start(effect);
      case 'probeHealth':
        return probe(effect);
      case 'stopProcess':
        stopProbe(effect.run);
        return order(`stop ${effect.model}`, runtime.stop(effect.run));
      case 'killProcess':
        stopProbe(effect.run);
        return order(`kill ${effect.model}`, runtime.kill(effect.run));
      case 'forward': {
        const grant = ports.grantOf(effect.run);
        if (grant !== null) tickets.settle(effect.request, grant);
        return;
      }
      case 'refuse': {
        const { status, code, reason, retryAfterSec } = effect;
        tickets.settle(effect.request, { granted: false, status, code, message: reason, retryAfterSec });
        return;
      }
      case 'exit':
        return ports.onExit();
    }
  }

  return {
    perform,
    close() {
      stopObserving();
      for (const stop of probes.values()) stop();
      probes.clear();
    },
  };
}
