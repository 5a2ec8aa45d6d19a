import { isDeepStrictEqual } from 'node:util';
import type { Document } from 'yaml';
import { dnsSubdomain } from '../config/names.ts';
import { type Change, changed, editFor, layoutOf, type PlacedEdit } from './change.ts';
import { type Edit, endsInBlockScalar, type Scene } from './edit.ts';
import { blockLines, PLAIN_LAYOUT } from './emit.ts';
import { budgetHazard, type Hazard, rolloutHazards } from './hazards.ts';
import { type Manifest, type ObjectValue, parseDocuments, readInputs, readStream, type Stream } from './manifests.ts';
import { type InjectOptions, selects } from './options.ts';
import { podWarnings, refuseUnfit } from './pod-checks.ts';
import { documentsOf, type Election } from './rbac.ts';
import { checksum, formatRecord, RECORD_ANNOTATION } from './record.ts';
import { CODES, type Code, type Finding, type Outcome, Refused, refuses } from './report.ts';
import { planService } from './services.ts';
import type { Settings } from './settings.ts';
import { GATE_CONDITION, sidecarOf, TOKEN_VOLUME_SOURCE } from './sidecar.ts';
import { eolOf, type Input, type Source } from './source.ts';
import { applyEdits, documentStart, isAdded, isAddedValue, ownerOf, recordOf, restore, textOf } from './uninject.ts';
import { type Workload, workloadOf } from './workload.ts';

/** A workload with all that shall be done for it. */
interface Plan {
  readonly workload: Workload;
  readonly election: Election;
  /** By object: the workload itself, and its Service. */
  readonly changes: ReadonlyMap<Manifest, readonly Change[]>;
  readonly rights: Pick<InjectOptions, 'publish' | 'service'>;
}

/**
 * Adds the sidecar and what it needs to the workloads of the inputs. All else stays as it is, to the byte. What was injected
 * before is taken out first: the result depends on the options alone, not on earlier ones.
 */
export function inject(inputs: readonly Input[], options: InjectOptions, settings: Settings): Outcome {
  const [given, read] = readInputs(inputs);
  if (read.problems.length > 0) return { text: null, report: read.problems };
  const again = new Set(read.manifests.filter((each) => recordOf(each) !== undefined).map(ownerOf));
  let source = given;
  if (again.size > 0) {
    const restored = restore(given, read, options.only);
    if (restored.text === null) return restored;
    source = { text: restored.text, locate: given.locate };
  }
  const stream = source === given ? read : readStream(source);
  const injection = new Injection(source, stream, options, settings, source.text === given.text);
  const result = injection.run();
  if (result.text === null) return result;
  const same = result.text === given.text;
  const report = result.report.flatMap((finding): Finding[] => {
    if (same && again.size > 0 && finding.code === 'ADDED') return [];
    if (finding.code !== 'INJECTED' || !again.has(finding.subject)) return [finding];
    if (!same) return [{ ...finding, code: 'REINJECTED' }];
    return [{ ...finding, code: 'ALREADY_INJECTED', message: 'is as these options would make it' }];
  });
  return { text: result.text, report };
}

class Injection {
  readonly #source: Source;
  readonly #stream: Stream;
  readonly #options: InjectOptions;
  readonly #settings: Settings;
  /** Whether places in the text are those of the input. */
  readonly #placed: boolean;
  readonly #report: Finding[] = [];

  constructor(source: Source, stream: Stream, options: InjectOptions, settings: Settings, placed: boolean) {
    this.#source = source;
    this.#stream = stream;
    this.#options = options;
    this.#settings = settings;
    this.#placed = placed;
  }

