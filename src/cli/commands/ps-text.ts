/** What `turnout ps` prints for people: tables that fit 80 columns, and a line for whatever needs a sentence. */
import { formatDuration, formatRough, formatSize } from '../../core/history/format.ts';
import type { Memory } from '../../core/settings.ts';
import { table } from '../output.ts';

/** The answer of `/api/ps`, as far as it is printed. */
export interface Ps {
  models: PsModel[];
  waiting: { id: string; model: string; client: string; ageMs: number }[];
  swaps: { target: string; evict: string[]; phase: string; ageMs: number }[];
  devices: { id: string; totalBytes: number; reservedBytes: number; usedBytes: number | null }[];
  reservedAnywhereBytes: number;
  swapsAvoided: number;
}

export interface PsModel {
  id: string;
  phase: string;
  pid: number | null;
  port: number | null;
  inFlight: number;
  waiting: number;
  idleMs: number | null;
  backoff: { why: string } | null;
  blocked: { reason: string } | null;
  pin: { owner: string; until: number | null } | null;
  protected: boolean;
  memory: { declared: Memory | null; observed: Memory | null; reserved: Memory | null };
}

/** `now`: ms since 1970, for what is left of pins. */
export function psText(ps: Ps, now: number): string {
  const tables = [modelTable(ps.models), memoryTable(ps.models), deviceTable(ps)].filter((one) => one !== null);
  const lines = [
    ...ps.models.flatMap((model) => noteLines(model, now)),
    ...ps.swaps.map(swapLine),
    ...ps.waiting.map(
      ({ id, model, ageMs, client }) => `${id} waits for ${model} for ${formatDuration(ageMs)} (${client})`,
    ),
    ...(ps.swapsAvoided > 0 ? [`swaps avoided so far: ${ps.swapsAvoided}`] : []),
  ];
  return [...tables, ...(lines.length === 0 ? [] : [lines.join('\n')])].join('\n\n');
}

function modelTable(models: readonly PsModel[]): string {
  const rows = models.map((model) => [
    model.id,
    model.phase,
    String(model.pid ?? '-'),
    String(model.port ?? '-'),
    String(model.inFlight),
    String(model.waiting),
    model.idleMs === null ? '-' : formatDuration(model.idleMs),
  ]);
  return table([['MODEL', 'STATE', 'PID', 'PORT', 'SERVING', 'WAITING', 'IDLE'], ...rows]);
}

/** One row for each model and device of which something is known; a size without a device lies on any. */
function memoryTable(models: readonly PsModel[]): string | null {
  const rows = models.flatMap(({ id, memory: { declared, observed, reserved } }) => {
    const columns = [byDevice(declared), byDevice(observed), byDevice(reserved)];
    const devices = new Set(columns.flatMap((column) => Object.keys(column)));
    return [...devices].map((device) => [id, device, ...columns.map((column) => sizeCell(column[device]))]);
  });
  return rows.length === 0 ? null : table([['MEMORY', 'DEVICE', 'DECLARED', 'OBSERVED', 'RESERVED'], ...rows]);
}

function byDevice(memory: Memory | null): Record<string, number> {
  return typeof memory === 'number' ? { any: memory } : (memory ?? {});
}

function sizeCell(bytes: number | null | undefined): string {
  if (bytes == null) return '-';
  return bytes === 0 ? '0' : formatSize(bytes);
}

/** What may lie on any of several devices has a row of its own. */
function deviceTable({ devices, reservedAnywhereBytes }: Ps): string | null {
  if (devices.length === 0) return null;
  const rows = devices.map(({ id, totalBytes, reservedBytes, usedBytes }) => [
    id,
    sizeCell(totalBytes),
    sizeCell(reservedBytes),
    sizeCell(usedBytes),
  ]);
  if (reservedAnywhereBytes > 0) rows.push(['any', '-', sizeCell(reservedAnywhereBytes), '-']);
  return table([['DEVICE', 'SIZE', 'RESERVED', 'USED'], ...rows]);
}

function noteLines({ id, pin, protected: isProtected, blocked, backoff }: PsModel, now: number): string[] {
  return [
    ...(pin === null ? [] : [`${id} is pinned by ${pin.owner}${untilText(pin.until, now)}`]),
    ...(isProtected ? [`${id} is protected (turnout.protect)`] : []),
    ...(blocked === null ? [] : [`requests for ${id} wait: ${blocked.reason}`]),
    ...(backoff === null ? [] : [`${id} fails to start: ${backoff.why}`]),
  ];
}

function untilText(until: number | null, now: number): string {
  return until === null ? ' until it is unpinned' : ` for another ${formatRough(Math.max(0, until - now))}`;
}

function swapLine({ target, evict, phase, ageMs }: Ps['swaps'][number]): string {
  const after = evict.length === 0 ? '' : `, after ${evict.join(' and ')} left`;
  return `swap to ${target} for ${formatDuration(ageMs)}: ${phase}${after}`;
}
