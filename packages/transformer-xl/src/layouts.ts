import {
  type Folder,
  formatJson,
  type JsonObject,
  type StoredTensor,
  type TensorInfo,
} from '@multihead/checkpoint';
import { ofTheOriginal, originalConfig } from './original-layout.js';
import { ofTensorFlow, tensorFlowConfig } from './tensorflow-layout.js';

/** Makes the folders of the original code, PyTorch's and TensorFlow's, look like Hugging Face's. */
export async function asHuggingFace(folder: Folder): Promise<Folder> {
  const names = await folder.names();
  if (names.has('transformer/r_w_bias')) {
    const config = tensorFlowConfig(folder, names);
    return changed(folder, config, (tensors) => ofTensorFlow(tensors, names, config));
  }
  // Hugging Face's library puts `transformer.` before all that is not the head.
  if (!names.has('crit.out_layers.0.bias') || !names.has('word_emb.emb_layers.0.weight')) {
    return folder;
  }
  return changed(folder, await originalConfig(folder, names), ofTheOriginal);
}

/** The folder with another configuration and other tensors. */
const changed = (
  folder: Folder,
  config: JsonObject,
  turn: (tensors: AsyncIterable<StoredTensor>) => AsyncIterable<StoredTensor>,
): Folder => ({
  source: folder.source,
  config,
  configText: config === folder.config ? folder.configText : formatJson(config),
  readText: (name, options) => folder.readText(name, options),
  readBytes: (name, options) => folder.readBytes(name, options),
  readJson: (name, options) => folder.readJson(name, options),
  readPickle: (name, options) => folder.readPickle(name, options),
  tensors: (options) => turn(folder.tensors(options)),
  names: async (options) => {
    const named = new Map<string, TensorInfo>();
    for await (const { name, dtype, shape } of turn(folder.tensors(options))) {
      named.set(name, { dtype, shape });
    }
    return named;
  },
});
