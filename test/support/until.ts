/** Long enough for a busy machine; whoever waits this long for a condition waits in vain. */
const WITHIN_MS = 25_000;

/** Waits until `condition` gives something else than undefined, null or false; throws, saying what was waited for. */
export async function until<T>(
  what: string,
  condition: () => T | undefined | null | false | Promise<T | undefined | null | false>,
  withinMs: number = WITHIN_MS,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== null && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
