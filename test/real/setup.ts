/**
 * Before the tests with real models: fetches them once, or provides null where there is no Python, which skips the tests.
 * Must never fetch anything when the models are there already.
 */
import type { TestProject } from 'vitest/node';
import { ensureRealModels, pythonProblem, type RealModels } from '../../scripts/real-models.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    realModels: RealModels | null;
  }
}

export async function setup(project: TestProject): Promise<void> {
  project.provide('realModels', (await pythonProblem()) === null ? await ensureRealModels() : null);
}
