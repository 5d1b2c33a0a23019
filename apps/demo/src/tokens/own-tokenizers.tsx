import { useEffect, useRef, useState } from 'preact/hooks';
import { droppedFiles } from './dropped-files.js';

interface OwnTokenizersProps {
  open: (files: readonly File[], folder?: string) => void;
}

/** Where the visitor's own tokenizers come in: chosen, or dropped anywhere on the page. */
export function OwnTokenizers({ open }: OwnTokenizersProps) {
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const heard = useRef(open);
  heard.current = open;

  useEffect(() => {
    const hasFiles = ({ dataTransfer }: DragEvent) =>
      dataTransfer?.types.includes('Files') ?? false;
    const drag = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false);
    };
    const drop = async (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(false);
      const { files, folder } = await droppedFiles(event.dataTransfer!);
      heard.current(files, folder);
    };
    addEventListener('dragover', drag);
    addEventListener('dragleave', leave);
    addEventListener('drop', drop);
    return () => {
      removeEventListener('dragover', drag);
      removeEventListener('dragleave', leave);
      removeEventListener('drop', drop);
    };
  }, []);

  const chosen = () => {
    const { files } = input.current!;
    if (files?.length) open([...files]);
    // So that the same files can be chosen again.
    input.current!.value = '';
  };
  return (
    <section class={over ? 'own over' : 'own'} aria-labelledby="own-title">
      <h3 id="own-title">Your own tokenizer</h3>
      <p>
        Drop its folder or files here: a <code>tokenizer.json</code>, a <code>vocab.txt</code>, or a{' '}
        <code>vocab.json</code> with its <code>merges.txt</code>. They are read in this page and
        sent nowhere. A bare <code>vocab.txt</code> of BERT lowers the case, unless its{' '}
        <code>tokenizer_config.json</code> comes along and says otherwise.
      </p>
      <button type="button" class="small" onClick={() => input.current!.click()}>
        Choose files
      </button>
      <input
        ref={input}
        type="file"
        id="own-files"
        multiple
        hidden
        accept=".json,.txt,.bpe"
        aria-label="Files of a tokenizer"
        onChange={chosen}
      />
    </section>
  );
}
