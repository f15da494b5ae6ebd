/**
 * The child process in which policies run: takes one job after another from its input and answers each. Must never do
 * anything before it has seen that its walls stand, and never say anything but frames on its output.
 */
import { writeSync } from 'node:fs';
import { BOUNDS } from './bounds.ts';
import { missingWalls } from './confinement.ts';
import { createFrameReader, encodeFrame } from './frames.ts';
import type { FromChild, ToChild } from './messages.ts';
import type { Outcome, SlotIsolate } from './slot-isolate.ts';
import { strippedBroke, stripTypes } from './strip-types.ts';

const missing = missingWalls();
if (missing.length > 0) {
  process.stderr.write(`the policy host refuses to start: ${missing.join('; ')}\n`);
  process.exit(78);
}
const { createSlotIsolate } = await import('./slot-isolate.ts');

const STDOUT = 1;
const slots = new Map<string, SlotIsolate>();
let lastId = 0;
let lastSlot: SlotIsolate | undefined;
let pause: NodeJS.Timeout | undefined;
let resting: NodeJS.Immediate | undefined;
let mustEnd = false;

/** The parent ends this process by closing its input, or by force; what a terminal sends to all is not for it. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

/** Written at once: a stream takes longer for this than the parent may wait for. */
function say(message: FromChild, body = ''): void {
  const frame = encodeFrame(message, body);
  for (let written = 0; written < frame.length; ) written += writeSync(STDOUT, frame, written);
}

function load({ slot, name, strip }: ToChild & { op: 'load' }, source: string): Outcome {
  slots.get(slot)?.dispose();
  slots.delete(slot);
  const stripped = strip ? stripTypes(source, name) : ({ ok: true, source } as const);
  mustEnd = strippedBroke(stripped);
  if (!stripped.ok) return { ok: false, fault: { kind: 'syntax', message: stripped.message, stack: stripped.stack } };
  const isolate = createSlotIsolate(name, stripped.source);
  slots.set(slot, isolate);
  return isolate.describe();
}

function perform(job: ToChild, body: string): Outcome {
  if (job.op === 'load') return load(job, body);
  const isolate = slots.get(job.slot);
  if (job.op === 'drop') {
    isolate?.dispose();
    slots.delete(job.slot);
    return { ok: true, body: '' };
  }
  if (isolate === undefined) throw new Error(`no policy is loaded in "${job.slot}"`);
  if (job.op === 'begin') return isolate.begin(body);
  if (job.op === 'evolve') return isolate.evolve(body);
  return isolate.call(job.hook, body, job.seed);
}

/** Prepares contexts one by one as long as no job comes; at once if there is none, for then the next job needs it. */
function restLater(): void {
  if (lastSlot?.wants() === BOUNDS.policyContextsReady) resting = setImmediate(rest);
  else pause = setTimeout(rest, BOUNDS.policyQuietMs);
}

function rest(): void {
  if (lastSlot !== undefined && lastSlot.wants() > 0 && lastSlot.prepareOne() && lastSlot.wants() > 0) {
    resting = setImmediate(rest);
  } else {
    say({ op: 'rested', id: lastId });
  }
}

function wake(): void {
  clearTimeout(pause);
  clearImmediate(resting);
}

const reader = createFrameReader(({ head, body }) => {
  wake();
  const job = head as ToChild;
  const began = performance.now();
  const outcome = perform(job, body);
  const tookMs = performance.now() - began;
  if (outcome.ok) say({ op: 'done', id: job.id, tookMs }, outcome.body);
  else say({ op: 'fault', id: job.id, fault: outcome.fault, starved: outcome.starved === true });
  if (mustEnd) process.exit(0);
  lastId = job.id;
  lastSlot = slots.get(job.slot);
  restLater();
}, BOUNDS.policyViewBytesMax);

process.stdin.on('data', (chunk: Buffer) => reader.push(chunk));
process.stdin.on('end', () => process.exit(0));
say({ op: 'hello' });
