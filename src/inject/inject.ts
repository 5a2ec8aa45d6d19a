import { type Edit, endsInBlockScalar } from './edit.ts';
import { blockLines, PLAIN_LAYOUT } from './emit.ts';
import { type Manifest, readInputs, readStream, type Stream } from './manifests.ts';
import { type InjectOptions, selects } from './options.ts';
import { type Plan, planOf } from './plan.ts';
import { documentsOf } from './rbac.ts';
import { recordedEdits } from './recorded-edits.ts';
import { CODES, type Code, type Finding, type Outcome, Refused, refuses } from './report.ts';
import type { Settings } from './settings.ts';
import { eolOf, type Input, type Source } from './source.ts';
import { applyEdits, documentStart, isAdded, ownerOf, recordOf, restore } from './uninject.ts';
import { unexpected } from './verify.ts';
import { type Workload, workloadOf } from './workload.ts';

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
    const planning = {
      manifests: this.#stream.manifests,
      options: this.#options,
      settings: this.#settings,
      say: this.#say.bind(this),
    };
    const plans = this.#select().flatMap((workload) =>
      this.#guarded(workload.manifest, () => planOf(workload, planning)),
    );
    this.#refuseSharing(plans);
    const edits = plans.flatMap((plan) =>
      [...plan.changes].flatMap(([manifest, changes]) =>
        this.#guarded(manifest, () => recordedEdits(this.#source.text, manifest, changes, plan.workload)).flat(),
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
    this.#refuseUnexpected(text, plans);
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
    const found = all.map(workloadOf).filter((workload) => workload !== null);
    // They come and go with a release, and elect nobody; by name they can be had all the same.
    const hooks = only.length > 0 ? [] : found.filter(({ manifest }) => isHelmHook(manifest));
    for (const { manifest } of hooks) {
      const message = 'is a hook of Helm, which runs for a release only';
      this.#say('SKIPPED_HELM_HOOK', manifest.subject, manifest.start, message, null);
    }
    const workloads = found.filter((workload) => !hooks.includes(workload));
    const chosen = workloads.filter(({ manifest }) => selects(only, manifest.subject));
    for (const selector of only) {
      if (workloads.some(({ manifest }) => selects([selector], manifest.subject))) continue;
      const name = `${selector.kind === null ? '' : `${selector.kind}/`}${selector.name}`;
      const names = this.#stream.manifests
        .filter((manifest) => workloadOf(manifest) !== null)
        .map(({ subject }) => subject)
        .join(', ');
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
    const { service } = this.#options;
    const others = all
      .filter((manifest) => workloadOf(manifest) === null && manifest.subject !== `Service/${service}`)
      .map(({ subject }) => subject);
    if (others.length > 0) {
      const some = others.slice(0, SUBJECTS_MAX).join(', ') + (others.length > SUBJECTS_MAX ? ' …' : '');
      this.#say('SKIPPED_NOT_A_WORKLOAD', 'input', null, `passed through ${others.length}: ${some}`, null);
    }
    if (workloads.length === 0 && only.length === 0) {
      const empty = this.#source.text.trim() === '';
      const message = empty ? 'it is empty' : 'there is no workload in it; it stays as it is';
      const remedy = empty
        ? 'see whether what stands before it in the pipe has failed'
        : 'give it a Deployment, StatefulSet, ReplicaSet or DaemonSet of apps/v1, a Job or CronJob of batch/v1, or a Pod of v1';
      this.#say('NOTHING_TO_INJECT', 'input', null, message, remedy);
    }
    return chosen;
  }

  /** Two workloads with one Lease elect one leader between them. */
  #refuseSharing(plans: readonly Plan[]): void {
    const seen = new Map<string, string>();
    for (const { election, workload } of plans) {
      // Several are named by an option, and so the same for all.
      const key = `${election.namespace ?? ''}/${election.leaseName}`;
      const other = seen.get(key);
      seen.set(key, workload.manifest.subject);
      if (other === undefined) continue;
      const message = `would share the Lease ${election.leaseName} with ${other}: one leader for both`;
      const remedy =
        'give each a Lease of its own by --lease-name-prefix PREFIX, or inject them one by one: --only KIND/NAME --lease-name NAME';
      this.#say('LEASE_SHARED', workload.manifest.subject, workload.manifest.start, message, remedy);
    }
    if (plans.length > 1 && this.#options.service !== null) {
      const names = plans.map(({ workload }) => workload.manifest.subject).join(', ');
      const message = `Service ${this.#options.service} can lead to one workload only, and there are ${names}`;
      this.#say('SERVICE_SHARED', 'input', null, message, 'name the one that it is for: --only KIND/NAME');
    }
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

  /** Whatever was not foreseen here, in a style that nobody thought of, must not be printed. */
  #refuseUnexpected(text: string, plans: readonly Plan[]): void {
    const wrong = unexpected(text, this.#stream, plans);
    if (wrong === null) return;
    const { manifest, code } = wrong;
    const message = `it can't be changed in its present style without changing its meaning${code ? ` (${code})` : ''}`;
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

function isHelmHook({ value }: Manifest): boolean {
  return value.metadata?.annotations?.['helm.sh/hook'] !== undefined;
}

const SUBJECTS_MAX = 5;
