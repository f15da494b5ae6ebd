/**
 * Notices that configuration files changed, by looking every two seconds: inotify is not to be relied on in bind mounts
 * and with symlinks that are swapped (spec 1.4). A file that is gone is no change, one that is still being written is
 * waited for.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConfigPaths } from '../core/config/read.ts';
import { LIMITS } from '../core/limits.ts';

/**
 * Calls back after each change since `seen`, the fingerprint taken before the files were read: an edit during the start
 * counts too. Returns the way to stop.
 */
export function watchConfig(paths: ConfigPaths, seen: string | null, onChange: () => void): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  const look = async () => {
    const now = await fingerprint(paths);
    let wait: number = LIMITS.configPollMs;
    if (seen === null) seen = now;
    else if (now !== null && now !== seen) {
      // looked at once more before it counts: an editor may be in the middle of it
      await pause(LIMITS.configSettleMs);
      if ((await fingerprint(paths)) === now) {
        seen = now;
        if (!stopped) onChange();
      } else wait = 0;
    }
    if (!stopped) timer = setTimeout(look, wait).unref();
  };
  void look();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/** What the files are like now: names, times, sizes, inodes. Null when one is missing, which may be a rename under way. */
export async function fingerprint({ config, configDir }: ConfigPaths): Promise<string | null> {
  try {
    const files = config === undefined ? [] : [config];
    if (configDir !== undefined) {
      const names = (await readdir(configDir)).filter((name) => /\.ya?ml$/.test(name)).sort();
      if (names.length === 0 && config === undefined) return null;
      files.push(...names.map((name) => join(configDir, name)));
    }
    const stats = await Promise.all(files.map((file) => stat(file)));
    return files.map((file, n) => `${file} ${stats[n]?.mtimeMs} ${stats[n]?.size} ${stats[n]?.ino}`).join('\n');
  } catch {
    return null; // gone for the moment: noticed when it is back
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
