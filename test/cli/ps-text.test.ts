import { describe, expect, it } from 'vitest';
import { type PsModel, psText } from '../../src/cli/commands/ps-text.ts';

const GIB = 1_024 ** 3;
const NOW = 1_000_000;

function model(id: string, over: Partial<PsModel> = {}): PsModel {
  return {
    id,
    phase: 'stopped',
    pid: null,
    port: null,
    inFlight: 0,
    waiting: 0,
    idleMs: null,
    backoff: null,
    blocked: null,
    pin: null,
    protected: false,
    memory: { declared: null, observed: null, reserved: null },
    ...over,
  };
}

const nothing = { models: [], waiting: [], swaps: [], devices: [], reservedAnywhereBytes: 0, swapsAvoided: 0 };

describe('psText()', () => {
  it('shows models, memory, devices, holds, swaps and who waits, within 80 columns', () => {
    const text = psText(
      {
        models: [
          model('org/qwen3-coder:30b', {
            phase: 'ready',
            pid: 1_234_567,
            port: 5_800,
            idleMs: 252_000,
            pin: { owner: 'ann', until: NOW + 7_140_000 },
            memory: { declared: 12 * GIB, observed: { gpu0: 11.8 * GIB, ram: GIB }, reserved: { gpu0: 12 * GIB } },
          }),
          model('llama', { waiting: 1, blocked: { reason: 'org/qwen3-coder:30b is pinned by ann' }, protected: true }),
          model('phi', { backoff: { why: 'exited with code 7' }, pin: { owner: 'bob', until: null } }),
        ],
        waiting: [{ id: 'req_1', model: 'llama', client: 'ide', ageMs: 2_500 }],
        swaps: [{ target: 'phi', evict: ['a', 'b'], phase: 'stopping', ageMs: 1_000 }],
        devices: [
          { id: 'gpu0', totalBytes: 24 * GIB, reservedBytes: 12 * GIB, usedBytes: 13.1 * GIB },
          { id: 'ram', totalBytes: 64 * GIB, reservedBytes: 0, usedBytes: null },
        ],
        reservedAnywhereBytes: 8 * GIB,
        swapsAvoided: 3,
      },
      NOW,
    );
    expect(text).toBe(
      `MODEL                STATE    PID      PORT  SERVING  WAITING  IDLE
org/qwen3-coder:30b  ready    1234567  5800  0        0        4 min 12 s
llama                stopped  -        -     0        1        -
phi                  stopped  -        -     0        0        -

MEMORY               DEVICE  DECLARED  OBSERVED  RESERVED
org/qwen3-coder:30b  any     12 GiB    -         -
org/qwen3-coder:30b  gpu0    -         11.8 GiB  12 GiB
org/qwen3-coder:30b  ram     -         1 GiB     -

DEVICE  SIZE    RESERVED  USED
gpu0    24 GiB  12 GiB    13.1 GiB
ram     64 GiB  0         -
any     -       8 GiB     -

org/qwen3-coder:30b is pinned by ann for another 1 h 59 min
llama is protected (turnout.protect)
requests for llama wait: org/qwen3-coder:30b is pinned by ann
phi is pinned by bob until it is unpinned
phi fails to start: exited with code 7
swap to phi for 1.0 s: stopping, after a and b left
req_1 waits for llama for 2.5 s (ide)
swaps avoided so far: 3`,
    );
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('leaves out tables and lines of which nothing is known', () => {
    expect(psText({ ...nothing, models: [model('qwen')] }, NOW)).toBe(
      'MODEL  STATE    PID  PORT  SERVING  WAITING  IDLE\nqwen   stopped  -    -     0        0        -',
    );
  });
});
