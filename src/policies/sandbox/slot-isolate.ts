/**
 * One policy in its isolate, on the child's side. Every call gets a context of its own, prepared before it is needed, so
 * that nothing but `state` survives from one call to the next. The only file that touches isolated-vm. Only texts and
 * numbers go in and out: an object of the host must never be reachable from inside.
 */
import ivm from 'isolated-vm';
import { BOUNDS } from './bounds.ts';
import { type InsideCall, insideCall } from './inside.ts';
import { type InsideBounds, insideTools } from './inside-tools.ts';
import { lockDown, REMOVED } from './lockdown.ts';
import type { ChildFault } from './messages.ts';
import { sampleOf } from './sample.ts';
import type { Hook } from './types.ts';

/** `starved`: see messages. */
export type Outcome = { ok: true; body: string } | { ok: false; fault: ChildFault; starved?: boolean };

export interface SlotIsolate {
  /** Runs the module once and tells what its default export is, as JSON. */
  describe(): Outcome;
  /** Calls `initial` if the policy has it; from here on these are its options. */
  begin(optionsJson: string): Outcome;
  evolve(eventsJson: string): Outcome;
  call(hook: Hook, viewJson: string, seed: number): Outcome;
  /** How many more contexts should be ready for the next calls. */
  wants(): number;
  /** Prepares one. After an answer was sent, so that it costs no one time. False when that is not possible. */
  prepareOne(): boolean;
  dispose(): void;
}

/** A context in which the policy's module has run, ready for one call. */
interface Prepared {
  context: ivm.Context;
  call: ivm.Reference<InsideCall>;
  policy: ivm.Reference;
  modules: ivm.Module[];
}

const INSIDE: InsideBounds = {
  answerChars: BOUNDS.policyAnswerCharsMax,
  stateChars: BOUNDS.policyStateCharsMax,
  logLines: BOUNDS.policyLogLinesMax,
  logLineChars: BOUNDS.policyLogLineCharsMax,
  messageChars: BOUNDS.policyMessageCharsMax,
  stackChars: BOUNDS.policyStackCharsMax,
};
const AROUND = `(() => {
  (${lockDown})(${JSON.stringify(REMOVED)});
  const bounds = ${JSON.stringify(INSIDE)};
  return (${insideCall})(bounds, (${insideTools})(bounds));
})()`;
const AROUND_FILE = '(turnout)';

/** The one module that a policy may import. `definePolicy` gives editors the types of what it is given. */
export const HELPER_MODULE = 'turnout/policy';
const HELPER_SOURCE = 'export const definePolicy = (policy) => policy;';

