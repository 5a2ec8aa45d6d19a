import { formatDuration } from '../../config/duration.ts';
import { BLANK, type Line, type Span, span, type Tone, wrap } from './line.ts';
import { DEMO_TIMINGS, timeOfDay } from './timings.ts';
import type { DemoView, JournalEntry, LeaderView, LeaseView, ReplicaView } from './view.ts';

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** The characters beyond ASCII, for terminals that have them. */
export interface Glyphs {
  readonly full: string;
  readonly empty: string;
  readonly pointer: string;
}

export const UNICODE: Glyphs = { full: '█', empty: '░', pointer: '▸' };
export const ASCII: Glyphs = { full: '#', empty: '.', pointer: '>' };

const { leaseDurationMs, renewDeadlineMs, renewIntervalMs } = DEMO_TIMINGS;
const BAR_WIDTH = 24;
const TIME_WIDTH = 9;

/** The screen: no more lines than `rows`; the journal takes what the rest leaves, its newest entries last. */
export function render(view: DemoView, { columns, rows }: Size, glyphs: Glyphs): Line[] {
  const top = [...title(), BLANK, ...headline(view, glyphs), BLANK, ...table(view, glyphs), BLANK];
  const bottom = [BLANK, ...help(view, columns)];
  const room = Math.max(0, rows - top.length - bottom.length);
  const journal = view.journal.flatMap((entry) => journalLines(entry, columns));
  const shown = room === 0 ? [] : journal.slice(-room);
  const filler = Array.from({ length: room - shown.length }, () => BLANK);
  // A screen that is too low loses the title first and the keys last.
  return [...top, ...shown, ...filler, ...bottom].slice(-rows);
}

function title(): Line[] {
  const timings = [leaseDurationMs, renewDeadlineMs, renewIntervalMs].map(formatDuration);
  return [
    [span(' Leasegate demo', 'strong'), span(': three replicas compete for one Lease on an embedded API server')],
    [
      span(
        ` Short timings: lease ${timings[0]}, deadline ${timings[1]}, renewal every ${timings[2]} (default 15s, 10s, 2s)`,
        'faint',
      ),
    ],
  ];
}

function headline({ leader, lease, conflict, nowWallMs }: DemoView, glyphs: Glyphs): Line[] {
  const who: Line =
    conflict !== null
      ? [span(` TWO LEADERS: ${conflict}`, 'bad')]
      : leader === null
        ? [span(' Leader  nobody', 'warn')]
        : [
            span(' Leader  '),
            span(leader.name, 'good'),
            span(`  since ${timeOfDay(leader.sinceWallMs)} (${seconds(nowWallMs - leader.sinceWallMs, 0)})`),
            span(`  fencing token ${leader.token}`),
          ];
  return [who, leadsBar(leader, glyphs), leaseBar(lease, glyphs)];
}

function leadsBar(leader: LeaderView | null, glyphs: Glyphs): Line {
  const leftMs = leader?.validForMs ?? 0;
  const note =
    leader === null
      ? 'no work is done'
      : leader.frozen
        ? `its promise ends in ${seconds(leftMs)}, it is frozen`
        : `leads ${seconds(leftMs)} more, unless it renews`;
  return [span(' Valid   '), ...bar(leftMs / renewDeadlineMs, 'good', glyphs), span(`  ${note}`)];
}

function leaseBar({ holder, expiresInMs }: LeaseView, glyphs: Glyphs): Line {
  const note =
    holder === null
      ? 'free for whoever is first'
      : expiresInMs > 0
        ? `${holder}'s, others may take it in ${seconds(expiresInMs)}`
        : `${holder}'s has expired, others may take it`;
  const share = holder === null ? 0 : expiresInMs / leaseDurationMs;
  return [span(' Lease   '), ...bar(share, 'warn', glyphs), span(`  ${note}`)];
}

function bar(share: number, tone: Tone, { full, empty }: Glyphs): Span[] {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * BAR_WIDTH);
  return [span(full.repeat(filled), tone), span(empty.repeat(BAR_WIDTH - filled), 'faint')];
}

