/**
 * One loaded policy on the parent's side: brings it up in a child (compile, shape, options, memory), hands it events in
 * pieces, and knows when it is broken. Must never let a question pass an event that came before it.
 */
import { batches } from './batches.ts';
import { BOUNDS } from './bounds.ts';
import { guiltyFault, innocentFault } from './fault.ts';
import type { Job, JobResult, Jobs } from './jobs.ts';
import { judge } from './judge.ts';
import type { PolicyFault, PolicyHostOptions, PolicyProgram, PolicyResult, PolicyShape } from './types.ts';

export interface Slot {
  readonly program: PolicyProgram;
  phase(): 'loading' | 'ready' | 'broken';
  fault(): PolicyFault | null;
  shape(): PolicyShape | null;
  bringUp(): Promise<PolicyResult<PolicyShape>>;
  evolve(upTo: number, eventsJson: readonly string[]): void;
  /** Puts the events that wait in the line, in front of a question that is about to be asked. */
  flush(): void;
  /** The child is gone, and with it what was brought up. */
  lost(): void;
  /** It is broken from here on: it could not be brought up again. */
  giveUp(fault: PolicyFault): void;
  drop(): void;
}

export interface SlotPorts {
  jobs: Jobs;
  replay: PolicyHostOptions['replay'];
  /** Called for a fault in `evolve`, when the slot is broken. */
  onBroken(fault: PolicyFault): void;
  /** It missed an event through no fault of its own, so it must be brought up again. */
  onBehind(): void;
}

type Step = Pick<Job, 'message' | 'body'>;

export function createSlot(program: PolicyProgram, { jobs, replay, onBroken, onBehind }: SlotPorts): Slot {
  const { slot, file } = program;
  let phase: 'loading' | 'ready' | 'broken' = 'loading';
  let fault: PolicyFault | null = null;
  let shape: PolicyShape | null = null;
  let position = program.position;
  let events: string[] = [];
  let timer: NodeJS.Timeout | undefined;
  /** Raised when what is under way no longer counts: dropped, or the child is gone. */
  let life = 0;
  let dropped = false;

  function broken(found: PolicyFault): { ok: false; fault: PolicyFault } {
    fault = found;
    phase = 'broken';
    events = [];
    clearTimeout(timer);
    // the child need not keep it
    jobs.add({ message: { op: 'drop', slot }, body: '', rank: 2, settle: () => {} });
    return { ok: false, fault: found };
  }

  function faultOf(result: JobResult & { ok: false }, during: PolicyFault['during']): PolicyFault {
    if (result.guilty) return guiltyFault(program, during, result.told);
    return innocentFault(program, during, result.kind, result.why);
  }

  /** One step of bringing it up, refused once that no longer counts. */
  function step({ message, body }: Step, mine: number): Promise<JobResult> {
    const { promise, resolve } = Promise.withResolvers<JobResult>();
    const stopped: JobResult = {
      ok: false,
      guilty: false,
      kind: 'dead',
      why: 'it was dropped or the policy host ended',
    };
    const refuse = () => (life === mine ? null : stopped);
    jobs.add({ message, body, rank: 2, refuse, settle: resolve });
    return promise;
  }

  async function bringUp(): Promise<PolicyResult<PolicyShape>> {
    const mine = ++life;
    phase = 'loading';
    fault = null;
    shape = null;
    events = [];
    const upTo = position;
    const fail = (found: PolicyFault) =>
      found.guilty && !dropped ? broken(found) : ({ ok: false, fault: found } as const);

    const name = file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1);
    const message = { op: 'load', slot, file, name, strip: /\.m?ts$/.test(file) } as const;
    const loaded = await step({ message, body: program.source }, mine);
    if (!loaded.ok) return fail(faultOf(loaded, 'load'));
    const found = judge(program, loaded.body);
    if (!found.ok) return fail(found.fault);
    const begun = await step({ message: { op: 'begin', slot }, body: JSON.stringify(found.value.options) }, mine);
    if (!begun.ok) return fail(faultOf(begun, 'initial'));
    const replayed = await rebuild(found.value, upTo, mine);
    if (replayed !== null) return fail(replayed);
    if (life !== mine) return { ok: false, fault: innocentFault(program, 'load', 'dead', 'it was dropped') };
    shape = found.value;
    phase = 'ready';
    if (events.length > 0) arm();
    return { ok: true, value: shape };
  }

  async function rebuild(
    { hooks, events: types }: PolicyShape,
    upTo: number,
    mine: number,
  ): Promise<PolicyFault | null> {
    if (!hooks.evolve || upTo === 0) return null;
    try {
      if (replay === undefined) throw new Error('nobody gives the events again');
      for await (const some of replay({ slot, types, upTo })) {
        for (const body of batches(some)) {
          const done = await step({ message: { op: 'evolve', slot }, body }, mine);
          if (!done.ok) return faultOf(done, 'evolve');
        }
      }
      return null;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const found = innocentFault(program, 'evolve', 'dead', `its memory cannot be rebuilt: ${why}`);
      return dropped ? found : broken(found).fault;
    }
  }

  function arm(): void {
    timer ??= setTimeout(flush, BOUNDS.policyEventsGatherMs).unref();
  }

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (phase !== 'ready' || events.length === 0) return;
    const mine = life;
    const some = events;
    events = [];
    let pieces: string[];
    try {
      pieces = [...batches(some)];
    } catch (error) {
      return onBroken(broken(innocentFault(program, 'evolve', 'too-long', (error as RangeError).message)).fault);
    }
    for (const body of pieces) {
      const settle = (result: JobResult) => {
        if (result.ok || life !== mine || phase === 'broken') return;
        if (result.guilty) return onBroken(broken(faultOf(result, 'evolve')).fault);
        if (result.kind === 'dead') return; // then all is lost, and told so
        lost();
        onBehind();
      };
      const gone: JobResult = { ok: false, guilty: false, kind: 'dead', why: 'the policy host ended' };
      const refuse = () => (life === mine && phase === 'ready' ? null : gone);
      jobs.add({ message: { op: 'evolve', slot }, body, rank: program.live ? 0 : 1, refuse, settle });
    }
  }

  function lost(): void {
    life++;
    if (phase !== 'broken') phase = 'loading';
  }

  return {
    program,
    phase: () => phase,
    fault: () => fault,
    shape: () => shape,
    bringUp,
    evolve(upTo, eventsJson) {
      position = upTo;
      if (phase === 'broken' || shape?.hooks.evolve === false) return;
      for (const event of eventsJson) events.push(event);
      if (events.length > BOUNDS.policyEventsWaitingMax) {
        const why = `${events.length} events wait for evolve(), which cannot keep up`;
        onBroken(broken(innocentFault(program, 'evolve', 'timeout', why)).fault);
      } else if (phase === 'ready' && events.length >= BOUNDS.policyBatchEvents) flush();
      else if (phase === 'ready' && events.length > 0) arm();
    },
    flush,
    lost,
    giveUp: (found) => void broken(found),
    drop() {
      life++;
      dropped = true;
      clearTimeout(timer);
      if (phase === 'broken') return;
      phase = 'loading'; // so that no question reaches what takes its place
      jobs.add({ message: { op: 'drop', slot }, body: '', rank: 2, settle: () => {} });
    },
  };
}