export function createSlotIsolate(name: string, source: string): SlotIsolate {
  const timeout = BOUNDS.policyCallMs;
  let isolate: ivm.Isolate | null = null;
  let around: ivm.Script | null = null;
  let ready: Prepared[] = [];
  let hasInitial = false;
  let options = '{}';
  let state = 'null';
  /** The last view, until there is a sample of one. */
  let lastView: string | null = null;
  let sample: string | null = null;

  function prepare(): Prepared {
    if (isolate === null || isolate.isDisposed) {
      // V8 has lost control: nothing in this process can be trusted to go on
      isolate = new ivm.Isolate({
        memoryLimit: BOUNDS.policyHeapMegabytes,
        onCatastrophicError: () => process.abort(),
      });
      around = isolate.compileScriptSync(AROUND, { filename: AROUND_FILE });
      ready = [];
    }
    const context = isolate.createContextSync();
    const call = (around as ivm.Script).runSync(context, { reference: true }) as ivm.Reference<InsideCall>;
    if (sample !== null) call.applySync(undefined, ['warm', undefined, sample, 'null', options, 0], { timeout });
    const module = isolate.compileModuleSync(source, { filename: name });
    const modules = [module];
    for (const specifier of module.dependencySpecifiers) if (specifier !== HELPER_MODULE) throw forbidden(specifier);
    module.instantiateSync(context, () => {
      const helper = (isolate as ivm.Isolate).compileModuleSync(HELPER_SOURCE, { filename: AROUND_FILE });
      modules.push(helper);
      return helper;
    });
    module.evaluateSync({ timeout });
    const { namespace } = module;
    return { context, call, policy: defaultOf(namespace), modules };
  }

  function release({ context, call, policy, modules }: Prepared): void {
    if (isolate === null || isolate.isDisposed) return;
    for (const handle of [call, policy, ...modules, context]) handle.release();
  }

  function runOnce(op: string, body: string, seed: number): Outcome {
    const began = threadCpuMs();
    let prepared: Prepared | undefined;
    try {
      prepared = ready.pop() ?? prepare();
      const args = [op, prepared.policy.derefInto(), body, state, options, seed];
      const told: unknown = prepared.call.applySync(undefined, args as never, { timeout });
      return outcomeOf(told);
    } catch (error) {
      const fault = faultOf(error, isolate?.isDisposed === true);
      return { ok: false, fault, starved: fault.kind === 'timeout' && threadCpuMs() - began < timeout / 2 };
    } finally {
      if (prepared !== undefined) release(prepared);
    }
  }

  /** The clock of an isolate is the wall's. On a busy machine it can end a call that hardly ran: that one is made again. */
  function run(op: string, body: string, seed = 0): Outcome {
    const outcome = runOnce(op, body, seed);
    return !outcome.ok && outcome.starved === true ? runOnce(op, body, seed) : outcome;
  }

  function remember(outcome: Outcome): Outcome {
    if (!outcome.ok) return outcome;
    state = outcome.body;
    return { ok: true, body: '' };
  }

  return {
    describe() {
      const outcome = run('describe', '');
      hasInitial = outcome.ok && /"initial":"function"/.test(outcome.body);
      return outcome;
    },
    begin(optionsJson) {
      options = optionsJson;
      state = 'null';
      return hasInitial ? remember(run('initial', '')) : { ok: true, body: '' };
    },
    evolve(eventsJson) {
      return remember(run('evolve', eventsJson));
    },
    call(hook, viewJson, seed) {
      if (sample === null) lastView = viewJson;
      return run(hook, viewJson, seed);
    },
    wants: () => BOUNDS.policyContextsReady - ready.length,
    prepareOne() {
      if (lastView !== null) sample = sampleOf(lastView);
      lastView = null;
      try {
        ready.push(prepare());
        return true;
      } catch {
        return false; // the next call prepares its own and tells what is wrong
      }
    },
    dispose() {
      ready = [];
      if (isolate !== null && !isolate.isDisposed) isolate.dispose();
    },
  };
}

/** The default export. It has no value yet when the module still waits for something. */
function defaultOf(namespace: ivm.Reference): ivm.Reference {
  try {
    return namespace.getSync('default', { reference: true }) as ivm.Reference;
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    throw new SyntaxError('a policy cannot wait: await at the top of the module is not possible');
  } finally {
    namespace.release();
  }
}

/** What this thread, on which the isolates run, got of the processor, in ms. */
function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

function forbidden(specifier: string): Error {
  return new SyntaxError(`import of "${specifier}" is not possible in policies: the only module is "${HELPER_MODULE}"`);
}

function outcomeOf(told: unknown): Outcome {
  if (typeof told !== 'string') throw new Error('the sandbox gave no text');
  if (told.startsWith('A')) return { ok: true, body: told.slice(1) };
  return { ok: false, fault: JSON.parse(told.slice(1)) as ChildFault };
}

/** What isolated-vm throws; what a policy's functions throw is told by the code around it. Texts may be of any length. */
function faultOf(error: unknown, disposed: boolean): ChildFault {
  const { message: wholeMessage, stack: wholeStack = '' } =
    error instanceof Error ? error : { message: String(error), stack: '' };
  const message = wholeMessage.slice(0, BOUNDS.policyMessageCharsMax);
  const stack = wholeStack.slice(0, BOUNDS.policyStackCharsMax);
  if (/Script execution timed out/.test(message)) {
    return { kind: 'timeout', message: `took longer than ${BOUNDS.policyCallMs} ms`, stack: '' };
  }
  if (disposed)
    return { kind: 'memory', message: `used more than ${BOUNDS.policyHeapMegabytes} MB of memory`, stack: '' };
  if (error instanceof SyntaxError)
    return {
      kind: 'syntax',
      message: `SyntaxError: ${message}`,
      stack: `${message}\n${stack}`.slice(0, BOUNDS.policyStackCharsMax),
    };
  const name = error instanceof Error ? error.name : 'Error';
  return { kind: 'throw', message: `${name}: ${message}`, stack };
}
