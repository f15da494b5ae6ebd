/**
 * Sizes of models and devices: converted, and checked against each other, so that what can never be loaded is told
 * before it is asked for. What fits beside what is not decided here (core/memory.ts).
 */

import { formatSize } from '../history/format.ts';
import type { ModelId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { poolOf } from '../memory.ts';
import type { Memory, Settings } from '../settings.ts';
import type { ModelConfig } from './config.ts';
import { didYouMean } from './nearest.ts';
import type { Report } from './report.ts';
import type { RawConfig } from './schema.ts';
import { keyPlaceAt, nodeAt, type Path, pathText, placeAt, type TreeNode } from './tree.ts';
import { sizeBytes } from './units.ts';

/** A longer list of models is cut, the rest is a number. */
const NAMES_MAX = 5;

export function memoryOf(memory: RawConfig['turnout']['memory']): Memory | null {
  if (memory === undefined) return null;
  if (typeof memory !== 'object') return sizeBytes(memory);
  return Object.fromEntries(Object.entries(memory).map(([device, bytes]) => [device, sizeBytes(bytes)]));
}

/** Bytes of each device, in the order of the file. */
export function buildDevices(raw: RawConfig, root: TreeNode, report: Report): Map<string, number> {
  const path: Path = ['turnout', 'devices'];
  const node = nodeAt(root, path);
  const devices = new Map<string, number>();
  for (const id of node?.kind === 'map' ? node.entries.keys() : []) {
    const size = raw.turnout.devices[id];
    if (size !== undefined) devices.set(id, sizeBytes(size));
  }
  if (devices.size > LIMITS.configDevicesMax) {
    const message = `turnout.devices: expected at most ${LIMITS.configDevicesMax} devices, got ${devices.size}`;
    report.error('memory', placeAt(root, path), message);
  }
  for (const [id, bytes] of devices) {
    if (bytes > 0) continue;
    report.error('memory', placeAt(root, [...path, id]), `${pathText([...path, id])} must be greater than 0`);
  }
  return devices;
}

/** Devices that are named must be declared, and have room for what is said to be on them. */
export function checkMemory(
  raw: RawConfig,
  models: Map<ModelId, ModelConfig>,
  devices: Map<string, number>,
  root: TreeNode,
  report: Report,
): void {
  checkOne(memoryOf(raw.turnout.memory), ['turnout', 'memory'], devices, root, report);
  for (const { id, memory } of models.values()) {
    // the default was looked at once for all
    if (raw.models[id]?.turnout.memory === undefined) continue;
    checkOne(memory ?? null, ['models', id, 'turnout', 'memory'], devices, root, report);
  }
}

function checkOne(
  memory: Memory | null,
  path: Path,
  devices: Map<string, number>,
  root: TreeNode,
  report: Report,
): void {
  if (memory === null) return;
  if (typeof memory === 'number') return checkPlain(memory, path, devices, root, report);
  const entries = Object.entries(memory);
  // what was wrong in it is told already and left out
  const written = nodeAt(root, path);
  const empty = written?.kind === 'map' && written.entries.size === 0;
  if (empty || entries.length > LIMITS.configDevicesMax) {
    const message = `${pathText(path)}: expected 1 to ${LIMITS.configDevicesMax} devices, got ${entries.length}`;
    report.error('memory', placeAt(root, path), message);
    return;
  }
  for (const [device, bytes] of entries) {
    const at: Path = [...path, device];
    const capacity = devices.get(device);
    if (capacity === undefined) {
      const help = () => didYouMean(device, devices.keys()) ?? 'declare it with its size under turnout.devices';
      report.error('unknown-device', keyPlaceAt(root, at), `${pathText(path)}: unknown device "${device}"`, help);
    } else if (bytes > capacity) {
      report.error('memory', placeAt(root, at), tooMuch(at, bytes, 'the device has', capacity));
    }
  }
}

/** One that lies on any device may be spread over all of them. */
function checkPlain(bytes: number, path: Path, devices: Map<string, number>, root: TreeNode, report: Report): void {
  const pool = poolOf([...devices].map(([id, size]) => ({ id, bytes: size })));
  const total = pool.reduce((sum, device) => sum + device.bytes, 0);
  if (pool.length === 0 || bytes <= total) return;
  const names = namesOf(pool.map(({ id }) => id));
  const message = tooMuch(path, bytes, `${names} ${pool.length === 1 ? 'has' : 'have together'}`, total);
  const help = pool.length < devices.size ? 'a plain size does not lie on ram: give sizes by device' : null;
  report.error('memory', placeAt(root, path), message, help);
}

function tooMuch(path: Path, bytes: number, who: string, total: number): string {
  return `${pathText(path)} is ${formatSize(bytes)}, which is more than ${who} (${formatSize(total)})`;
}

/** Where memory decides, a model that does not say what it takes is a surprise. */
export function warnOfUnknown(
  models: Map<ModelId, ModelConfig>,
  law: Settings['fallback'],
  root: TreeNode,
  report: Report,
): void {
  const unknown = [...models.values()].filter(({ memory }) => memory == null).map(({ id }) => id);
  const [first] = unknown;
  if (law !== 'budget' || first === undefined) return;
  const who = unknown.length === 1 ? `model ${first} does` : `${unknown.length} models do`;
  const which = unknown.length === 1 ? '' : ` (${namesOf(unknown)})`;
  const message = `${who} not say how much memory is taken${which}: loaded alone until its use was observed`;
  const help = 'set models.<id>.turnout.memory, or turnout.memory for all';
  report.warning('memory', keyPlaceAt(root, ['models', first]), message, help);
}

function namesOf(ids: string[]): string {
  const shown = ids.slice(0, NAMES_MAX).join(', ');
  return ids.length > NAMES_MAX ? `${shown} and ${ids.length - NAMES_MAX} more` : shown;
}
