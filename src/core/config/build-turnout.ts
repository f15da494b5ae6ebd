/** `turnout:` with units converted and names resolved. What a feature does with it is not decided here. */
import { dirname, resolve } from 'node:path';
import type { ModelId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { jsonMap } from './build-filters.ts';
import type { Config, Memory, ModelConfig, PolicyConfig } from './config.ts';
import { didYouMean } from './nearest.ts';
import type { Report } from './report.ts';
import type { RawConfig } from './schema.ts';
import { keyPlaceAt, type Path, pathText, placeAt, type TreeNode } from './tree.ts';
import { durationMs, sizeBytes } from './units.ts';

export function buildTurnout(
  raw: RawConfig,
  root: TreeNode,
  planner: NonNullable<Config['turnout']['planner']>,
  names: Map<string, ModelId>,
  report: Report,
): Config['turnout'] {
  const { turnout } = raw;
  const positive = (key: 'queueTimeout' | 'drainTimeout'): number => {
    const ms = durationMs(turnout[key]);
    if (ms === 0)
      report.error('invalid-value', placeAt(root, ['turnout', key]), `turnout.${key} must be greater than 0`);
    return ms;
  };
  const policy = turnout.policy === undefined ? null : policyOf(turnout.policy, root, report);
  if (planner === 'policy' && policy === null) {
    const message = 'turnout.planner is policy but turnout.policy is not set';
    report.error('conflict', placeAt(root, ['turnout', 'planner']), message);
  }
  return {
    maxWaitMs: turnout.maxWait === undefined ? null : durationMs(turnout.maxWait),
    minResidencyMs: durationMs(turnout.minResidency),
    queueTimeoutMs: positive('queueTimeout'),
    drainTimeoutMs: positive('drainTimeout'),
    maxBodyBytes: sizeBytes(turnout.maxBodyBytes),
    clientFrom: turnout.client.from.map((name) => name.toLowerCase()),
    sessionFrom: turnout.session.from.map((name) => name.toLowerCase()),
    onTrouble: turnout.eventLog.onTrouble,
    planner,
    policy,
    shadow: turnout.shadow.map((file, i) => ({ file: fileAt(file, ['turnout', 'shadow', i], root), options: {} })),
    retentionDays: turnout.eventLog.retentionDays,
    eventLogBytesMax: sizeBytes(turnout.eventLog.maxBytes),
    devices: new Map(Object.entries(turnout.devices).map(([id, bytes]) => [id, sizeBytes(bytes)])),
    pins: pinsOf(turnout.pins, root, names, report),
    timeZone: timeZoneOf(turnout.timeZone, root, report),
  };
}

type RawPolicy = NonNullable<RawConfig['turnout']['policy']>;

function policyOf(policy: RawPolicy, root: TreeNode, report: Report): PolicyConfig {
  const path: Path = ['turnout', 'policy'];
  if (typeof policy === 'string') return { file: fileAt(policy, path, root), options: {} };
  const options = jsonMap(policy.options, [...path, 'options'], root, report);
  return { file: fileAt(policy.file, [...path, 'file'], root), options };
}

/** Relative to the file that names it. */
function fileAt(file: string, path: Path, root: TreeNode): string {
  return resolve(dirname(placeAt(root, path).source.file), file);
}

function pinsOf(pins: string[], root: TreeNode, names: Map<string, ModelId>, report: Report): ModelId[] {
  const found = new Set<ModelId>();
  pins.forEach((name, i) => {
    const id = names.get(name);
    if (id !== undefined) found.add(id);
    else {
      const at = placeAt(root, ['turnout', 'pins', i]);
      report.error('unknown-model', at, `turnout.pins references unknown model "${name}"`, () =>
        didYouMean(name, names.keys()),
      );
    }
  });
  return [...found];
}

function timeZoneOf(timeZone: string | undefined, root: TreeNode, report: Report): string | null {
  if (timeZone === undefined) return null;
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const message = `turnout.timeZone: expected a time zone such as Europe/Berlin, got "${timeZone}"`;
    report.error('invalid-value', placeAt(root, ['turnout', 'timeZone']), message, () =>
      didYouMean(timeZone, Intl.supportedValuesOf('timeZone')),
    );
    return null;
  }
}

export function memoryOf(memory: RawConfig['turnout']['memory']): Memory | null {
  if (memory === undefined) return null;
  if (typeof memory !== 'object') return sizeBytes(memory);
  return Object.fromEntries(Object.entries(memory).map(([device, bytes]) => [device, sizeBytes(bytes)]));
}

/** Devices that are named must be declared, and have room for what is said to be on them. */
export function checkMemory(
  raw: RawConfig,
  models: Map<ModelId, ModelConfig>,
  turnout: Config['turnout'],
  root: TreeNode,
  report: Report,
): void {
  const devices = turnout.devices ?? new Map<string, number>();
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
  if (typeof memory === 'number') {
    const total = [...devices.values()].reduce((sum, bytes) => sum + bytes, 0);
    if (devices.size === 0 || memory <= total) return;
    report.error('memory', placeAt(root, path), `${pathText(path)} is more than all devices have together`);
    return;
  }
  const entries = Object.entries(memory);
  if (entries.length > LIMITS.configDevicesMax) {
    const message = `${pathText(path)}: expected at most ${LIMITS.configDevicesMax} devices, got ${entries.length}`;
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
      report.error('memory', placeAt(root, at), `${pathText(at)} is more than the device has`);
    }
  }
}
