import supertest from 'supertest';
import { describe, expect, test, vi } from 'vitest';
import type { Member } from '../ports/membership.ts';
import { LIMITS } from './limits.ts';
import { fixture, openStream, StubMembership, serve } from './test-fixture.ts';

const MEMBER: Member = {
  identity: 'web-x_1f',
  campaigns: ['web'],
  candidate: 'web-1_77aa_b2',
  pod: 'web-1',
  address: '10.0.0.2:4042',
  role: 'standby',
  since: '2026-01-02T03:04:05.000Z',
  version: '1.2.3',
  lastHeartbeatAgoMs: 1_500,
  confirmed: true,
  alive: true,
};

function withMembers(...members: Member[]) {
  const membership = new StubMembership();
  membership.members = members;
  return { ...fixture(membership), membership };
}
const LOCAL = { Host: '127.0.0.1:4040' };

describe('/members', () => {
  test('says who there is, at the moment of the question', async () => {
    const { api, membership } = withMembers(MEMBER);
    const answer = await supertest(api.local).get('/members').set(LOCAL);
    expect([answer.status, answer.body]).toEqual([200, { members: [MEMBER], watching: true, truncated: false }]);
    expect(answer.headers['cache-control']).toBe('no-store');
    membership.members = [];
    expect((await supertest(api.local).get('/members').set(LOCAL)).body).toMatchObject({ members: [] });
  });

  test('is read only, and for this pod alone', async () => {
    const { api } = withMembers(MEMBER);
    expect((await supertest(api.local).post('/members').set(LOCAL)).status).toBe(405);
    expect((await supertest(api.probe).get('/members')).status).toBe(404);
    expect((await supertest(api.probe).get('/members/events')).status).toBe(404);
  });

  test.each(['/members', '/members/events'])('without members %s says how to have them', async (path) => {
    const { api } = fixture(null);
    const { status, body } = await supertest(api.local).get(path).set(LOCAL);
    expect([status, body.error.code]).toEqual([404, 'MEMBERS_OFF']);
    expect(body.error.message).toContain('LEASEGATE_MEMBERS=true');
  });
});

test('the metrics count the members that are alive and those that are lost', async () => {
  const { metrics, membership } = withMembers(MEMBER, MEMBER, { ...MEMBER, alive: false });
  metrics.withMembers(membership);
  const text = await metrics.scrape();
  expect(text).toContain('leasegate_members{state="alive"} 2');
  expect(text).toContain('leasegate_members{state="lost"} 1');
  expect(text).toContain('leasegate_members_watch_up 1');
});

describe('the stream of members', () => {
  test('begins with all of them, then tells each change', async () => {
    const { api, membership } = withMembers(MEMBER);
    await using server = await serve(api.local);
    const stream = await openStream(`${server.url}/members/events`);
    expect(await stream.next()).toMatchObject({
      id: '0',
      event: 'membership',
      data: { change: 'snapshot', members: [MEMBER], watching: true },
    });
    membership.tell({ kind: 'lost', member: { ...MEMBER, alive: false } });
    expect(await stream.next()).toMatchObject({
      id: '1',
      data: { change: 'lost', member: { pod: 'web-1', alive: false } },
    });
    stream.abort();
  });

  test('holds hundreds of members in its first event', async () => {
    const members = Array.from({ length: 600 }, (_, index) => ({ ...MEMBER, pod: `web-${index}` }));
    const { api } = withMembers(...members);
    await using server = await serve(api.local);
    const stream = await openStream(`${server.url}/members/events`);
    const { data } = await stream.next();
    expect(data.members).toHaveLength(600);
    stream.abort();
  });

  test('takes only so many readers', async () => {
    const { api } = withMembers();
    await using server = await serve(api.local);
    const streams = [];
    for (let reader = 0; reader < LIMITS.memberStreamsMax; reader += 1) {
      streams.push(await openStream(`${server.url}/members/events`));
    }
    const refused = await fetch(`${server.url}/members/events`);
    expect([refused.status, await refused.text()]).toEqual([503, expect.stringContaining('Poll /members instead')]);
    for (const stream of streams) stream.abort();
    await vi.waitFor(() => expect(api.eventStreams).toBe(0));
  });
});