  run(): Outcome {
    const plans = this.#select().flatMap((workload) => this.#guarded(workload.manifest, () => this.#plan(workload)));
    this.#refuseSharing(plans);
    const edits = plans.flatMap((plan) =>
      [...plan.changes].flatMap(([manifest, changes]) =>
        this.#guarded(manifest, () => this.#editsOf(manifest, changes, plan)).flat(),
      ),
    );
    if (refuses(this.#report)) return this.#refusal();
    const added = this.#options.rbac
      ? plans.flatMap((plan) => this.#guarded(plan.workload.manifest, () => this.#documentsOf(plan)).flat())
      : [];
    this.#refuseUnended(edits);
    if (refuses(this.#report)) return this.#refusal();
    // What ends an object comes before what begins in front of the next one.
    const text = applyEdits(this.#source.text, [...edits, ...added]);
    this.#check(text, plans);
    return refuses(this.#report) ? this.#refusal() : { text, report: this.#report };
  }

  /** Nothing is done: only what stands in the way is told, not what would have been. */
  #refusal(): Outcome {
    return { text: null, report: this.#report.filter((finding) => refuses([finding])) };
  }

  /** The workloads that are meant; says what becomes of the others. */
  #select(): Workload[] {
    const { only } = this.#options;
    const all = this.#stream.manifests.filter((manifest) => recordOf(manifest) === undefined && !isAdded(manifest));
    const workloads = all.map(workloadOf).filter((workload) => workload !== null);
    const chosen = workloads.filter(({ manifest }) => selects(only, manifest.subject));
    for (const selector of only) {
      if (workloads.some(({ manifest }) => selects([selector], manifest.subject))) continue;
      const name = `${selector.kind === null ? '' : `${selector.kind}/`}${selector.name}`;
      const names = workloads.map(({ manifest }) => manifest.subject).join(', ');
      this.#say(
        'NOT_FOUND',
        name,
        null,
        'is no workload of the input',
        names === '' ? 'there is none' : `there are ${names}`,
      );
    }
    for (const { manifest } of workloads) {
      if (chosen.some((workload) => workload.manifest === manifest)) continue;
      this.#say('SKIPPED_NOT_SELECTED', manifest.subject, manifest.start, 'is not among those named by --only', null);
    }
    const others = all.filter((manifest) => workloadOf(manifest) === null).map(({ subject }) => subject);
    if (others.length > 0) {
      const some = others.slice(0, SUBJECTS_MAX).join(', ') + (others.length > SUBJECTS_MAX ? ' …' : '');
      this.#say('SKIPPED_NOT_A_WORKLOAD', 'input', null, `passed through ${others.length}: ${some}`, null);
    }
    if (workloads.length === 0 && only.length === 0) {
      const remedy = 'give it a Deployment, StatefulSet, ReplicaSet, DaemonSet, Job, CronJob or Pod';
      this.#say('NOTHING_TO_INJECT', 'input', null, 'there is no workload in it; it stays as it is', remedy);
    }
    return chosen;
  }

  #plan(workload: Workload): Plan {
    const { manifest, podSpecPath, podSpec } = workload;
    const options = this.#options;
    refuseUnfit(workload, this.#settings);
    for (const hazard of this.#hazards(workload))
      this.#say(hazard.code, manifest.subject, manifest.start, hazard.message, hazard.remedy);
    const election = electionOf(workload, options);
    const item = (key: string, value: Parameters<typeof blockLines>[0], first = false): Change => ({
      kind: 'under',
      path: podSpecPath,
      key,
      entry: { kind: 'item', value, first },
      before: 'containers',
    });
    const gates: unknown[] = Array.isArray(podSpec.readinessGates) ? podSpec.readinessGates : [];
    const gated = gates.some((gate) => (gate as ObjectValue | null)?.conditionType === GATE_CONDITION);
    const named = serviceAccountOf(podSpec) !== undefined || election.serviceAccount === 'default';
    const account = {
      path: podSpecPath,
      key: 'serviceAccountName',
      value: election.serviceAccount,
      before: 'containers',
    };
    const changes: Change[] = [
      ...(named ? [] : [{ kind: 'pair', ...account } as const]),
      ...(options.publish.includes('readiness-gate') && !gated
        ? [item('readinessGates', { conditionType: GATE_CONDITION })]
        : []),
      item('initContainers', sidecarOf(election.leaseName, options, this.#settings), options.position === 'first'),
      { kind: 'under', path: podSpecPath, key: 'volumes', entry: { kind: 'item', value: TOKEN_VOLUME_SOURCE } },
    ];
    const service = planService(this.#stream.manifests, workload, options);
    for (const { code, message, remedy } of service.findings) {
      const subject = code === 'SERVICE_ROUTED' ? service.manifest!.subject : manifest.subject;
      this.#say(code, subject, (service.manifest ?? manifest).start, message, remedy);
    }
    const position = options.position === 'first' ? 'before' : 'after';
    const others = (Array.isArray(podSpec.initContainers) ? podSpec.initContainers : [])
      .map((each) => each?.name)
      .join(', ');
    const placed = others === '' ? '' : `, ${position} ${others}`;
    this.#say('INJECTED', manifest.subject, manifest.start, `sidecar for Lease ${election.leaseName}${placed}`, null);
    if (election.ownServiceAccount) {
      this.#say(
        'SERVICE_ACCOUNT_CHANGED',
        manifest.subject,
        manifest.start,
        `its pods had the service account "default"; now they have ${election.serviceAccount}, whose token only the sidecar gets`,
        'if the application used the token of "default", keep that: --service-account default',
      );
    }
    const all = new Map<Manifest, readonly Change[]>([[manifest, changes]]);
    if (service.manifest !== null && service.changes.length > 0) all.set(service.manifest, service.changes);
    return { workload, election, changes: all, rights: options };
  }

  #hazards(workload: Workload): Hazard[] {
    const warnings = podWarnings(workload, this.#options, this.#settings);
    if (!this.#options.publish.includes('readiness-gate')) return warnings;
    const budgets = this.#stream.manifests.filter(({ value }) => value.kind === 'PodDisruptionBudget');
    const blocked = budgets.map(({ value }) => budgetHazard(value, workload)).filter((hazard) => hazard !== null);
    return [...rolloutHazards(workload), ...blocked, ...warnings];
  }

  /** Two workloads with one Lease elect one leader between them. */
  #refuseSharing(plans: readonly Plan[]): void {
    const seen = new Map<string, string>();
    for (const { election, workload } of plans) {
      const key = `${election.namespace ?? ''}/${election.leaseName}`;
      const other = seen.get(key);
      seen.set(key, workload.manifest.subject);
      if (other === undefined) continue;
      const message = `would share the Lease ${election.leaseName} with ${other}: one leader for both`;
      const remedy = 'inject them one by one: --only KIND/NAME --lease-name NAME';
      this.#say('LEASE_SHARED', workload.manifest.subject, workload.manifest.start, message, remedy);
    }
    if (plans.length > 1 && this.#options.service !== null) {
      const names = plans.map(({ workload }) => workload.manifest.subject).join(', ');
      const message = `Service ${this.#options.service} can lead to one workload only, and there are ${names}`;
      this.#say('SERVICE_SHARED', 'input', null, message, 'name the one that it is for: --only KIND/NAME');
    }
  }

  /** The edits of one object, and that of the annotation that tells how to undo them. */
  #editsOf(manifest: Manifest, changes: readonly Change[], { workload }: Plan): Edit[] {
    const { text } = this.#source;
    const podSpecPath = manifest === workload.manifest ? workload.podSpecPath : [];
    const scene: Scene = { text, eol: eolOf(text), layout: layoutOf(manifest, podSpecPath, text) };
    const edits = inOrder(changes.map((change) => editFor(change, manifest, scene)));
    let grown = -manifest.start;
    const recorded = edits.map(({ start, end, text: inserted }) => {
      const at = start + grown;
      grown += inserted.length - (end - start);
      return { at, length: inserted.length, sum: checksum(inserted), replaced: text.slice(start, end) };
    });
    const annotate = (value: string) => editFor(annotationOf(value), manifest, scene);
    const sketch = annotate('? ?');
    const [before = '', behind = ''] = sketch.text.split(/"?leasegate\.dev\/injected"?: ?"\? \?"/);
    const record = formatRecord({
      owner: workload.manifest.subject,
      original: checksum(textOf(manifest, text)),
      frame: {
        before: before.length,
        behind: behind.length,
        sum: checksum(before + behind),
        replaced: text.slice(sketch.start, sketch.end),
      },
      edits: recorded,
    });
    return [...edits, annotate(record)];
  }

  /**
   * A block scalar at the very end of a text without a last line end: to libyaml, and so to Kubernetes, its value has none either.
   * Whatever follows would give it one.
   */
  #refuseUnended(edits: readonly Edit[]): void {
    const { text } = this.#source;
    const grows = edits.some(({ start }) => start === text.length);
    const manifest = this.#stream.manifests.at(-1);
    if (!grows || manifest === undefined || text.endsWith('\n') || !endsInBlockScalar(manifest.node)) return;
    const message = 'the text ends in a block scalar without a line end: one would become a part of it';
    this.#say('EDIT_IMPOSSIBLE', manifest.subject, manifest.start, message, 'end the file with a line end');
  }

  /**
   * The documents that a workload needs, in front of its own: a bare pod is refused where its service account is not there yet, and
   * a Namespace that the input has is further to the front.
   */
  #documentsOf({ election, workload, rights }: Plan): Edit[] {
    const { manifests } = this.#stream;
    const { manifest } = workload;
    const present = (kind: string, name: string) =>
      manifests.find(({ value }) => {
        const { namespace } = value.metadata ?? {};
        return value.kind === kind && value.metadata?.name === name && namespace === election.namespace;
      });
    // A Lease that is shipped already, or for another workload of the same election, is enough.
    const documents = documentsOf(election, rights).filter(
      ({ kind, metadata }) => kind !== 'Lease' || present(kind, metadata.name) === undefined,
    );
    for (const { kind, metadata } of documents) {
      const taken = present(kind, metadata.name);
      if (taken === undefined) continue;
      const message = `there is another ${kind} ${metadata.name} in the input`;
      this.#say('NAME_TAKEN', manifest.subject, taken.start, message, 'rename it, or use --no-rbac');
    }
    const names = documents.map(({ kind, metadata }) => `${kind}/${metadata.name}`).join(', ');
    this.#say('ADDED', manifest.subject, manifest.start, names, null);
    const { text } = this.#source;
    const eol = eolOf(text);
    const texts = documents.map((document) => blockLines(document, 0, PLAIN_LAYOUT).join(eol) + eol);
    const { at, marked } = documentStart(manifest, text);
    const marker = `---${eol}`;
    return [{ start: at, end: at, text: texts.map((each) => (marked ? marker + each : each + marker)).join('') }];
  }

  /** Reads the result: every document of the input must be what it was, but for the intended changes. */
  #check(text: string, plans: readonly Plan[]): void {
    const read = (document: Document.Parsed): unknown => document.toJS({ maxAliasCount: -1 });
    const expected = this.#stream.documents.map(read);
    for (const { changes } of plans) {
      for (const [manifest, list] of changes) {
        const [key, index] = manifest.path;
        const root = expected[manifest.documentIndex] as Record<string, ObjectValue[]>;
        const own = key === undefined ? (root as ObjectValue) : root[key as string]![index as number]!;
        const result = list.reduce(changed, own);
        if (key === undefined) expected[manifest.documentIndex] = result;
        else root[key as string]![index as number] = result;
      }
    }
    const documents = parseDocuments(text);
    const errors = documents.flatMap((document) => document.errors);
    const actual = errors.length > 0 ? [] : documents.map(read).filter((value) => !isAddedValue(value));
    const wanted = expected.filter((value) => !isAddedValue(value));
    const wrong = wanted.findIndex(
      (each, index) => !isDeepStrictEqual(withoutRecords(each), withoutRecords(actual[index])),
    );
    if (wrong < 0) return;
    const manifest = this.#stream.manifests.find(({ documentIndex }) => expected[documentIndex] === wanted[wrong]);
    const message = `it can't be changed in its present style without changing its meaning${errors[0] ? ` (${errors[0].code})` : ''}`;
    const remedy = 'end the file with a line end, or write the place in plain block style';
    this.#say('EDIT_IMPOSSIBLE', manifest?.subject ?? 'input', manifest?.start ?? null, message, remedy);
  }

  /** What `make` returns; where it refuses, that is reported instead. */
  #guarded<T>(manifest: Manifest, make: () => T): T[] {
    try {
      return [make()];
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#say(error.code, manifest.subject, error.offset, error.message, error.remedy);
      return [];
    }
  }

  #say(code: Code, subject: string, offset: number | null, message: string, remedy: string | null): void {
    const forced = CODES[code] === 'hazard' && this.#options.force;
    const severity = forced ? 'warning' : CODES[code];
    const at = offset === null || !this.#placed ? null : this.#source.locate(offset);
    this.#report.push({ code, severity, subject, at, message: forced ? `${message} (--force)` : message, remedy });
  }
}

const SUBJECTS_MAX = 5;

function annotationOf(value: string): Change {
  return {
    kind: 'under',
    path: ['metadata'],
    key: 'annotations',
    entry: { kind: 'pair', key: RECORD_ANNOTATION, value },
  };
}

/** The value without our annotations, and without the mappings that came for them alone. */
function withoutRecords(value: unknown): unknown {
  const root = value as ObjectValue | null;
  const objects = Array.isArray(root?.items) ? [root, ...root.items] : [root];
  for (const object of objects) {
    const { metadata } = object ?? {};
    if (metadata === undefined || metadata === null) continue;
    const { [RECORD_ANNOTATION]: _, ...rest } = metadata.annotations ?? {};
    if (Object.keys(rest).length > 0) metadata.annotations = rest;
    else delete metadata.annotations;
  }
  return value;
}

/** By place; of those at one place the deeper one comes first, as its collection ends before the outer one does. */
function inOrder(edits: readonly PlacedEdit[]): PlacedEdit[] {
  return [...edits].sort((a, b) => a.start - b.start || b.depth - a.depth);
}

function serviceAccountOf({ serviceAccountName, serviceAccount }: ObjectValue): string | undefined {
  return serviceAccountName || serviceAccount || undefined;
}

function electionOf({ manifest, name, namespace, podSpec }: Workload, options: InjectOptions): Election {
  if (name !== undefined && !dnsSubdomain.parse(name).ok) {
    const message = `its name ${JSON.stringify(name)} is none that Kubernetes takes`;
    throw new Refused('UNUSUAL_SHAPE', manifest.start, message, 'mend it; if it is a template, render it first');
  }
  const leaseName = options.leaseName ?? name;
  if (leaseName === undefined) {
    throw new Refused(
      'LEASE_NAME_MISSING',
      manifest.start,
      'has no name that its Lease could have',
      'give one: --lease-name NAME',
    );
  }
  const existing = serviceAccountOf(podSpec) ?? options.serviceAccount ?? undefined;
  const roleName = `${name ?? leaseName}-leasegate`;
  return {
    subject: manifest.subject,
    namespace,
    leaseName,
    roleName,
    serviceAccount: existing ?? roleName,
    ownServiceAccount: existing === undefined,
  };
}
