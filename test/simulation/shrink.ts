/** Makes a failing seed small: turns off every fault, and takes away every client, without which it still fails. */
import { runSeed, type SeedResult } from './run-seed.ts';
import { FAULTS, type Tweak } from './tweak.ts';

const WORLDS_TRIED = 12;

export interface Shrunk {
  tweak: Tweak;
  result: SeedResult;
}

/** The smallest failing run found; null if the seed does not fail (any more). */
export function shrink(seed: number, given: Tweak = {}): Shrunk | null {
  let best = fails(seed, given);
  if (best === null) return null;
  for (const fault of FAULTS) {
    if (best.tweak.off?.includes(fault)) continue;
    best = inSomeWorld(seed, { ...best.tweak, off: [...(best.tweak.off ?? []), fault] }) ?? best;
  }
  let clients = best.tweak.clients ?? 60;
  for (let step = Math.ceil(clients / 2); step >= 1; step = step === 1 ? 0 : Math.ceil(step / 2)) {
    for (;;) {
      const fewer: Shrunk | null =
        clients > step ? inSomeWorld(seed, { ...best.tweak, clients: clients - step }) : null;
      if (fewer === null) break;
      best = fewer;
      clients -= step;
    }
  }
  return best;
}

function fails(seed: number, tweak: Tweak): Shrunk | null {
  const result = runSeed(seed, tweak);
  return result.violations.length > 0 ? { tweak, result } : null;
}

/** Chance runs differently when something is left out: some other course may still show it, and a shorter one is better. */
function inSomeWorld(seed: number, tweak: Tweak): Shrunk | null {
  let best = fails(seed, tweak);
  for (let world = 1; world <= WORLDS_TRIED && best === null; world++) best = fails(seed, { ...tweak, world });
  return best;
}
