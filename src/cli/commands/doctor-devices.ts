/**
 * Memory devices, as `turnout doctor` sees them: which sources answer, what they see, whether the configuration names it,
 * and what to write there. Runs the tools that a turnout would run, and nothing else.
 */
import { createAttempts, realSamplerClock } from '../../core/runtime/devices/attempts.ts';
import type { DeviceSource, FoundDevice, Look } from '../../core/runtime/devices/look.ts';
import { defaultName, nameDevices } from '../../core/runtime/devices/names.ts';
import { deviceSources, type SourceOptions } from '../../core/runtime/devices/sources.ts';
import { type Finding, ok, warned } from './doctor-finding.ts';

/** What is left of the machine's memory for everything that is no model, in the suggestion. */
const RAM_SHARE = 0.9;
/** Makers' gigabytes: 24GiB is written for a GPU that has 23.99. */
const TOTAL_SLACK = 1.02;
const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** `devices`: those of the configuration; null when there is none. */
export async function checkDevices(
  devices: ReadonlyMap<string, number> | null,
  options: SourceOptions = {},
): Promise<Finding[]> {
  const attempts = createAttempts(realSamplerClock, () => {});
  const sources = deviceSources(options).filter((source) => source.exists());
  const looks = await Promise.all(
    sources.map(async (source) => ({ source, look: await source.look(attempts.ask, [process.pid]) })),
  );
  const found = looks.flatMap(({ look }) => look?.devices ?? []);
  const findings = looks.map(({ source, look }) =>
    look === null ? silent(source, attempts.problemOf(source.name)) : seen(source, look, found),
  );
  if (!sources.some(({ kind }) => kind !== 'ram')) {
    findings.push(ok('GPU tools', 'none found (nvidia-smi, the amdgpu driver), GPUs are not measured'));
  }
  if (devices === null || devices.size === 0) findings.push(...suggestion(found));
  else findings.push(...compare(devices, found));
  return findings;
}

const whatOf = ({ kind, name }: DeviceSource): string => (kind === 'ram' ? 'memory' : name);

function silent(source: DeviceSource, problem: string | null): Finding {
  const remedy =
    source.kind === 'nvidia'
      ? 'run nvidia-smi by hand; until it answers, GPUs count with their declared sizes only'
      : 'nothing to do: what it would say counts with its declared size only';
  return warned(whatOf(source), problem ?? 'no answer', remedy);
}

function seen(source: DeviceSource, { devices, holders }: Look, found: readonly FoundDevice[]): Finding {
  const words = devices.map((device) => {
    const name = device.kind === 'ram' ? '' : `${defaultName(device, found)} has `;
    return `${name}${gib(device.totalBytes)}, ${gib(device.usedBytes)} used`;
  });
  if (words.length === 0) return ok(whatOf(source), 'answers, and sees no GPU whose memory it can tell');
  // then a model's share is what a device holds more than before the model was loaded
  if (holders.size === 0) words.push('which process holds what is not told');
  return ok(whatOf(source), words.join('; '));
}

/** Names of the configuration that are not there, and sizes that are larger than what is there. */
function compare(devices: ReadonlyMap<string, number>, found: readonly FoundDevice[]): Finding[] {
  const named = nameDevices([...devices.keys()], found);
  const names = found.map((device) => defaultName(device, found)).join(', ');
  return [...devices].flatMap(([id, bytes]) => {
    const what = `device ${id}`;
    const device = named.get(id);
    if (device === undefined) {
      const remedy = names === '' ? 'nothing to do: its declared size counts' : `names of what is there: ${names}`;
      return [warned(what, 'not found here, its use is not observed', remedy)];
    }
    if (bytes <= device.totalBytes * TOTAL_SLACK) return [];
    const text = `declared with ${gib(bytes)}, has ${gib(device.totalBytes)}`;
    return [warned(what, text, `write ${id}: ${sizeOf(device)} under turnout.devices`)];
  });
}

function suggestion(found: readonly FoundDevice[]): Finding[] {
  if (found.length === 0) return [];
  const lines = found.map((device) => `${defaultName(device, found)}: ${sizeOf(device)}`);
  const text = `none configured; for the budget planner write turnout: {devices: {${lines.join(', ')}}}`;
  return [ok('devices', text)];
}

function sizeOf({ kind, totalBytes }: FoundDevice): string {
  const bytes = kind === 'ram' ? totalBytes * RAM_SHARE : totalBytes;
  return `${Math.floor(bytes / MIB)}MiB`;
}

const gib = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GiB`;
