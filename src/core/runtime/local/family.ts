/**
 * Who belongs to a run, and how they are signalled (kernel section 5). The family is the union of the run's process group,
 * the processes with its mark in their environment, those whose fd 1 or 2 is its output file, and the children of these.
 * Must never signal a pid whose start time differs, nor a group in which no member of the family is left.
 */
import { hasProc, type Identity, isAlive, isZombie, type Proc, readProcess, scanProcesses } from './proc.ts';

/** By what a run's processes are recognised. */
export interface FamilyMark {
  /** First process of the run and leader of its group; null when it was never learned. */
  leader: Identity | null;
  /** True for a child of this turnout: nobody else can have taken its group's number while we watch. */
  ownChild: boolean;
  /** Value of its `TURNOUT_RUN`. */
  tag: string;
  /** `<dev>:<ino>` of its output file. */
  output: string | null;
  /** Start times of the members seen so far, by pid. A member stays one, whatever it does to its environment. */
  known: Map<number, string>;
}

export interface Member extends Identity {
  group: number;
  name: string;
  state: string;
}

/** The living members of the family now; they are remembered in `mark.known`. */
export async function findFamily(mark: FamilyMark): Promise<Member[]> {
  if (!hasProc) return groupOnly(mark);
  return familyOf(await scanProcesses(mark.leader?.start), mark);
}

/** The same for a table that was read already. */
export function familyOf(table: readonly Proc[], mark: FamilyMark): Member[] {
  const members = new Set(table.filter((proc) => proc.pid !== process.pid && bearsMark(proc, mark)));
  if (isGroupOurs(table, members, mark)) {
    for (const proc of table) if (proc.group === mark.leader?.pid) members.add(proc);
  }
  addChildren(table, members);
  const living = [...members].filter((proc) => !isZombie(proc.state));
  for (const { pid, start } of living) mark.known.set(pid, start);
  return living;
}

/**
 * Sends a signal to the members: once to the run's group, one by one to those outside it. Each is looked at again
 * immediately before.
 */
export function signalFamily(mark: FamilyMark, members: readonly Member[], signal: NodeJS.Signals): void {
  const leader = mark.leader?.pid ?? 0;
  if (members.some((member) => member.group === leader)) signalGroup(mark.leader, members, signal);
  for (const member of members) if (member.group !== leader) signalOne(member, signal);
}

/** Signals the group that `leader` leads, if one of these members is still in it. */
export function signalGroup(leader: Identity | null, members: readonly Identity[], signal: NodeJS.Signals): boolean {
  if (leader === null || leader.pid <= 1) return false;
  if (hasProc && !members.some((member) => isInGroup(member, leader.pid))) return false;
  return send(-leader.pid, signal);
}

/** Signals one process, if it still is the one that was meant. */
export function signalOne(member: Identity, signal: NodeJS.Signals): boolean {
  if (member.pid <= 1 || member.pid === process.pid || !isAlive(member)) return false;
  return send(member.pid, signal);
}

function bearsMark(proc: Proc, mark: FamilyMark): boolean {
  if (mark.known.get(proc.pid) === proc.start || proc.tag === mark.tag) return true;
  if (proc.pid === mark.leader?.pid && proc.start === mark.leader.start) return true;
  return mark.output !== null && proc.outputs.includes(mark.output);
}

/** A group's number is free for strangers once the group is empty; until then one of us is in it, or we watch it. */
function isGroupOurs(table: readonly Proc[], members: ReadonlySet<Proc>, mark: FamilyMark): boolean {
  const { leader } = mark;
  if (leader === null) return false;
  if (table.some((proc) => proc.pid === leader.pid && proc.start !== leader.start)) return false;
  return mark.ownChild || [...members].some((proc) => proc.group === leader.pid);
}

/** What a member started is a member, even if it took another session, environment and output. */
function addChildren(table: readonly Proc[], members: Set<Proc>): void {
  const pids = new Set([...members].filter((proc) => !isZombie(proc.state)).map((proc) => proc.pid));
  for (let grew = pids.size > 0; grew; ) {
    grew = false;
    for (const proc of table) {
      if (pids.has(proc.pid) || !pids.has(proc.parent) || proc.pid === process.pid) continue;
      members.add(proc);
      pids.add(proc.pid);
      grew = true;
    }
  }
}

function isInGroup(member: Identity, group: number): boolean {
  const now = readProcess(member.pid);
  return now !== null && now.start === member.start && now.group === group;
}

/** Without /proc: the group answers, or it does not. Only for our own children, whose group nobody else can have taken. */
function groupOnly({ leader, ownChild }: FamilyMark): Member[] {
  if (leader === null || !ownChild || leader.pid <= 1 || !send(-leader.pid, 0)) return [];
  return [{ ...leader, group: leader.pid, name: '', state: '' }];
}

/** False when nobody is there any more, or nobody whom we may signal. */
function send(target: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(target, signal);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ESRCH') return false;
    // somebody is there: as evidence that counts, as a signal it did not arrive
    if (code === 'EPERM') return signal === 0;
    throw error;
  }
}
