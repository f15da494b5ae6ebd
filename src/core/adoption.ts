/**
 * Which children of an earlier turnout the log and the configuration of now allow to be kept, and what was then found of
 * them. Looks at nothing outside: what lives and answers is found by the shell (runtime/adopt.ts).
 */
import type { RunId } from './ids.ts';
import type { Run } from './state.ts';

/** What was found of a run that the log says is alive. */
export type ChildFound =
  /** `baseUrl`: where a run that was ready answered its health check, where one that was starting will. */
  | { run: RunId; adoptable: true; pid: number; startTime: string; bootId: string; baseUrl: string }
  | { run: RunId; adoptable: false; why: string };

/** What a run is compared with. */
export interface AdoptionTerms {
  /** Whether children may be adopted at all (`turnout.adopt`). */
  adopt: boolean;
  /** Digest of the model's specification in the configuration of now; null when it is not in it. */
  specDigest: string | null;
}

/** Why the run must be stopped whatever is found of it, or null when it is worth looking. */
export function whyNotAdopted(run: Run, { adopt, specDigest }: AdoptionTerms): string | null {
  if (run.phase === 'stopping') return 'it was being stopped';
  if (!adopt) return 'adoption is switched off (turnout.adopt)';
  if (specDigest === null) return 'it left the configuration';
  if (specDigest !== run.specDigest) return 'its configuration changed';
  return null;
}
