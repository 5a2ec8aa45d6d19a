import { type ApiObject, type ObjectEvent, ObjectWatch } from '../replica/object-watch.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import { Roster } from './roster.ts';

interface Slice extends ApiObject {
  readonly endpoints?: readonly Endpoint[] | null;
  readonly ports?: readonly { readonly port?: number }[] | null;
}

interface Endpoint {
  readonly addresses: readonly string[];
  readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean };
  readonly targetRef?: { readonly name?: string };
}

/** Where a Service sends a client. */
export interface Target {
  readonly pod: string;
  readonly ip: string;
  readonly port: number;
}

/** What a kube-proxy knows of a Service: all of its EndpointSlices, from whomever they come. */
export class ServiceWatch {
  /** The pods that it sends clients to. Those count that are about to end and still serve, too: there may be no others. */
  readonly roster = new Roster('serve');
  readonly #slices = new Map<string, Slice>();
  #watch: ObjectWatch<Slice> | undefined;

  static async open(controlPlane: ControlPlane, namespace: string, service: string): Promise<ServiceWatch> {
    const witness = new ServiceWatch();
    const slices = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
    const path = `${slices}?labelSelector=kubernetes.io/service-name%3D${service}`;
    witness.#watch = await ObjectWatch.open<Slice>(controlPlane, path, (event) => witness.#take(event));
    return witness;
  }

  private constructor() {}

  close(): void {
    this.#watch?.close();
  }

  findings(): string[] {
    const broken = this.#watch?.broken;
    return [...this.roster.findings(), ...(broken ? [`the Service was not seen to the end: ${broken}`] : [])];
  }

  /** All of them, now. */
  targets(): Target[] {
    return [...this.#slices.values()].flatMap(({ endpoints, ports }) =>
      (endpoints ?? []).filter(serves).map(({ addresses, targetRef }) => {
        const ip = addresses[0] ?? '';
        return { pod: targetRef?.name ?? ip, ip, port: ports?.[0]?.port ?? 0 };
      }),
    );
  }

  #take({ atMs, revision, gone, object }: ObjectEvent<Slice>): void {
    if (gone) this.#slices.delete(object.metadata.name);
    else this.#slices.set(object.metadata.name, object);
    const pods = this.targets().map(({ pod }) => pod);
    this.roster.note(atMs, revision, pods);
  }
}

/** What is not told is taken for yes, as API conventions and kube-proxy have it. */
function serves({ conditions }: Endpoint): boolean {
  return conditions?.ready !== false || conditions.serving === true;
}
