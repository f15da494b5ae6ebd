/**
 * The policy host: runs the policies of users in one child process, where they can harm nothing, and asks them. Whatever a
 * policy does, every question is settled within the answer deadline and nobody else waits for it. Must never run a
 * policy's code in this process, nor reject.
 */
import { LIMITS } from '../../core/limits.ts';
import { BOUNDS } from './bounds.ts';
import { childCommand } from './confinement.ts';
import { guiltyFault, innocentFault, plain } from './fault.ts';
import { createJobs, isFull, type JobResult } from './jobs.ts';
import { readAnswer } from './read-answer.ts';
import { createSlot, type Slot } from './slot.ts';
import { createSupervisor } from './supervisor.ts';
import type {
  Hook,
  PolicyFault,
  PolicyHost,
  PolicyHostOptions,
  PolicyProgram,
  PolicyReply,
  PolicyResult,
  PolicyShape,
} from './types.ts';

/** So often a program is brought up when something else than itself is in the way. */
const ATTEMPTS = 3;

export function createPolicyHost(options: PolicyHostOptions = {}): PolicyHost {
  const slots = new Map<string, Slot>();
  const jobs = createJobs();
  const firstLoads = new Set<Slot>();

  const supervisor = createSupervisor({
    command: options.command ?? childCommand(),
    onReady(link) {
      jobs.attach(link);
      for (const slot of slots.values()) {
        if (slot.phase() !== 'broken' && !firstLoads.has(slot)) void bringUpAgain(slot);
      }
    },
    onMessage: (message, body) => jobs.onMessage(message, body),
    onEnd(end) {
      jobs.attach(null, end); // first, so that who is to blame is broken and not merely lost
      for (const slot of slots.values()) slot.lost();
    },
    isWanted: () => [...slots.values()].some((slot) => slot.phase() !== 'broken'),
  });

  /** After the child was started again, or the machine was too busy for an event. */
  async function bringUpAgain(slot: Slot): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const result = await slot.bringUp();
      if (result.ok || !supervisor.isReady() || slots.get(slot.program.slot) !== slot) return;
      if (attempt === ATTEMPTS && slot.phase() !== 'broken') slot.giveUp(result.fault);
      if (slot.phase() === 'broken') return tell(slot, result.fault);
    }
  }

  function tell(slot: Slot, fault: PolicyFault): void {
    if (slots.get(slot.program.slot) === slot) options.onFault?.(slot.program.slot, fault);
  }

  async function load(program: PolicyProgram): Promise<PolicyResult<PolicyShape>> {
    drop(program.slot);
    const tooLong = sizeFault(program);
    if (tooLong !== null) return { ok: false, fault: tooLong };
    const slot: Slot = createSlot(program, {
      jobs,
      replay: options.replay,
      onBroken: (fault) => tell(slot, fault),
      onBehind: () => void bringUpAgain(slot),
    });
    slots.set(program.slot, slot);
    firstLoads.add(slot);
    try {
      for (let attempt = 1; ; attempt++) {
        const why = await supervisor.ready();
        if (why !== null) return refuse(slot, innocentFault(program, 'load', 'dead', why));
        const result = await slot.bringUp();
        if (result.ok || result.fault.guilty || slots.get(program.slot) !== slot) return result;
        if (attempt === ATTEMPTS || slot.phase() === 'broken') return refuse(slot, result.fault);
      }
    } finally {
      firstLoads.delete(slot);
    }
  }

  /** It could not be loaded through no fault of its own: nothing is left of it, so that it can be tried again. */
  function refuse(slot: Slot, fault: PolicyFault): { ok: false; fault: PolicyFault } {
    if (slots.get(slot.program.slot) === slot) drop(slot.program.slot);
    return { ok: false, fault };
  }

  function drop(name: string): void {
    slots.get(name)?.drop();
    slots.delete(name);
  }

  function ask<H extends Hook>(
    name: string,
    hook: H,
    viewJson: string,
    seed: number,
  ): Promise<PolicyResult<PolicyReply<H>>> {
    const slot = slots.get(name);
    const refused = whyNot(name, slot, hook, viewJson);
    if (refused !== null || slot === undefined) return Promise.resolve({ ok: false, fault: refused as PolicyFault });
    const { program } = slot;
    const { promise, resolve } = Promise.withResolvers<PolicyResult<PolicyReply<H>>>();
    slot.flush();
    jobs.add(
      {
        message: { op: 'call', slot: name, hook, seed },
        body: viewJson,
        rank: program.live ? 0 : 1,
        // an event that came before it may have broken it meanwhile, or it was dropped
        refuse: () =>
          slot.phase() === 'ready'
            ? null
            : { ok: false, guilty: false, kind: 'dead', why: 'the policy is not there any more' },
        settle: (result) => resolve(slot.phase() === 'broken' ? fail(slot, hook) : replyOf(program, hook, result)),
      },
      BOUNDS.policyAnswerMs,
    );
    return promise;
  }

  function fail(slot: Slot, hook: Hook): { ok: false; fault: PolicyFault } {
    return { ok: false, fault: slot.fault() ?? innocentFault(slot.program, hook, 'dead', 'it is not loaded') };
  }

  /** Why a question cannot be put in the line; null when it can. */
  function whyNot(name: string, slot: Slot | undefined, hook: Hook, viewJson: string): PolicyFault | null {
    const no = (kind: PolicyFault['kind'], why: string) =>
      innocentFault(slot?.program ?? { file: '', source: '' }, hook, kind, why);
    if (slot === undefined) return no('dead', `no policy is loaded in "${name}"`);
    if (slot.phase() === 'broken') return fail(slot, hook).fault;
    if (!supervisor.isReady())
      return no('dead', `the policy host does not run: ${supervisor.status().lastEnd ?? 'it is starting'}`);
    const shape = slot.shape();
    if (slot.phase() === 'loading' || shape === null) return no('dead', 'the policy is being loaded');
    if (hook !== 'plan' && !shape.hooks[hook]) return no('shape', `the policy has no ${hook}()`);
    if (Buffer.byteLength(viewJson) > BOUNDS.policyViewBytesMax) {
      return no('too-long', `the view is longer than ${BOUNDS.policyViewBytesMax} bytes`);
    }
    return isFull(jobs) ? no('timeout', `${jobs.waiting()} questions wait already`) : null;
  }

  return {
    load,
    evolve: (name, upTo, eventsJson) => slots.get(name)?.evolve(upTo, eventsJson),
    ask,
    drop,
    async close() {
      for (const name of [...slots.keys()]) drop(name);
      await supervisor.close();
    },
    status: () => ({
      ...supervisor.status(),
      slots: [...slots].map(([slot, { program, phase, fault }]) => ({
        slot,
        file: program.file,
        phase: phase(),
        fault: fault(),
      })),
    }),
  };
}

