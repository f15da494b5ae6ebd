/** A running turnout with the real models behind it. */
import { type RealModels, realModelsConfig } from '../../scripts/real-models.ts';
import { freePorts } from '../support/ports.ts';
import { startTurnout as start, type Turnout } from '../support/turnout.ts';

const PORTS = 3;

export type { Turnout };

/** `more`: text that is added to the configuration. */
export async function startTurnout(kit: RealModels, more = ''): Promise<Turnout> {
  const config = realModelsConfig(kit, { startPort: await freePorts(PORTS), embeddings: true });
  return start({ config: `${config}${more}` });
}
