export { type Adaptation, type AdaptedTensor, adaptFolder } from './adapt-folder.js';
export { fromFloat32, toFloat32, toInt32 } from './convert.js';
export { CheckpointError, type CheckpointErrorCode } from './errors.js';
export type { Folder, ReadOptions } from './folder.js';
export { formatJson, type JsonObject, type JsonValue, parseJson } from './json.js';
export { type FolderSource, type LoadFolderOptions, loadFolder } from './load-folder.js';
export { PickledName, PickledObject, type PickleValue } from './pickle-values.js';
export { type PickledVocabulary, readPickledVocabulary } from './pickled-vocabulary.js';
export {
  type OnProgress,
  type Progress,
  type ReadSafetensorsOptions,
  readSafetensors,
  type SafetensorsFile,
  streamSafetensors,
  type WriteSafetensorsOptions,
  writeSafetensors,
} from './safetensors.js';
export {
  parseSafetensorsHeader,
  type SafetensorsEntry,
  type SafetensorsHeader,
} from './safetensors-header.js';
export { type FolderContents, type SaveFolderOptions, saveFolder } from './save-folder.js';
export type { DType, StoredTensor, TensorInfo, TensorToStore } from './tensor.js';
export { type ReadTorchOptions, readTorch, type TorchFile } from './torch-file.js';
export { TorchTensor } from './torch-tensor.js';
export { writeFileAtomic } from './write-file-atomic.js';