function sizeFault(program: PolicyProgram): PolicyFault | null {
  const no = (message: string) => guiltyFault(program, 'load', { kind: 'too-long', message, stack: '' });
  if (Buffer.byteLength(program.source) > LIMITS.policySourceBytesMax) {
    return no(`the file is longer than ${LIMITS.policySourceBytesMax} bytes`);
  }
  if (Buffer.byteLength(JSON.stringify(program.options)) > BOUNDS.policyOptionsBytesMax) {
    return no(`its options are longer than ${BOUNDS.policyOptionsBytesMax} bytes`);
  }
  return null;
}

function replyOf<H extends Hook>(program: PolicyProgram, hook: H, result: JobResult): PolicyResult<PolicyReply<H>> {
  if (!result.ok) {
    const { guilty } = result;
    if (guilty) return { ok: false, fault: guiltyFault(program, hook, result.told) };
    return { ok: false, fault: innocentFault(program, hook, result.kind, result.why) };
  }
  const [json = '', ...lines] = result.body.split('\n');
  const read = readAnswer(hook, json);
  if (!read.ok)
    return { ok: false, fault: guiltyFault(program, hook, { kind: 'nonsense', message: read.message, stack: '' }) };
  const logs = lines
    .slice(0, BOUNDS.policyLogLinesMax)
    .map((line) => plain(line.slice(0, BOUNDS.policyLogLineCharsMax)));
  return { ok: true, value: { answer: read.answer, logs, tookMs: result.tookMs } };
}
