import { useEffect, useRef, useState } from 'preact/hooks';
import type { Failure } from '../failure.js';
import { Newest } from '../newest.js';
import { type OwnFiles, tokenizerFiles } from './own-files.js';
import type { Facts, Reply, Request, Result } from './protocol.js';
import { shelf } from './shelf.js';

type Loading = { state: 'loading' } | { state: 'ready' } | { state: 'failed'; failure: Failure };

/** A tokenizer of the visitor's own. */
interface Own {
  id: string;
  title: string;
}

export interface Tokenizers {
  loading: Loading;
  facts: ReadonlyMap<string, Facts>;
  /** Those that the visitor opened, in that order. */
  own: readonly Own[];
  /** Of the newest text that was answered. */
  result: Result | undefined;
  /** Why the visitor's files, or the last text, could not be used. */
  failure: Failure | undefined;
  /** Makes a tokenizer of files. */
  open: (files: readonly File[], folder?: string) => Promise<void>;
  close: (id: string) => void;
  /** Starts over after a failure. */
  retry: () => void;
}

interface Thread {
  send: (request: Request) => void;
  cut: (text: string) => void;
}

/** How long the typing must rest, in milliseconds. */
const REST = 60;

/** The tokenizers, held by a worker while the component lives, and what they make of the text. */
export function useTokenizers(site: string, text: string): Tokenizers {
  const [attempt, setAttempt] = useState(0);
  const [loading, setLoading] = useState<Loading>({ state: 'loading' });
  const [facts, setFacts] = useState<ReadonlyMap<string, Facts>>(new Map());
  const [own, setOwn] = useState<readonly Own[]>([]);
  const [result, setResult] = useState<Result>();
  const [failure, setFailure] = useState<Failure>();
  const worker = useRef<Thread | undefined>(undefined);
  const latest = useRef(text);
  latest.current = text;
  const opened = useRef(0);
  const titles = useRef(new Map<string, string>());

  useEffect(() => {
    const thread = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    const send = (request: Request) => thread.postMessage(request);
    const texts = new Newest<string>((newest) => send({ type: 'cut', text: newest }));
    worker.current = { send, cut: (newest) => texts.ask(newest) };
    const hear = (reply: Reply) => {
      if (reply.type === 'ready') {
        setFacts(new Map(reply.facts.map((one) => [one.id, one])));
        setLoading({ state: 'ready' });
        texts.next();
      } else if (reply.type === 'opened') {
        const { id } = reply.facts;
        setFacts((before) => new Map(before).set(id, reply.facts));
        setOwn((before) => [...before, { id, title: titles.current.get(id)! }]);
        setFailure(undefined);
        texts.ask(latest.current);
      } else if (reply.type === 'cut') {
        setResult(reply.result);
        texts.next();
      } else if (reply.during === 'load') {
        setLoading({ state: 'failed', failure: reply });
      } else {
        setFailure(reply);
        if (reply.during === 'cut') texts.next();
      }
    };
    thread.onmessage = ({ data }: MessageEvent<Reply>) => hear(data);
    // The script itself did not arrive or did not start.
    thread.onerror = ({ message }) =>
      hear({ type: 'failed', during: 'load', code: 'WORKER_FAILED', message: message ?? '' });
    setLoading({ state: 'loading' });
    send({
      type: 'load',
      tokenizers: shelf.map(({ id, folder, files }) => ({ id, url: site + folder, files })),
    });
    return () => thread.terminate();
  }, [site, attempt]);

  // After the effect above, so that a new worker hears the text too.
  useEffect(() => {
    const timer = setTimeout(() => worker.current!.cut(text), REST);
    return () => clearTimeout(timer);
  }, [text, attempt]);

  const open = async (all: readonly File[], folder?: string) => {
    setFailure(undefined);
    const found = tokenizerFiles(all, folder);
    if ('code' in found) return setFailure(found);
    const id = `own-${opened.current++}`;
    titles.current.set(id, found.title);
    try {
      worker.current!.send({ type: 'open', id, files: await contents(found) });
    } catch (error) {
      // Moved or deleted since it was chosen.
      setFailure({ code: 'BAD_FILE', message: String(error) });
    }
  };
  const close = (id: string) => {
    worker.current!.send({ type: 'close', id });
    setOwn((before) => before.filter((one) => one.id !== id));
  };
  const retry = () => setAttempt(attempt + 1);
  return { loading, facts, own, result, failure, open, close, retry };
}

async function contents({ files }: OwnFiles): Promise<Record<string, Uint8Array>> {
  const entries = Array.from(
    files,
    async ([name, file]) => [name, new Uint8Array(await file.arrayBuffer())] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}
