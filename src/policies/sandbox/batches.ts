/** Cuts events into pieces, each small enough for one call of `evolve`. Must never change their order. */
import { BOUNDS } from './bounds.ts';

/** JSON arrays. Throws when one event alone is too long. */
export function* batches(eventsJson: readonly string[]): Generator<string> {
  let batch: string[] = [];
  let chars = 0;
  for (const event of eventsJson) {
    const bytes = event.length > BOUNDS.policyBatchCharsMax ? Buffer.byteLength(event) + 2 : 0;
    if (bytes > BOUNDS.policyViewBytesMax) {
      throw new RangeError(`an event is ${bytes} bytes long, at most ${BOUNDS.policyViewBytesMax} are allowed`);
    }
    if (
      batch.length > 0 &&
      (batch.length >= BOUNDS.policyBatchEvents || chars + event.length > BOUNDS.policyBatchCharsMax)
    ) {
      yield `[${batch.join(',')}]`;
      batch = [];
      chars = 0;
    }
    batch.push(event);
    chars += event.length;
  }
  if (batch.length > 0) yield `[${batch.join(',')}]`;
}
