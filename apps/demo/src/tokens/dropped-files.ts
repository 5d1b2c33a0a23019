/** The files that were dropped; of a folder, those that lie in it, and its name. */
export async function droppedFiles({
  items,
  files,
}: DataTransfer): Promise<{ files: File[]; folder?: string }> {
  // Both must be read before anything is waited for.
  const all = [...files];
  const entries = Array.from(items, (item) => item.webkitGetAsEntry());
  const folder = entries.find((entry) => entry?.isDirectory) as
    | FileSystemDirectoryEntry
    | undefined;
  return folder ? { files: await filesIn(folder), folder: folder.name } : { files: all };
}

async function filesIn(folder: FileSystemDirectoryEntry): Promise<File[]> {
  const reader = folder.createReader();
  const found: FileSystemFileEntry[] = [];
  // It gives some at a time, and none at the end.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((done, failed) =>
      reader.readEntries(done, failed),
    );
    if (some.length === 0) break;
    found.push(...(some.filter((entry) => entry.isFile) as FileSystemFileEntry[]));
  }
  return Promise.all(
    found.map((entry) => new Promise<File>((done, failed) => entry.file(done, failed))),
  );
}
