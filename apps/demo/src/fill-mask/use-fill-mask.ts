import { useEffect, useRef, useState } from 'preact/hooks';
import type { Failure } from '../failure.js';
import type { Loading } from '../model-status.js';
import { Newest } from '../newest.js';
import { type Heard, useModelWorker } from '../use-model-worker.js';
import type { Analysis, Reply, Request } from './protocol.js';

export interface FillMask {
  loading: Loading;
  /** Of the newest text that was answered. */
  analysis: Analysis | undefined;
  /** Why the last text could not be answered. */
  failure: Failure | undefined;
  /** Starts over after a failure. */
  retry: () => void;
}

/** How long the typing must rest, in milliseconds. */
const REST = 150;

/** The model at `url`, held by a worker while the component lives, and what it says of the text. */
export function useFillMask(url: string, text: string): FillMask {
  const [analysis, setAnalysis] = useState<Analysis>();
  const [failure, setFailure] = useState<Failure>();
  const texts = useRef<Newest<string>>(undefined);

  const start = () => {
    texts.current = new Newest((newest) => send({ type: 'analyze', text: newest }));
    return new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  };
  const hear = (reply: Heard<Reply>) => {
    if (reply.type === 'analyzed') setAnalysis(reply.analysis);
    if (reply.type !== 'ready') setFailure(reply.type === 'failed' ? reply : undefined);
    texts.current!.next();
  };
  const { loading, attempt, send, retry } = useModelWorker<Request, Reply>({ url, start, hear });

  // After the hook above, so that a new worker hears the text too.
  useEffect(() => {
    const timer = setTimeout(() => texts.current!.ask(text), REST);
    return () => clearTimeout(timer);
  }, [text, attempt]);

  return { loading, analysis, failure, retry };
}
