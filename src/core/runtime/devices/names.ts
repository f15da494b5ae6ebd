/**
 * Which of the devices found is meant by a name in `turnout.devices`. The rule:
 * - `ram` is the machine's memory.
 * - `gpuN` is the GPU with index N: first those of NVIDIA with the index of `nvidia-smi`, then those of AMD in the order of
 *   their card numbers. `nvidiaN` and `amdN` count within one make.
 * - The UUID (`GPU-...`) or PCI address (`0000:03:00.0`) of a GPU is that GPU.
 * - Any other name is the GPU, when it is the only name but `ram` and there is only one GPU.
 * A name that fits nothing is not observed; a device without a name is not reported. Pure.
 */
import type { FoundDevice } from './look.ts';

const NUMBERED = /^(gpu|nvidia|amd)(\d+)$/;

/** Configured name to device, in the order of the configuration. */
export function nameDevices(
  configured: readonly string[],
  found: readonly FoundDevice[],
): ReadonlyMap<string, FoundDevice> {
  const named = new Map<string, FoundDevice>();
  for (const name of configured) {
    const device = deviceCalled(name, found) ?? onlyGpu(name, configured, found);
    if (device !== null) named.set(name, device);
  }
  return named;
}

/** The name that a device has by the rule when nobody gave it another. */
export function defaultName(device: FoundDevice, found: readonly FoundDevice[]): string {
  return device.kind === 'ram' ? 'ram' : `gpu${gpuNumber(device, found)}`;
}

function deviceCalled(name: string, found: readonly FoundDevice[]): FoundDevice | null {
  const [, make, digits] = NUMBERED.exec(name) ?? [];
  const isMeant = (device: FoundDevice): boolean => {
    const { kind, index, alias } = device;
    if (name === 'ram') return kind === 'ram';
    if (make === 'gpu') return kind !== 'ram' && gpuNumber(device, found) === Number(digits);
    if (make !== undefined) return kind === make && index === Number(digits);
    return kind !== 'ram' && alias === name;
  };
  return found.find(isMeant) ?? null;
}

function onlyGpu(name: string, configured: readonly string[], found: readonly FoundDevice[]): FoundDevice | null {
  if (name === 'ram' || NUMBERED.test(name) || configured.some((other) => other !== 'ram' && other !== name))
    return null;
  const [gpu, ...more] = found.filter(({ kind }) => kind !== 'ram');
  return gpu === undefined || more.length > 0 ? null : gpu;
}

/** A GPU that is lost keeps its number; so do those after it. */
function gpuNumber(device: FoundDevice, found: readonly FoundDevice[]): number {
  if (device.kind === 'nvidia') return device.index;
  const ofNvidia = found.filter(({ kind }) => kind === 'nvidia').map(({ index }) => index + 1);
  return device.index + Math.max(0, ...ofNvidia);
}
