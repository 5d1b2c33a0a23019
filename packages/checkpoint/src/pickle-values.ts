/**
 * What a pickle can hold here: plain values, `PickledName` for the name of a class or function,
 * `PickledObject` for an object of a class, of which nothing is known but its state, and what the rules
 * for calls make. Tuples are arrays.
 */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | Set<PickleValue>
  | PickledName
  | PickledObject
  | PickledTensor;

/** The name of a class or function, which is never looked up. */
export class PickledName {
  constructor(readonly name: string) {}
}

/** An object as a record: the name of its class and what it would have been given, all of it inert. */
export class PickledObject {
  /** The object's attributes. */
  readonly state: Map<PickleValue, PickleValue> = new Map();
  /** What a class that is a list, or a dict, holds as such. */
  readonly items: PickleValue[] = [];
  readonly entries: Map<PickleValue, PickleValue> = new Map();

  constructor(readonly className: string) {}
}

/** What the readers of tensors put in the place of one. */
export abstract class PickledTensor {
  abstract readonly shape: readonly number[];
}
