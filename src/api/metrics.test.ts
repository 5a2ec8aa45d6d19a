import supertest from 'supertest';
import { expect, test } from 'vitest';
import { fixture } from './test-fixture.ts';

async function scrape(f: ReturnType<typeof fixture>): Promise<string> {
  const { text, headers } = await supertest(f.api.probe).get('/metrics').expect(200);
  expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  return text;
}

test('whether this replica leads, and for how long, is as of the scrape', async () => {
  const f = fixture();
  expect(await scrape(f)).toContain('leader_election_master_status{name="web"} 0\n');
  f.lead();
  f.time.advance(2_500);
  const leading = await scrape(f);
  expect(leading).toContain('leader_election_master_status{name="web"} 1\n');
  expect(leading).toContain('leasegate_valid_seconds{name="web"} 7.5\n');
  f.time.advance(7_500);
  const late = await scrape(f);
  expect(late).toContain('leader_election_master_status{name="web"} 0\n');
  expect(late).toContain('leasegate_valid_seconds{name="web"} 0\n');
});

test('a scrape is no answer that anybody acts on: it does not prolong a step-down', async () => {
  const f = fixture();
  f.lead();
  const before = f.leadership.trustedUntilMonoMs();
  f.time.advance(1_000);
  await scrape(f);
  expect(f.leadership.trustedUntilMonoMs()).toBe(before);
});

test('everything counted is shown', async () => {
  const f = fixture();
  const { metrics } = f;
  metrics.renewed();
  metrics.renewed();
  metrics.renewalFailed('timeout');
  metrics.slowPath();
  metrics.started();
  metrics.stopped('expired');
  metrics.watchRestarted('gone');
  metrics.watching(true);
  metrics.eventDropped('forbidden');
  metrics.candidacy('paused');
  metrics.candidacy('unhealthy');
  metrics.unclaimed(true);
  metrics.applicationHealthy(false);
  metrics.request('update', 'ok', 20);
  metrics.request('watch', 'timeout', 290_000);
  const text = await scrape(f);
  for (const line of [
    'leasegate_renewals_total{name="web"} 2',
    'leasegate_renewal_failures_total{name="web",reason="timeout"} 1',
    'leader_election_slowpath_total{name="web"} 1',
    'leasegate_transitions_total{name="web",to="leader",reason="acquired"} 1',
    'leasegate_transitions_total{name="web",to="standby",reason="expired"} 1',
    'leasegate_watch_restarts_total{name="web",reason="gone"} 1',
    'leasegate_watch_up{name="web"} 1',
    'leasegate_candidacy_barred{name="web",why="paused"} 0',
    'leasegate_candidacy_barred{name="web",why="unhealthy"} 1',
    'leasegate_unclaimed{name="web"} 1',
    'leasegate_application_healthy 0',
    'leasegate_events_dropped_total{reason="forbidden"} 1',
    'leasegate_api_requests_total{verb="update",outcome="ok"} 1',
    'leasegate_api_requests_total{verb="watch",outcome="timeout"} 1',
    'leasegate_api_request_duration_seconds_bucket{le="0.025",verb="update"} 1',
    'leasegate_build_info{version="1.2.3"} 1',
  ]) {
    expect(text.split('\n')).toContain(line);
  }
  expect(text).not.toContain('le="10",verb="watch"');
});

test('what rates are computed from is there before the first event', async () => {
  const lines = (await scrape(fixture())).split('\n');
  expect(lines).toContain('leasegate_renewals_total{name="web"} 0');
  expect(lines).toContain('leader_election_slowpath_total{name="web"} 0');
  expect(lines).toContain('leasegate_transitions_total{name="web",to="leader",reason="acquired"} 0');
  expect(lines).toContain('leasegate_watch_up{name="web"} 0');
});

test("names follow Prometheus' rules: counters end in _total, units are base units, every metric has a help text", async () => {
  const text = await scrape(fixture());
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => ({ name: name!, type: type! }));
  expect(types.length).toBeGreaterThan(14);
  for (const { name, type } of types) {
    expect(name).toMatch(/^(leasegate|leader_election|process|nodejs)_[a-z_]+$/);
    expect(name.endsWith('_total'), name).toBe(type === 'counter');
    expect(name).not.toMatch(/_(ms|milliseconds|minutes|kilobytes|mib)(_|$)/);
    expect(text).toMatch(new RegExp(`^# HELP ${name} \\S.*\\.$`, 'm'));
  }
});

test('a label that takes ever new values stops at a bound', async () => {
  const f = fixture();
  for (let i = 0; i < 1_000; i += 1) f.metrics.renewalFailed(`reason-${i}`);
  const series = (await scrape(f)).match(/^leasegate_renewal_failures_total\{.*$/gm) ?? [];
  expect(series.length).toBeLessThanOrEqual(25);
  expect(series).toContain('leasegate_renewal_failures_total{name="web",reason="other"} 976');
});

test('two elections in one process do not share their counts', async () => {
  const [one, two] = [fixture(), fixture()];
  one.metrics.renewed();
  expect(await scrape(one)).toContain('leasegate_renewals_total{name="web"} 1\n');
  expect(await scrape(two)).toContain('leasegate_renewals_total{name="web"} 0\n');
});

test('what the gateway counts is on the page once there is a gateway', async () => {
  const f = fixture();
  expect(await scrape(f)).not.toContain('leasegate_gateway');
  const gateway = f.metrics.withGateway();
  expect(await scrape(f)).toContain('leasegate_gateway_cut_total{why="lost"} 0\n');
  gateway.begun('request');
  gateway.begun('request');
  gateway.begun('connection');
  gateway.ended('request', 'served', 20, 204);
  gateway.ended('connection', 'aborted', 5);
  gateway.bytes('in', 10);
  gateway.bytes('out', 20);
  gateway.cut(3, 'lost');
  gateway.retried('not-leader');
  gateway.overLimit();
  const page = await scrape(f);
  for (const line of [
    'leasegate_gateway_work_total{work="request",outcome="served",status="2xx"} 1',
    'leasegate_gateway_work_total{work="connection",outcome="aborted",status=""} 1',
    'leasegate_gateway_in_flight{work="request"} 1',
    'leasegate_gateway_in_flight{work="connection"} 0',
    'leasegate_gateway_request_duration_seconds_bucket{le="0.025"} 1',
    'leasegate_gateway_bytes_total{direction="in"} 10',
    'leasegate_gateway_bytes_total{direction="out"} 20',
    'leasegate_gateway_cut_total{why="lost"} 3',
    'leasegate_gateway_retries_total{why="not-leader"} 1',
    'leasegate_gateway_connections_refused_total 1',
  ]) {
    expect(page).toContain(`${line}\n`);
  }
});
