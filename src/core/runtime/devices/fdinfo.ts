/**
 * What DRM drivers say of an open GPU file in /proc/<pid>/fdinfo (kernel documentation, "DRM client usage stats").
 * Must never take a driver's silence for zero.
 */

export interface DrmClient {
  /** PCI address of the GPU. */
  address: string;
  /** The same for every descriptor that leads to the same open file, in whatever process. */
  id: string;
  /** Bytes in video memory; null when the driver does not tell (Linux before 5.17). */
  vramBytes: number | null;
  /** Bytes of the machine's memory that the GPU uses. */
  gttBytes: number | null;
}

const UNIT_BYTES: Record<string, number> = { '': 1, KiB: 1_024, MiB: 1_024 ** 2, GiB: 1_024 ** 3 };

/** null when this is no DRM file, or one of a GPU that has no PCI address. */
export function parseDrmFdinfo(text: string): DrmClient | null {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) values.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  const address = values.get('drm-pdev');
  const id = values.get('drm-client-id');
  if (address === undefined || id === undefined) return null;
  // the older of the two names says the same in newer kernels
  const bytesIn = (region: string) =>
    bytesOf(values.get(`drm-resident-${region}`)) ?? bytesOf(values.get(`drm-memory-${region}`));
  return { address, id, vramBytes: bytesIn('vram'), gttBytes: bytesIn('gtt') };
}

function bytesOf(value: string | undefined): number | null {
  const [, amount, unit = ''] = /^(\d+)(?: (\w+))?$/.exec(value ?? '') ?? [];
  const factor = UNIT_BYTES[unit];
  return amount === undefined || factor === undefined ? null : Number(amount) * factor;
}
