import { useEffect, useRef, useState } from 'preact/hooks';
import type { Failure } from '../failure.js';
import { type Loading, notBegun } from '../model-status.js';
import { Newest } from '../newest.js';
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
  const [attempt, setAttempt] = useState(0);
  const [loading, setLoading] = useState<Loading>(notBegun);
  const [analysis, setAnalysis] = useState<Analysis>();
  const [failure, setFailure] = useState<Failure>();
  const ask = useRef<(text: string) => void>(() => {});

  useEffect(() => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    const send = (request: Request) => worker.postMessage(request);
    const texts = new Newest<string>((text) => send({ type: 'analyze', text }));
    ask.current = (text) => texts.ask(text);
    const hear = (reply: Reply) => {
      if (reply.type === 'progress') {
        setLoading({ state: 'loading', loaded: reply.loaded, total: reply.total });
      } else if (reply.type === 'ready') {
        setLoading({ state: 'ready', model: reply.model });
        texts.next();
      } else if (reply.type === 'analyzed') {
        setAnalysis(reply.analysis);
        setFailure(undefined);
        texts.next();
      } else if (reply.during === 'load') {
        setLoading({ state: 'failed', failure: reply });
      } else {
        setFailure(reply);
        texts.next();
      }
    };
    worker.onmessage = ({ data }: MessageEvent<Reply>) => hear(data);
    // The script itself did not arrive or did not start.
    worker.onerror = ({ message }) =>
      hear({ type: 'failed', during: 'load', code: 'WORKER_FAILED', message: message ?? '' });
    setLoading(notBegun);
    send({ type: 'load', url });
    return () => worker.terminate();
  }, [url, attempt]);

  // After the effect above, so that a new worker hears the text too.
  useEffect(() => {
    const timer = setTimeout(() => ask.current(text), REST);
    return () => clearTimeout(timer);
  }, [text, attempt]);

  return { loading, analysis, failure, retry: () => setAttempt(attempt + 1) };
}