function table({ replicas, selected }: DemoView, glyphs: Glyphs): Line[] {
  const header = `   ${columnsOf('replica', 'pid', 'state', 'writes/s', 'reads/s', 'status page')}`;
  return [
    [span(header, 'faint')],
    ...replicas.map((replica, index) => row(replica, index === selected ? glyphs.pointer : ' ')),
  ];
}

function row(replica: ReplicaView, pointer: string): Line {
  const [state, tone] = stateOf(replica);
  const pid = replica.pid === null ? '-' : String(replica.pid);
  const text = columnsOf(replica.name, pid, state, ...ratesOf(replica), replica.url ?? '-');
  const at = text.indexOf(state, PID_END);
  return [
    span(` ${pointer} `, 'strong'),
    span(text.slice(0, at)),
    span(text.slice(at, at + state.length), tone),
    span(text.slice(at + state.length)),
  ];
}

const PID_END = 16;

function columnsOf(name: string, pid: string, state: string, writes: string, reads: string, url: string): string {
  return `${name.padEnd(8)}${pid.padEnd(8)}${state.padEnd(19)}${writes.padEnd(9)}${reads.padEnd(8)} ${url}`;
}

function stateOf({ state, cutOff }: ReplicaView): readonly [text: string, tone: Tone] {
  const also = cutOff ? ', cut off' : '';
  switch (state.kind) {
    case 'leader':
      return [`LEADER${also}`, 'good'];
    case 'standby':
      return [`standby${also}`, cutOff ? 'warn' : 'plain'];
    case 'frozen':
      return [`frozen${also}`, 'warn'];
    case 'starting':
      return [`starting${also}`, 'faint'];
    case 'silent':
      return [`no answer${also}`, 'bad'];
    case 'ended':
      return [state.how, 'bad'];
  }
}

const READS: ReadonlySet<string> = new Set(['get', 'list', 'watch']);

/** Writes and reads per second. An open watch is no request. */
function ratesOf({ requestsPerSecond }: ReplicaView): readonly [writes: string, reads: string] {
  let [writes, reads] = [0, 0];
  for (const [verb, rate] of Object.entries(requestsPerSecond)) {
    if (READS.has(verb)) reads += rate;
    else writes += rate;
  }
  return [writes.toFixed(1), reads.toFixed(1)];
}

function journalLines({ atWallMs, text, tone }: JournalEntry, columns: number): Line[] {
  const rows = wrap(text, Math.max(20, columns - TIME_WIDTH - 2));
  return rows.map((row, index) => [
    span(index === 0 ? ` ${timeOfDay(atWallMs)} ` : ' '.repeat(TIME_WIDTH + 1), 'faint'),
    span(row, tone),
  ]);
}

/** The keys, and what they would do to the selected replica now. Two rows at 80 columns. */
function help({ replicas, selected }: DemoView, columns: number): Line[] {
  const { name, state, cutOff } = replicas[selected]!;
  return [`${name}: ${keysFor(state.kind, cutOff)}`, '1-3 select | ? explain | q quit']
    .flatMap((text) => wrap(text, columns - 1))
    .map((row) => [span(' '), ...row.split(KEY).map(keySpan)]);
}

/** What `?` adds to the journal. */
export const KEYS_EXPLAINED =
  'Keys: 1-3 select a replica, then: k kill it (SIGKILL); f freeze it (SIGSTOP) or let it go on (SIGCONT); c cut it off ' +
  'from the API server or reconnect it; t tell it to end (SIGTERM); s have a leader step down at once; r revive an ended one. q quits.';

/** Splits so that every other part is a key. */
const KEY = /(?<=^| )(1-3|[a-z?])(?= )/;
const keySpan = (text: string, index: number): Span => span(text, index % 2 === 1 ? 'strong' : 'plain');

function keysFor(kind: ReplicaView['state']['kind'], cutOff: boolean): string {
  const network = cutOff ? 'c reconnect' : 'c cut off';
  if (kind === 'ended') return `r revive ${network}`;
  if (kind === 'frozen') return `f continue (SIGCONT) k kill ${network}`;
  return `k kill f freeze (SIGSTOP) ${network} t SIGTERM${kind === 'leader' ? ' s step down (immediate)' : ''}`;
}

function seconds(ms: number, digits = 1): string {
  return `${(Math.max(0, ms) / 1_000).toFixed(digits)} s`;
}
