/** Which turnout this is. The commit and the date are put in by a release build. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { VersionInfo } from '../api/context.ts';
import { ROOT } from '../core/platform/program-file.ts';

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
  turnoutBuild?: { commit: string; date: string };
};

export const VERSION: VersionInfo = {
  version: manifest.version,
  commit: manifest.turnoutBuild?.commit ?? 'unknown',
  buildDate: manifest.turnoutBuild?.date ?? 'unknown',
};

/** As llama-swap prints it (spec 1.1). */
export const VERSION_LINE = `version: ${VERSION.version} (${VERSION.commit}), built at ${VERSION.buildDate}`;
