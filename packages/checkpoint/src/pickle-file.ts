import { CheckpointError } from './errors.js';
import { unpickle } from './pickle.js';
import { callPlain } from './pickle-calls.js';
import type { PickleRules } from './pickle-machine.js';
import type { PickleValue } from './pickle-values.js';
import type { RandomFile } from './random-file.js';
import { refuseStandIns } from './safetensors-header.js';
import { bytesPerElement } from './tensor.js';
import { TorchStorage, torchRules } from './torch-tensor.js';
import { checkContent, contentStart, isZip, readZipDirectory, type ZipEntry } from './zip.js';

/** The longest pickle that is read: a vocabulary of 0.8 million words takes 40 MB. */
const LONGEST_PICKLE = 1 << 28;

/** What the first pickle of a file of PyTorch before 1.6 says. */
const MAGIC = 0x1950a86a20f9469cfc6cn;

/** A file that torch.save or pickle.dump wrote, as what it holds. */
export interface PickleFile {
  readonly value: PickleValue;
  readonly pickleBytes: number;
  /** Where the bytes of a storage begin. */
  locate(storage: TorchStorage): Promise<number>;
}

/** What a file holds that torch.save (before or after 1.6) or pickle.dump wrote. Closes it when that fails. */
export async function openPickle(source: RandomFile): Promise<PickleFile> {
  try {
    const first = await source.read(0, Math.min(512, source.byteLength));
    refuseStandIns(first, source.file);
    if (isZip(first)) return await openZip(source);
    if (String.fromCharCode(...first.subarray(257, 262)) === 'ustar') {
      const reason =
        "a tar archive of PyTorch before 0.1.10: load and save it with today's PyTorch";
      throw new CheckpointError('NOT_SUPPORTED', reason, { file: source.file });
    }
    return await openStream(source);
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** The format since 1.6: a zip archive of a pickle, `data.pkl`, and a record for each storage. */
async function openZip(zip: RandomFile): Promise<PickleFile> {
  const { file, byteLength } = zip;
  const entries = await readZipDirectory(zip);
  const name = [...entries.keys()].find((key) => /^[^/]+\/data\.pkl$/.test(key));
  if (name === undefined)
    throw new CheckpointError('BAD_PICKLE', 'has no data.pkl in it', { file });
  const folder = name.slice(0, -'data.pkl'.length);
  if (entries.has(`${folder}constants.pkl`)) {
    const reason = 'a TorchScript archive, which is a program: save its state_dict() instead';
    throw new CheckpointError('NOT_SUPPORTED', reason, { file });
  }
  const content = async (entry: ZipEntry, longest: number) => {
    if (entry.size > longest) throw tooLong(file, entry.size);
    const start = await contentStart(zip, entry);
    await checkContent(zip, entry, start);
    return zip.read(start, entry.size);
  };
  const order = entries.get(`${folder}byteorder`);
  if (order && String.fromCharCode(...(await content(order, 16))).trim() !== 'little') {
    throw new CheckpointError('NOT_SUPPORTED', 'written by a big-endian machine', { file });
  }
  const bytes = await content(entries.get(name)!, LONGEST_PICKLE);
  const rules = torchRules(byteLength);
  const { value } = unpickle(bytes, 0, { file, rules });

  const starts = new Map<string, number>();
  async function locate({ key, byteLength }: TorchStorage): Promise<number> {
    const known = starts.get(key);
    if (known !== undefined) return known;
    const entry = entries.get(`${folder}data/${key}`);
    if (entry === undefined) throw missing(file, key);
    if (entry.size !== byteLength) throw badStorage(file, key, byteLength, entry.size);
    const start = await contentStart(zip, entry);
    await checkContent(zip, entry, start);
    starts.set(key, start);
    return start;
  }
  return { value, pickleBytes: bytes.byteLength, locate };
}

/** One pickle; or the format before 1.6, in which five stand in a row and the storages follow them. */
async function openStream(source: RandomFile): Promise<PickleFile> {
  const { file, byteLength } = source;
  // How long the pickles are one learns by reading them: try with more and more of the file.
  for (let length = 1 << 20; ; length *= 4) {
    const bytes = await source.read(0, Math.min(length, byteLength, LONGEST_PICKLE));
    try {
      return await readStream(source, bytes);
    } catch (error) {
      if ((error as CheckpointError).code !== 'TRUNCATED' || bytes.byteLength === byteLength)
        throw error;
      if (bytes.byteLength === LONGEST_PICKLE) throw tooLong(file, byteLength);
    }
  }
}

async function readStream(source: RandomFile, bytes: Uint8Array): Promise<PickleFile> {
  const { file, byteLength } = source;
  const plain = { file, rules: { call: callPlain } };
  const first = unpickle(bytes, 0, plain);
  if (first.value !== MAGIC) {
    const locate = async () => Promise.reject(missing(file, 'any'));
    return { value: first.value, pickleBytes: bytes.byteLength, locate };
  }
  const protocol = unpickle(bytes, first.end, plain);
  const system = unpickle(bytes, protocol.end, plain);
  if (protocol.value !== 1001 || !(system.value instanceof Map)) {
    throw new CheckpointError('NOT_SUPPORTED', 'an unknown version of torch.save', { file });
  }
  if (system.value.get('little_endian') !== true) {
    throw new CheckpointError('NOT_SUPPORTED', 'written by a big-endian machine', { file });
  }
  const storages = new Map<string, TorchStorage>();
  const rules = torchRules(byteLength);
  const persistent: PickleRules['persistent'] = (id, pickle) => {
    const value = rules.persistent!(id, pickle);
    if (value instanceof TorchStorage) storages.set(value.key, value);
    return value;
  };
  const main = unpickle(bytes, system.end, { file, rules: { call: rules.call, persistent } });
  const keys = unpickle(bytes, main.end, plain);

  // Each storage is a record of its number of elements, and the elements.
  const starts = new Map<string, number>();
  let at = keys.end;
  if (!Array.isArray(keys.value)) {
    throw new CheckpointError('BAD_PICKLE', 'has no list of its storages', { file });
  }
  for (const key of keys.value) {
    const storage = storages.get(key as string);
    if (storage === undefined || starts.has(storage.key)) {
      throw new CheckpointError('BAD_PICKLE', 'lists a storage twice, or one no tensor is in', {
        file,
      });
    }
    const { buffer, byteOffset } = await source.read(at, 8);
    const count = new DataView(buffer, byteOffset).getBigUint64(0, true);
    const width = storage.dtype === undefined ? 1 : bytesPerElement[storage.dtype];
    const size = Number(count) * width;
    if (size !== storage.byteLength) throw badStorage(file, storage.key, storage.byteLength, size);
    if (at + 8 + size > byteLength) {
      const end = at + 8 + size;
      const reason = `a storage should end at byte ${end}, but the file ends after ${byteLength}`;
      throw new CheckpointError('TRUNCATED', reason, { file });
    }
    starts.set(storage.key, at + 8);
    at += 8 + size;
  }
  async function locate({ key, byteLength }: TorchStorage): Promise<number> {
    const start = starts.get(key);
    if (start === undefined) throw missing(file, key);
    const { byteLength: found } = storages.get(key)!;
    if (found !== byteLength) throw badStorage(file, key, byteLength, found);
    return start;
  }
  return { value: main.value, pickleBytes: keys.end, locate };
}

const missing = (file: string, key: string) =>
  new CheckpointError('BAD_TENSOR', `the storage ${key} is not in the file`, { file });

const badStorage = (file: string, key: string, claimed: number, found: number) =>
  new CheckpointError(
    'BAD_TENSOR',
    `the storage ${key} should have ${claimed} bytes and has ${found}`,
    { file },
  );

const tooLong = (file: string, size: number) =>
  new CheckpointError('TOO_LARGE', `a pickle of ${size} bytes, of at most ${LONGEST_PICKLE}`, {
    file,
  });
