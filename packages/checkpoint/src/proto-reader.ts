/** A field of a message: its number, and what it holds by its wire type. */
export type ProtoField =
  | { field: number; type: 'number'; value: number }
  | { field: number; type: 'bytes'; value: Uint8Array };

/**
 * Reads protocol buffers' wire format (https://protobuf.dev/programming-guides/encoding), whose varints
 * LevelDB uses too. `fail` is told what is wrong, and throws.
 */
export class ProtoReader {
  #at = 0;

  constructor(
    readonly source: Uint8Array,
    readonly fail: (reason: string) => never,
  ) {}

  get ended(): boolean {
    return this.#at >= this.source.byteLength;
  }

  /** A varint of up to 2^53; negative ones are not among what is read. */
  number(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.source[this.#at++];
      if (byte === undefined) this.fail('cut short');
      value += (byte! & 0x7f) * 2 ** shift;
      if (byte! >= 0x80) continue;
      return Number.isSafeInteger(value) ? value : this.fail('a number is too large');
    }
    return this.fail('a number does not end');
  }

  bytes(length: number): Uint8Array {
    if (length > this.source.byteLength - this.#at) this.fail('cut short');
    this.#at += length;
    return this.source.subarray(this.#at - length, this.#at);
  }

  /** The fields of a message, to the end of the bytes. */
  *fields(): Generator<ProtoField> {
    while (!this.ended) {
      const tag = this.number();
      const field = Math.floor(tag / 8);
      const wire = tag % 8;
      if (wire === 0) yield { field, type: 'number', value: this.number() };
      else if (wire === 2) yield { field, type: 'bytes', value: this.bytes(this.number()) };
      else if (wire === 5) yield { field, type: 'number', value: this.#fixed32() };
      else if (wire === 1) this.bytes(8);
      else this.fail(`a field has the unknown type ${wire}`);
    }
  }

  #fixed32(): number {
    const { buffer, byteOffset } = this.bytes(4);
    return new DataView(buffer, byteOffset).getUint32(0, true);
  }
}
