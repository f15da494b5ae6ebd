/** `turnout ps`: what every model, waiting request and swap is doing now. */
import { formatDuration } from '../../core/history/format.ts';
import { needServer, requestJson } from '../client.ts';
import { type GlobalOptions, print, printJson, table } from '../output.ts';

interface Ps {
  models: {
    id: string;
    phase: string;
    run: number | null;
    pid: number | null;
    port: number | null;
    inFlight: number;
    waiting: number;
    idleMs: number | null;
    ttlMs: number;
    backoff: { why: string; failures: number } | null;
    blocked: { reason: string } | null;
  }[];
  waiting: { id: string; model: string; client: string; ageMs: number }[];
  swaps: { target: string; evict: string[]; phase: string; ageMs: number }[];
}

export async function ps(options: GlobalOptions): Promise<void> {
  const url = await needServer(options);
  const now = await requestJson<Ps>(url, '/api/ps');
  if (options.json === true) return printJson(now);
  const rows = now.models.map((model) => [
    model.id,
    model.phase,
    String(model.pid ?? '-'),
    String(model.port ?? '-'),
    String(model.inFlight),
    String(model.waiting),
    model.idleMs === null ? '-' : formatDuration(model.idleMs),
    model.blocked?.reason ?? (model.backoff === null ? '' : `fails to start: ${model.backoff.why}`),
  ]);
  print(table([['MODEL', 'STATE', 'PID', 'PORT', 'SERVING', 'WAITING', 'IDLE', 'NOTE'], ...rows]));
  for (const swap of now.swaps) {
    const evict = swap.evict.length === 0 ? '' : `, after ${swap.evict.join(' and ')} left`;
    print(`swap to ${swap.target} for ${formatDuration(swap.ageMs)}: ${swap.phase}${evict}`);
  }
  for (const request of now.waiting) {
    print(`${request.id} waits for ${request.model} for ${formatDuration(request.ageMs)} (${request.client})`);
  }
}
