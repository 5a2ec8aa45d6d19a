import { load } from 'js-yaml';
import { expect, test } from 'vitest';
import { filesIn } from './files.fixture.ts';

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

const textOf = (folder: string, name: string) => filesIn(folder, [name])[0]!.text;
const rules = load(textOf('deploy/monitoring', 'prometheusrule.yaml')) as {
  spec: { groups: { rules: Alert[] }[] };
};
const alerts = rules.spec.groups.flatMap(({ rules }) => rules);

/** A label of the target, which the PodMonitor brings; all else of ours is a metric. */
const TARGET_LABEL = 'leasegate_dev_election';

test('alerts go by metrics that docs/http-api.md has', () => {
  const page = textOf('docs', 'http-api.md');
  const known = new Set([...page.matchAll(/`([a-z_]+)(?:\{[a-z,]*\})?`/g)].map(([, name]) => name));
  for (const { alert, expr } of alerts) {
    const metrics = (expr.match(/\b(?:leader_election|leasegate|process)_\w+/g) ?? []).filter(
      (name) => name !== TARGET_LABEL,
    );
    expect(metrics, alert).not.toEqual([]);
    for (const metric of metrics) expect(known, alert).toContain(metric);
  }
});

test('alerts go by labels that their metrics have', () => {
  const page = textOf('docs', 'http-api.md');
  const labels = new Map(
    [...page.matchAll(/`([a-z_]+)\{([a-z,]+)\}`/g)].map(([, name, of]) => [name!, of!.split(',')]),
  );
  let asked = 0;
  for (const { alert, expr, annotations } of alerts) {
    for (const [, metric, matchers] of expr.matchAll(/(\w+)\{([^}]*)\}/g)) {
      for (const [, label] of matchers!.matchAll(/(\w+)(?:=~?|!=)"/g)) {
        asked += 1;
        if (label === TARGET_LABEL) continue;
        expect(labels.get(metric!), `${alert}: ${metric}`).toContain(label);
      }
    }
    const ofTarget = ['namespace', 'pod', TARGET_LABEL];
    const shown = [...JSON.stringify(annotations).matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label!);
    const ofMetric = [...expr.matchAll(/\b\w+_\w+\b/g)].flatMap(([name]) => labels.get(name) ?? []);
    for (const label of shown) expect([...ofTarget, ...ofMetric], alert).toContain(label);
    // What is summed up has no pod any more.
    if (expr.includes(' by (')) expect(shown, alert).not.toContain('pod');
  }
  expect(asked).toBeGreaterThan(0);
});

test("alerts leave client-go's electors alone, which have a metric of the same name", () => {
  const used = alerts.flatMap(({ expr }) => [...expr.matchAll(/leader_election_master_status(\S*)/g)]);
  expect(used.length).toBeGreaterThan(0);
  for (const [all, matchers] of used) expect(matchers, all).toMatch(/^\{leasegate_dev_election!=""\}/);
});

test('alerts speak of codes and options that there are, and point at pages that there are', () => {
  const known = ['logs.md', 'configuration.md'].map((name) => textOf('docs', name)).join('\n');
  const pages = filesIn('docs', ['.md']).map(({ path }) => path);
  for (const { alert, annotations } of alerts) {
    const { description } = annotations;
    for (const [name] of description.matchAll(/\b[A-Z]+(?:_[A-Z]+)+\b/g)) expect(known, alert).toContain(`\`${name}\``);
    for (const [page] of description.matchAll(/\bdocs\/[\w-]+\.md/g)) expect(pages, alert).toContain(page);
  }
});

test('each alert says what is wrong, what to do, how bad it is and after how long', () => {
  const names = alerts.map(({ alert }) => alert);
  expect(new Set(names).size).toBe(names.length);
  for (const alert of alerts) {
    expect(alert, alert.alert).toMatchObject({
      for: expect.stringMatching(/^\d+m$/),
      labels: { severity: expect.stringMatching(/^(critical|warning)$/) },
      annotations: { summary: expect.stringMatching(/\S/), description: expect.stringMatching(/\. \S|\? \S/) },
    });
  }
});
