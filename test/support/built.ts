/** Tests start turnout as users have it: built from the sources as they are now. */
import type { TestProject } from 'vitest/node';
import { build } from '../../scripts/build.ts';

export async function setup(project: TestProject): Promise<void> {
  await build();
  project.onTestsRerun(build);
}
