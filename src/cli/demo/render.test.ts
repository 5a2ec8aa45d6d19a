import { describe, expect, test } from 'vitest';
import { paint, textOf } from './line.ts';
import { ASCII, KEYS_EXPLAINED, render, UNICODE } from './render.ts';
import type { DemoView, ReplicaState, ReplicaView } from './view.ts';

const replica = (number: number, more: Partial<ReplicaView> = {}): ReplicaView => ({
  name: `demo-${number}`,
  pid: 4_194_300 + number,
  url: `http://127.0.0.1:6553${number}`,
  state: { kind: 'standby' },
  cutOff: false,
  requestsPerSecond: {},
  ...more,
});

const VIEW: DemoView = {
  nowWallMs: Date.UTC(2026, 0, 1, 12, 0, 14),
  leader: {
    name: 'demo-2',
    token: '1042',
    sinceWallMs: Date.UTC(2026, 0, 1, 12, 0, 0),
    validForMs: 1_500,
    frozen: false,
  },
  lease: { holder: 'demo-2', expiresInMs: 3_500 },
  replicas: [
    replica(1),
    replica(2, { state: { kind: 'leader' }, requestsPerSecond: { update: 1, create: 0.2, list: 0.4 } }),
    replica(3, { state: { kind: 'ended', how: 'killed (SIGKILL)' }, pid: null, url: null }),
  ],
  selected: 1,
  journal: [],
  conflict: null,
};

const STATES: readonly ReplicaState[] = [
  { kind: 'starting' },
  { kind: 'leader' },
  { kind: 'standby' },
  { kind: 'frozen' },
  { kind: 'silent' },
  { kind: 'ended', how: 'killed (SIGKILL)' },
];

const entries = (count: number, text: string) =>
  Array.from({ length: count }, (_, index) => ({ atWallMs: 0, text: `${text} ${index}`, tone: 'plain' as const }));

const screen = (view: DemoView, columns = 80, rows = 24) =>
  render(view, { columns, rows }, UNICODE).map((line) => paint(line, columns, false));

describe('the live view', () => {
  test('says who leads, since when, with which token and for how long', () => {
    const [who, valid, lease] = screen(VIEW).slice(3, 6);
    expect(who).toMatch(/Leader {2}demo-2 {2}since \d\d:\d\d:\d\d \(14 s\) {2}fencing token 1042/);
    expect(valid).toContain('leads 1.5 s more');
    expect(valid!.match(/█/g)).toHaveLength(12);
    expect(lease).toContain("demo-2's, others may take it in 3.5 s");
    expect(lease!.match(/█/g)).toHaveLength(17);
  });

  test('says of a frozen leader when its promise ends, and not that it might renew', () => {
    const valid = screen({ ...VIEW, leader: { ...VIEW.leader!, frozen: true } })[4];
    expect(valid).toContain('its promise ends in 1.5 s, it is frozen');
    expect(valid).not.toContain('renews');
  });

  test('says that nobody leads, and when the next one may', () => {
    const text = screen({ ...VIEW, leader: null, lease: { holder: 'demo-2', expiresInMs: 900 } }).join('\n');
    expect(text).toContain('Leader  nobody');
    expect(text).toContain('others may take it in 0.9 s');
    const free = screen({ ...VIEW, leader: null, lease: { holder: null, expiresInMs: 0 } }).join('\n');
    expect(free).toContain('free for whoever is first');
  });

  test('shows each replica with its state, its requests and its status page, and marks the selected one', () => {
    const rows = screen(VIEW).filter((line) => line.includes('demo-') && line.includes('0.'));
    expect(rows).toEqual([
      expect.stringMatching(/^ {3}demo-1 .* standby .* 0\.0 .* 0\.0 .*http:\/\/127\.0\.0\.1:65531$/),
      expect.stringMatching(/^ ▸ demo-2 .* LEADER .* 1\.2 .* 0\.4 .*http:\/\/127\.0\.0\.1:65532$/),
      expect.stringMatching(/^ {3}demo-3 .* - .* killed \(SIGKILL\) .* 0\.0 .* -$/),
    ]);
  });

  test('shows the whole URL of each status page at 80 columns, whatever the state', () => {
    for (const state of STATES) {
      for (const cutOff of [false, true]) {
        const lines = screen({
          ...VIEW,
          replicas: VIEW.replicas.map((one) => ({ ...one, ...replica(1), state, cutOff })),
        });
        expect(lines.filter((line) => line.endsWith('http://127.0.0.1:65531'))).toHaveLength(3);
      }
    }
  });

  test('offers the keys that make sense for the selected replica', () => {
    const keys = (selected: number, more: Partial<ReplicaView> = {}) => {
      const replicas = VIEW.replicas.map((one, index) => (index === selected ? { ...one, ...more } : one));
      return screen({ ...VIEW, selected, replicas }).at(-2);
    };
    expect(keys(0)).toContain('demo-1: k kill f freeze (SIGSTOP) c cut off t SIGTERM');
    expect(keys(1)).toContain('demo-2: k kill f freeze (SIGSTOP) c cut off t SIGTERM s step down (immediate)');
    expect(keys(2)).toContain('demo-3: r revive c cut off');
    expect(keys(1, { cutOff: true })).toContain(
      'demo-2: k kill f freeze (SIGSTOP) c reconnect t SIGTERM s step down (immediate)',
    );
    expect(keys(0, { state: { kind: 'frozen' }, cutOff: true })).toContain(
      'demo-1: f continue (SIGCONT) k kill c reconnect',
    );
  });

  test('shows the keys that are always there below', () => {
    expect(screen(VIEW).at(-1)).toBe(' 1-3 select | ? explain | q quit');
  });

  test('explains every key that acts', () => {
    for (const key of 'kfctsrq') expect(KEYS_EXPLAINED).toMatch(new RegExp(`[:;,.] ${key} `));
    expect(KEYS_EXPLAINED.length).toBeLessThanOrEqual(400);
  });

  test('cries out when two led at once', () => {
    const view = { ...VIEW, conflict: 'demo-1 (token 5) and demo-2 (token 7)' };
    expect(screen(view).join('\n')).toContain('TWO LEADERS: demo-1 (token 5) and demo-2 (token 7)');
  });

  test('shows the newest of what happened, as much as there is room for', () => {
    const lines = screen({ ...VIEW, journal: entries(50, 'number') }).join('\n');
    expect(lines).toContain('number 49');
    expect(lines).not.toContain('number 10');
  });

  test.each([
    [80, 24],
    [132, 50],
    [50, 14],
    [20, 5],
    [1, 1],
  ])('is never wider than %i columns, nor higher than %i rows', (columns, rows) => {
    for (const state of STATES) {
      const replicas = VIEW.replicas.map((one) => ({ ...one, state, cutOff: true }));
      const journal = entries(30, `something long happened ${'and went on '.repeat(12)}${'x'.repeat(200)}`);
      for (const journalShown of [journal, []]) {
        const lines = screen({ ...VIEW, replicas, journal: journalShown }, columns, rows);
        expect(lines).toHaveLength(rows);
        expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
      }
    }
  });

  test('keeps the keys in sight on a low terminal', () => {
    expect(screen(VIEW, 80, 5).at(-1)).toContain('q quit');
  });

  test('holds nothing beyond ASCII for terminals that show no more, unless it must be cut', () => {
    const text = render(VIEW, { columns: 80, rows: 24 }, ASCII).map(textOf).join('');
    expect([...text].filter((char) => char > '~')).toEqual([]);
  });
});
