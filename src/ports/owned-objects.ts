import type { Reply } from './publisher.ts';

/** An object by its name; of this pod's namespace, and served as `v1`. */
export interface ObjectName {
  /** `''` is the core group. */
  readonly apiGroup: string;
  /** `replicasets` */
  readonly resource: string;
  readonly name: string;
}

export interface OwnedObject {
  readonly metadata: {
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly {
      readonly apiVersion: string;
      readonly kind: string;
      readonly name: string;
      readonly controller?: boolean;
    }[];
  };
}

/** Who owns what, as the API server says. Implemented in `src/kube`. */
export interface OwnedObjectReadings {
  /** Null: there is none of that name. */
  read(object: ObjectName): Promise<Reply<OwnedObject | null>>;
}
